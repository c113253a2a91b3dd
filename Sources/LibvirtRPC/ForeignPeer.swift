/// A protocol that is not libvirt's, recognised by its first bytes.
public enum ForeignPeer: Hashable, Sendable {
    /// HTTP: a web server, or a web client's request.
    case http
    /// TLS: an encrypted peer on a plain connection.
    case tls
    /// SSH's banner.
    case ssh
    /// Printable text of some other kind; its first characters.
    case text(String)

    /// Tells what the peer speaks from bytes that begin no frame; nil when they say nothing.
    ///
    /// - Parameter start: the first bytes from the peer that do not fit, as many as there are.
    public static func recognise(_ start: [UInt8]) -> ForeignPeer? {
        let text = String(decoding: start.prefix(16), as: UTF8.self)
        let methods = ["GET ", "POST", "PUT ", "HEAD", "DELE", "OPTI", "PATC", "CONN", "TRAC"]
        if text.hasPrefix("HTTP") || methods.contains(where: text.hasPrefix) { return .http }
        if text.hasPrefix("SSH-") { return .ssh }
        // A TLS record: alert or handshake, version 3.x.
        if start.count >= 2, start[0] == 0x15 || start[0] == 0x16, start[1] == 3 { return .tls }
        let line = start.prefix(16).prefix { $0 != 0x0D && $0 != 0x0A }
        let isPrintable = line.count >= 4 && line.allSatisfy { (0x20...0x7E).contains($0) }
        return isPrintable ? .text(String(decoding: line, as: UTF8.self)) : nil
    }
}

extension ForeignPeer: CustomStringConvertible {
    /// What the peer speaks and what to look at.
    public var description: String {
        switch self {
        case .http: "the peer speaks HTTP, not libvirt's RPC; check the socket's path or the port"
        case .tls: "the peer speaks TLS on a plain connection; use the tls transport or its port"
        case .ssh: "the peer is an SSH server, not libvirt's RPC; use the ssh transport"
        case .text(let start):
            "the peer sends text (\"\(start)\"), not libvirt's RPC; check the socket's path or the port"
        }
    }
}
