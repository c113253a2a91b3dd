internal import MemifController

/// Where metrics are served: a UNIX socket, or a port of this host's loopback. They tell names of
/// domains, and nobody logs in: no other machine gets them.
enum MetricsAddress: Hashable, CustomStringConvertible {
    case unix(path: String)
    case loopback(host: String, port: Int)

    /// Reads `/path`, `127.0.0.1:port` or `[::1]:port`; nil for anything else.
    init?(_ text: String) {
        if text.hasPrefix("/") {
            self = .unix(path: text)
            return
        }
        for (prefix, host) in [("127.0.0.1:", "127.0.0.1"), ("[::1]:", "::1")] {
            guard text.hasPrefix(prefix), let port = Int(text.dropFirst(prefix.count)),
                (1...65535).contains(port)
            else { continue }
            self = .loopback(host: host, port: port)
            return
        }
        return nil
    }

    /// As it is written.
    var description: String {
        switch self {
        case .unix(let path): path
        case .loopback(let host, let port):
            host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }
}
