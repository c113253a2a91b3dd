internal import LibvirtRPC
internal import LinuxIO

/// Gets hold of what carries a connection's frames, by the way that its URI asks for.
struct CarrierConnector {
    let route: Route
    let deadline: ContinuousClock.Instant?
    let loop: EventLoop

    /// For a connection over a network, when no deadline was given.
    private static let patience = Duration.seconds(30)

    /// Connects.
    ///
    /// - Parameter note: hears what came of each step.
    /// - Throws: `LibvirtError`: what was tried, with its outcome.
    func connect(_ note: (String) -> Void) async throws(LibvirtError) -> any Carrier {
        do throws(ConnectionFailure) {
            switch route.way {
            case .socket(let selection):
                let socket = try await SocketConnector(
                    selection: selection, daemon: route.sessionDaemon, loop: loop,
                    deadline: deadline
                ).connect(note)
                return UnixCarrier(socket, loop: loop)
            case .network(let host, let port, let tls):
                let carrier = try await connect(host, port, tls)
                note("connected")
                return carrier
            case .program(let arguments, let title):
                let carrier = try start(arguments, title: title)
                note("started")
                return carrier
            }
        } catch {
            throw LibvirtError(
                .unreachable(error.attempts), uri: route.target.uri.description)
        }
    }

    private func connect(
        _ host: String, _ port: UInt16, _ tls: TLSSettings?
    ) async throws(ConnectionFailure) -> any Carrier {
        let left = deadline.map { ContinuousClock.now.duration(to: $0) } ?? Self.patience
        do throws(NetworkConnectionError) {
            return try await NetworkCarrier.connect(
                host: host, port: port, tls: tls, timeout: max(left, .milliseconds(1)))
        } catch {
            let attempts = error.attempts.map {
                ConnectionAttempt(
                    address: $0.address, problem: $0.problem, isRefusal: $0.isRefusal)
            }
            throw ConnectionFailure(attempts: attempts + misspelling)
        }
    }

    /// What is meant by whoever writes two slashes in place of three, and so the name of a host.
    private var misspelling: [ConnectionAttempt] {
        let uri = route.target.uri
        guard let host = uri.host, ["system", "session"].contains(host), !uri.namesTransport,
            ["", "/"].contains(uri.path)
        else { return [] }
        let problem =
            "it names a host \"\(host)\": for the daemon of this one write "
            + "\(uri.driver):///\(host), with three slashes"
        return [ConnectionAttempt(address: uri.description, problem: problem)]
    }

    private func start(
        _ arguments: [String], title: String
    ) throws(ConnectionFailure) -> any Carrier {
        do throws(SystemError) {
            return try ProgramCarrier(arguments, title: title, loop: loop)
        } catch {
            throw ConnectionFailure(
                attempts: [ConnectionAttempt(address: title, problem: error.description)])
        }
    }
}
