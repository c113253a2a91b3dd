/// Which of the client's own parameters of a URI mean something over which transport.
///
/// libvirt's own client takes no notice of the others: a `pkipath` over plain TCP, say, where whoever wrote
/// it believes to have TLS.
enum URIParameters {
    private static let ssh: Set<LibvirtURI.Transport> = [.ssh, .libssh, .libssh2]

    private static let transports: [String: Set<LibvirtURI.Transport>] = [
        "socket": ssh.union([.unix]),
        "pkipath": [.tls], "no_sanity": [.tls], "tls_priority": [.tls],
        "no_verify": ssh.union([.tls]),
        "command": ssh.union([.ext]),
        "proxy": ssh, "netcat": ssh, "keyfile": ssh, "no_tty": ssh, "known_hosts": ssh,
        "known_hosts_verify": ssh, "sshauth": ssh,
    ]

    /// - Throws: `LibvirtURIError` for a parameter that could not be honoured.
    static func check(_ uri: LibvirtURI) throws(LibvirtURIError) {
        for parameter in uri.parameters {
            guard let meant = transports[parameter.name], !meant.contains(uri.transport) else {
                continue
            }
            let names = LibvirtURI.Transport.allCases.filter(meant.contains).map(\.rawValue)
            throw LibvirtURIError(
                uri.description,
                "\(parameter.name) means nothing over \(uri.transport.rawValue): it is for "
                    + names.joined(separator: ", "))
        }
        _ = try authentication(uri)
    }

    /// The only way to authenticate that a URI accepts; nil where it does not say.
    static func authentication(
        _ uri: LibvirtURI
    ) throws(LibvirtURIError) -> AuthenticationOptions.Method? {
        guard let text = uri.parameter("auth") else { return nil }
        switch text.lowercased() {
        case "polkit": return .polkit
        case "sasl": return .sasl(mechanism: nil)
        case let text where text.hasPrefix("sasl.") && text.utf8.count > 5:
            return .sasl(mechanism: String(text.dropFirst(5)).uppercased())
        default:
            throw LibvirtURIError(
                uri.description, "auth=\(text) is none of polkit, sasl and sasl.MECHANISM")
        }
    }
}
