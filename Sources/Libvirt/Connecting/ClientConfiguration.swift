internal import LinuxIO

/// What libvirt's client files say: `libvirt.conf` of the user, and behind it that of the system; or, for
/// the administration of daemons, `libvirt-admin.conf`.
///
/// A setting of the user's wins. libvirt's own client reads one of the two only: the user's, or the
/// system's for root.
///
/// Source: `libvirt.conf` as libvirt installs it, `virconf.c` for its grammar.
struct ClientConfiguration: Sendable {
    /// A value, and the file that it is from.
    struct Setting<Value: Sendable>: Sendable {
        let value: Value
        let file: String
    }

    /// Short names of URIs, in the files' order.
    private(set) var aliases: [(name: String, uri: Setting<String>)] = []
    private(set) var defaultURI: Setting<String>?
    /// `mode`, for URIs without it.
    private(set) var mode: String?
    /// `proxy`, for URIs without it.
    private(set) var proxy: String?
    private(set) var tlsPriority: String?

    /// Nothing is set.
    init() {}

    /// Reads the files that there are.
    ///
    /// - Parameter name: of the files.
    /// - Throws: `ClientConfigurationError` for one that cannot be read or understood.
    init(
        _ name: String = "libvirt.conf", in surroundings: Surroundings
    ) throws(ClientConfigurationError) {
        var files = ["/etc/libvirt/\(name)"]
        if !surroundings.isRoot {
            files.insert("\(surroundings.configurationDirectory)/\(name)", at: 0)
        }
        for file in files where surroundings.fileExists(file) {
            let bytes: [UInt8]
            do throws(SystemError) {
                bytes = try File.read(file, limit: Self.longestFile)
            } catch {
                throw ClientConfigurationError(file: file, line: nil, problem: error.reason)
            }
            try add(String(decoding: bytes, as: UTF8.self), from: file)
        }
    }

    /// As ``init(_:in:)``, for whoever asks for a URI.
    static func read(
        _ name: String = "libvirt.conf", in surroundings: Surroundings, for uri: String
    ) throws(LibvirtError) -> ClientConfiguration {
        do throws(ClientConfigurationError) {
            return try ClientConfiguration(name, in: surroundings)
        } catch {
            throw LibvirtError(.invalidURI(error.description), uri: uri)
        }
    }

    private static let longestFile = 1 << 20

    /// Adds what a file says; what is known already stays.
    mutating func add(_ text: String, from file: String) throws(ClientConfigurationError) {
        var parser = ConfigurationParser(text, file: file)
        for entry in try parser.entries() {
            switch (entry.name, entry.value) {
            case ("uri_aliases", .list(let list)):
                for item in list { try addAlias(item, entry, file) }
            case ("uri_default", .text(let uri)):
                // An empty one is how the file is installed.
                if defaultURI == nil, !uri.isEmpty { defaultURI = Setting(value: uri, file: file) }
            case ("remote_mode", .text(let text)): mode = mode ?? text
            case ("remote_proxy", .text(let text)): proxy = proxy ?? text
            case ("tls_priority", .text(let text)): tlsPriority = tlsPriority ?? text
            case ("uri_aliases", _), ("uri_default", _), ("remote_mode", _), ("remote_proxy", _),
                ("tls_priority", _):
                throw ClientConfigurationError(
                    file: file, line: entry.line,
                    problem: "\(entry.name) should be "
                        + (entry.name == "uri_aliases" ? "a list of texts" : "a text"))
            default: break
            }
        }
    }

    private mutating func addAlias(
        _ item: String, _ entry: ConfigurationParser.Entry, _ file: String
    ) throws(ClientConfigurationError) {
        guard let mark = item.firstIndex(of: "="), Self.isAlias(item[..<mark]) else {
            throw ClientConfigurationError(
                file: file, line: entry.line,
                problem:
                    "the alias \"\(item)\" should be like name=URI, with letters, digits, - and _ "
                    + "in the name")
        }
        let name = String(item[..<mark])
        guard !aliases.contains(where: { $0.name == name }) else { return }
        let uri = String(item[item.index(after: mark)...])
        aliases.append((name, Setting(value: uri, file: file)))
    }

    /// The URI that an alias stands for; nil for a text that is a URI.
    ///
    /// - Parameter advice: a URI for example, and the files' name: for who has written neither.
    func uri(
        ofAlias text: String, advice: (example: String, file: String)
    ) throws(LibvirtError) -> Setting<String>? {
        guard Self.isAlias(text) else { return nil }
        if let alias = aliases.first(where: { $0.name == text }) { return alias.uri }
        throw LibvirtError(
            .invalidURI(
                "\"\(text)\" is neither a URI, such as \(advice.example), nor an alias in "
                    + "uri_aliases of \(advice.file)"), uri: text)
    }

    /// Whether a text can be an alias: one with other characters is a URI.
    static func isAlias(_ text: some StringProtocol) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                let character = Character(UnicodeScalar(byte))
                return byte < 0x80
                    && (character.isLetter || character.isNumber || character == "-"
                        || character == "_")
            }
    }
}

/// A client file that cannot be read or understood.
struct ClientConfigurationError: Error, CustomStringConvertible {
    let file: String
    let line: Int?
    let problem: String

    var description: String {
        "\(file)\(line.map { ", line \($0)" } ?? ""): \(problem)"
    }
}
