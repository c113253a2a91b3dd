/// A libvirt connection URI, read: `driver[+transport]://[user@][host][:port]/path?parameters#fragment`.
///
/// Source: libvirt's `docs/uri.rst`, and `remote_driver.c` for what is sent to the server.
public struct LibvirtURI: Hashable, Sendable, CustomStringConvertible {
    /// How the server is reached.
    public enum Transport: String, Sendable, CaseIterable {
        /// A UNIX socket on this host.
        case unix
        /// Plain TCP.
        case tcp
        /// TLS over TCP: what a host without a transport means.
        case tls
        /// The system's ssh.
        case ssh
        /// libssh; served by the same ssh.
        case libssh
        /// libssh2; served by the same ssh.
        case libssh2
        /// A program of the user's, spoken to over its standard input and output.
        case ext
    }

    /// A query parameter, decoded.
    public struct Parameter: Hashable, Sendable {
        /// Its name, as written.
        public let name: String
        /// Its value, percent-decoded.
        public let value: String
    }

    /// The hypervisor driver: `qemu`, `test`, …; `remote` leaves the choice to the server.
    public let driver: String
    /// How the server is reached.
    public let transport: Transport
    /// Whether the URI itself says how.
    public let namesTransport: Bool
    /// The user to log in as, where one is named.
    public let user: String?
    /// The server's host; nil for this one.
    public let host: String?
    /// The port, where one is named.
    public let port: UInt16?
    /// The path with its leading slash, percent-decoded: `/system`, `/session`, `/default`.
    public let path: String
    /// The query, in order.
    public let parameters: [Parameter]
    /// What follows `#`.
    public let fragment: String?
    /// The URI as it was given.
    public let description: String

    /// Reads a URI.
    ///
    /// - Throws: `LibvirtURIError`, which says what is wrong and how it should look.
    public init(_ text: String) throws(LibvirtURIError) {
        var parser = try LibvirtURIParser(text)
        let scheme = try parser.scheme()
        let authority = try parser.authority()
        driver = scheme.driver
        user = authority.user
        host = authority.host
        port = authority.port
        path = try parser.path()
        parameters = try parser.parameters()
        fragment = parser.fragment
        namesTransport = scheme.transport != nil
        transport = scheme.transport ?? (authority.host == nil ? .unix : .tls)
        description = text
        if transport == .unix, let host = authority.host {
            throw LibvirtURIError(
                text, "a UNIX socket is on this host, yet the URI names the host \(host)")
        }
    }

    /// The value of a parameter, the last where it is given twice; nil where it is not given.
    public func parameter(_ name: String) -> String? {
        parameters.last { $0.name == name }?.value
    }

    /// Whether a parameter of value 0 or 1 is on.
    ///
    /// - Throws: `LibvirtURIError` for a value that is no integer: to libvirt, `no_verify=yes` is a mistake.
    public func flag(_ name: String) throws(LibvirtURIError) -> Bool {
        guard let value = parameter(name) else { return false }
        guard let number = Int(value) else {
            throw LibvirtURIError(
                description, "\(name)=\(value) is not an integer: write \(name)=1")
        }
        return number != 0
    }

    /// What the server is told to open: a URI local to it, without transport, host, user and the
    /// parameters that are the client's own. Empty for `remote:`, which leaves the choice to the server.
    public var serverName: String {
        if let name = parameter("name") { return name }
        if driver == "remote" { return "" }
        let rest = parameters.filter { !Self.clientParameters.contains($0.name) }
        let query = rest.map { "\(Self.escape($0.name))=\(Self.escape($0.value))" }
            .joined(separator: "&")
        return "\(driver)://\(Self.escape(path))" + (query.isEmpty ? "" : "?\(query)")
            + (fragment.map { "#\($0)" } ?? "")
    }

    /// Whether the daemon of the user's session is meant, and not the system's.
    public var isSession: Bool { path == "/session" }

    /// The parameters that the client keeps to itself. Source: `remote_driver.c`, doRemoteOpen.
    static let clientParameters: Set<String> = [
        "name", "command", "socket", "auth", "authfile", "sshauth", "netcat", "keyfile",
        "known_hosts", "known_hosts_verify", "no_verify", "no_sanity", "no_tty", "pkipath",
        "tls_priority", "mode", "proxy",
    ]

    private static func escape(_ text: String) -> String {
        let plain = "-._~/:".utf8
        return text.utf8.map { byte in
            let character = Character(UnicodeScalar(byte))
            if byte < 0x80, character.isLetter || character.isNumber || plain.contains(byte) {
                return String(character)
            }
            return "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }
}

/// A URI that cannot be one of libvirt's.
public struct LibvirtURIError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The text that was to be read.
    public let text: String
    /// What is wrong with it.
    public let problem: String

    init(_ text: String, _ problem: String) {
        self.text = text
        self.problem = problem
    }

    /// One sentence: which URI, what is wrong.
    public var description: String {
        "\"\(text)\" is not a libvirt URI: \(problem) (one looks like qemu:///system)"
    }
}
