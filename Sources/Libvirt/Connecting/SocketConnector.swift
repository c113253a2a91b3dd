internal import Glibc
internal import LinuxIO

/// Connects to a UNIX socket, and starts the daemon that should listen there where a client may.
struct SocketConnector {
    let selection: SocketSelection
    let daemon: SessionDaemon?
    let loop: EventLoop
    var deadline: ContinuousClock.Instant?

    /// How often a full backlog is tried again, and how long apart: a daemon that starts up is
    /// slower to accept than its clients are to come.
    private static let busyTries = 50
    private static let busyPause = Duration.milliseconds(20)

    /// Connects.
    ///
    /// - Parameter note: hears what came of each step.
    /// - Throws: `ConnectionFailure`: each socket, with its problem.
    func connect(_ note: (String) -> Void) async throws(ConnectionFailure) -> UnixSocket {
        for _ in selection.passedOver { note("there is none") }
        var attempts = selection.passedOver.map {
            ConnectionAttempt(address: $0, problem: "there is no such socket")
        }
        do throws(SystemError) {
            let socket = try await connect()
            note("connected")
            return socket
        } catch {
            attempts.append(attempt(error))
            guard let daemon, error.code == ENOENT || error.code == ECONNREFUSED else {
                throw ConnectionFailure(attempts: attempts)
            }
            return try await start(daemon, attempts, note)
        }
    }

    private func start(
        _ daemon: SessionDaemon, _ attempts: [ConnectionAttempt], _ note: (String) -> Void
    ) async throws(ConnectionFailure) -> UnixSocket {
        let deed: String
        do throws(SessionDaemonError) {
            deed = try await daemon.start(loop: loop, until: deadline, isUp: isUp)
        } catch {
            throw ConnectionFailure(
                attempts: attempts
                    + [ConnectionAttempt(address: daemon.name, problem: error.description)])
        }
        do throws(SystemError) {
            let socket = try await connect()
            note("\(deed), and connected")
            return socket
        } catch {
            throw ConnectionFailure(attempts: attempts + [attempt(error, after: "\(deed), yet ")])
        }
    }

    private var isLate: Bool { deadline.map { $0 <= .now } ?? false }

    private func isUp() -> Bool {
        guard let address = try? UnixAddress(selection.path) else { return false }
        return (try? UnixSocket.connect(to: address, kind: .stream)) != nil
    }

    private func connect() async throws(SystemError) -> UnixSocket {
        let address = try UnixAddress(selection.path)
        for _ in 1..<Self.busyTries {
            do throws(SystemError) {
                return try UnixSocket.connect(to: address, kind: .stream)
            } catch {
                guard error.code == EAGAIN, !Task.isCancelled, !isLate else { throw error }
            }
            try? await Task.sleep(for: Self.busyPause)
        }
        return try UnixSocket.connect(to: address, kind: .stream)
    }

    private func attempt(_ error: SystemError, after deed: String = "") -> ConnectionAttempt {
        ConnectionAttempt(
            address: selection.path, problem: deed + advice(on: error),
            isRefusal: [EACCES, EPERM, ENAMETOOLONG].contains(error.code))
    }

    private func advice(on error: SystemError) -> String {
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

/// A server that was not reached: what was tried.
struct ConnectionFailure: Error {
    let attempts: [ConnectionAttempt]
}
