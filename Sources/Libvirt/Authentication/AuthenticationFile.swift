internal import LinuxIO

/// libvirt's file of credentials: groups of `key=value` lines, in which `[auth-SERVICE-HOST]` names the
/// credentials for a host and `[credentials-NAME]` holds them.
///
/// Source: libvirt's `docs/auth.rst`, `virauthconfig.c`, `virkeyfile.c`.
struct AuthenticationFile {
    let path: String
    private var groups: [String: [String: String]] = [:]

    /// In bytes. libvirt has no limit; nobody's file comes near this one.
    private static let longest = 1 << 20

    /// Reads a file.
    ///
    /// - Throws: `AuthenticationError` when it cannot be read, or a line cannot be understood.
    init(path: String) throws(AuthenticationError) {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try File.read(path, limit: Self.longest)
        } catch {
            throw AuthenticationError(.invalidFile(path: path, problem: "\(error)"))
        }
        try self.init(text: String(decoding: bytes, as: UTF8.self), path: path)
    }

    /// Reads a file's text. No message quotes a line: it may hold a password.
    init(text: String, path: String) throws(AuthenticationError) {
        self.path = path
        var group: String?
        let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
        for (index, line) in lines.enumerated() {
            let line = line.trimmed
            guard let first = line.first, first != "#", first != ";" else { continue }
            if first == "[" {
                guard line.last == "]" else {
                    throw problem("line \(index + 1) opens a group and has no closing bracket")
                }
                group = String(line.dropFirst().dropLast())
                continue
            }
            guard let group else {
                throw problem("line \(index + 1) stands before any [group]")
            }
            guard let sign = line.firstIndex(of: "=") else {
                throw problem("line \(index + 1) is no key=value")
            }
            let key = String(line[..<sign].trimmed)
            groups[group, default: [:]][key] = String(line[line.index(after: sign)...].trimmed)
        }
    }

    /// The credentials for a service on a host; nil where the file has none for it.
    ///
    /// - Throws: `AuthenticationError` when one group refers to another that is not there.
    func credentials(
        service: String, host: String
    ) throws(AuthenticationError) -> Credentials? {
        let names = ["auth-\(service)-\(host)", "auth-\(service)-default"]
        guard let name = names.first(where: { groups[$0] != nil }), let group = groups[name] else {
            return nil
        }
        guard let reference = group["credentials"] else {
            throw problem("the group [\(name)] has no line credentials=NAME")
        }
        guard let values = groups["credentials-\(reference)"] else {
            throw problem("[\(name)] names [credentials-\(reference)], and there is no such group")
        }
        return Credentials(
            name: values["authname"], password: values["password"],
            authorizationName: values["username"], realm: values["realm"])
    }

    private func problem(_ text: String) -> AuthenticationError {
        AuthenticationError(.invalidFile(path: path, problem: text))
    }
}

extension AuthenticationFile {
    /// The file that counts; nil where there is none. One that is named counts even if it is missing:
    /// whoever names it wants to hear that. libvirt reads one file alone, the first.
    ///
    /// Source: `virauth.c`, virAuthGetConfigFilePathURI.
    static func path(
        option: String? = nil, uri: LibvirtURI, surroundings: Surroundings = .current,
        isReadable: (_ path: String) -> Bool = { (try? File.read($0, limit: longest)) != nil }
    ) -> String? {
        if let option { return option }
        if let path = surroundings.variable("LIBVIRT_AUTH_FILE") { return path }
        if let path = uri.parameter("authfile") { return path }
        let usual = [surroundings.configurationDirectory + "/auth.conf", "/etc/libvirt/auth.conf"]
        return usual.first(where: isReadable)
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        let rest = drop(while: \.isWhitespace)
        guard let last = rest.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return rest[...last]
    }
}
