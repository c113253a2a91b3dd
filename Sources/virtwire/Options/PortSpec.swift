internal import ArgumentParser
internal import LinuxIO
internal import Memif

/// One side of a bridge, as a command line names it.
enum PortSpec: Hashable, Sendable {
    /// An end of a memif link.
    case memif(Memif)
    /// A TAP device of this host, by its name.
    case tap(String)

    struct Memif: Hashable, Sendable {
        var role: MemifRole
        var socket: String
        var id: UInt32 = 0
        var secret: Secret?
    }

    /// What a specification may look like.
    static let forms = "master:PATH[,id=N][,secret=TEXT], slave:PATH[,…] or tap:NAME"

    init(_ text: String) throws(ValidationError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[1].isEmpty else {
            throw ValidationError("'\(text)' names no port: write \(Self.forms)")
        }
        if parts[0] == "tap" {
            guard parts[1].utf8.count <= TapDevice.longestName, !parts[1].contains("/") else {
                throw ValidationError(
                    "'\(parts[1])' names no interface: it has at most \(TapDevice.longestName) "
                        + "bytes and no slash")
            }
            self = .tap(String(parts[1]))
            return
        }
        guard let role = MemifRole(rawValue: String(parts[0])) else {
            throw ValidationError("'\(text)' names no port: write \(Self.forms)")
        }
        let fields = parts[1].split(separator: ",", omittingEmptySubsequences: false)
        guard let socket = fields.first, !socket.isEmpty, socket != "@" else {
            throw ValidationError("'\(text)' names no socket: write \(Self.forms)")
        }
        var memif = Memif(role: role, socket: String(socket))
        for field in fields.dropFirst() { try memif.set(field, of: text) }
        self = .memif(memif)
    }

    /// As it was written, without the secret.
    var title: String {
        switch self {
        case .memif(let memif):
            "\(memif.role.rawValue):\(memif.socket)" + (memif.id == 0 ? "" : ",id=\(memif.id)")
        case .tap(let name): "tap:\(name)"
        }
    }
}

extension PortSpec.Memif {
    fileprivate mutating func set(_ field: Substring, of text: String) throws(ValidationError) {
        let pair = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let value = pair.count == 2 ? String(pair[1]) : ""
        switch pair[0] {
        case "id":
            guard let id = UInt32(value) else {
                throw ValidationError("'\(field)' in '\(text)': an id is 0 to \(UInt32.max)")
            }
            self.id = id
        case "secret":
            guard let secret = try? Secret(value) else {
                throw ValidationError(
                    "the secret in '\(role.rawValue):\(socket)' has 1 to 24 bytes")
            }
            self.secret = secret
        default:
            throw ValidationError("'\(pair[0])' in '\(text)' is no setting: write id or secret")
        }
    }
}
