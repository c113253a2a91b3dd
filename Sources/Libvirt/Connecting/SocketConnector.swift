internal import Glibc
internal import LinuxIO

/// Connects to the first of several UNIX sockets that answers.
struct SocketConnector {
    let uri: LibvirtURI
    let readOnly: Bool

    /// How often a full backlog is tried again, and how long apart: a daemon that starts up is
    /// slower to accept than its clients are to come.
    private static let busyTries = 50
    private static let busyPause = Duration.milliseconds(20)

    func connect() async throws(LibvirtError) -> UnixSocket {
        let paths: [String]
        do throws(LibvirtURIError) {
            paths = try SocketSelection(uri, readOnly: readOnly).paths
        } catch {
            throw LibvirtError(.invalidURI(error.description), uri: uri.description)
        }
        return try await connect(toFirstOf: paths)
    }

    func connect(toFirstOf paths: [String]) async throws(LibvirtError) -> UnixSocket {
        var attempts: [ConnectionAttempt] = []
        for path in paths {
            do throws(SystemError) {
                return try await connect(to: try UnixAddress(path))
            } catch {
                attempts.append(ConnectionAttempt(address: path, problem: Self.advice(on: error)))
            }
        }
        throw LibvirtError(.unreachable(attempts), uri: uri.description)
    }

    private func connect(to address: UnixAddress) async throws(SystemError) -> UnixSocket {
        for _ in 1..<Self.busyTries {
            do throws(SystemError) {
                return try UnixSocket.connect(to: address, kind: .stream)
            } catch {
                guard error.code == EAGAIN, !Task.isCancelled else { throw error }
            }
            try? await Task.sleep(for: Self.busyPause)
        }
        return try UnixSocket.connect(to: address, kind: .stream)
    }

    private static func advice(on error: SystemError) -> String {
        switch error.code {
        case ENOENT: "there is no such socket; is the libvirt daemon running?"
        case ECONNREFUSED: "nobody listens; the libvirt daemon has died or is not running"
        case EACCES, EPERM:
            "permission denied; run as root, join the socket's group (often libvirt), "
                + "or connect read-only"
        case EAGAIN: "the daemon accepts no more clients at the moment"
        case ENAMETOOLONG: error.description
        default: error.reason
        }
    }
}
