internal import LibvirtProtocol
internal import LibvirtRPC
internal import LinuxIO
public import XDR

/// A connection to the administration of one of libvirt's daemons: its clients, its workers and its
/// log, and nothing of what it manages.
///
/// It goes over a UNIX socket of its own, which only root (or the session's user) may use.
///
/// Source: `virAdmConnectPtr`.
public final class AdminConnection: Sendable {
    /// What was asked for; for an alias, what it stands for. Source: `virAdmConnectGetURI`.
    public let uri: String
    let link: Link
    private let closing: ConnectionClosing

    private init(_ uri: String, _ link: Link, _ closing: ConnectionClosing) {
        self.uri = uri
        self.link = link
        self.closing = closing
    }

    deinit { link.close() }

    /// Connects to a daemon's administration.
    ///
    /// - Parameters:
    ///   - uri: names the daemon, such as `libvirtd:///system` or `virtqemud:///session`;
    ///     `?socket=PATH` names the socket itself; or an alias in libvirt-admin.conf. Nil takes
    ///     `LIBVIRT_ADMIN_DEFAULT_URI`, the default in libvirt-admin.conf, and else libvirtd's.
    ///   - deadline: ends the attempt; nil gives the daemon 30 seconds.
    /// - Throws: `LibvirtError`: which address was tried and what came of it, or what the server said.
    ///
    /// Source: `virAdmConnectOpen`.
    public static func open(
        _ uri: String? = nil, deadline: ContinuousClock.Instant? = nil
    ) async throws(LibvirtError) -> AdminConnection {
        let deadline = CallDeadline.earliest(deadline) ?? .now + .seconds(30)
        let target = try AdminSocket(uri)
        let text = target.uri
        let loop = try Connection.readingLoop(text)
        let socket = try await target.connect(loop: loop, deadline: deadline)
        let closing = ConnectionClosing()
        let link = Link.start(
            UnixCarrier(socket, loop: loop), timers: loop,
            handlers: LinkHandlers(ended: { failure in
                closing.close(ConnectionClosure(failure, EventRouter.error(failure, uri: text)))
            }))
        let connection = AdminConnection(text, link, closing)
        do throws(LibvirtError) {
            _ = try await connection.call(
                Admin.CONNECT_OPEN, admin_connect_open_args(flags: 0),
                deadline: deadline)
            return connection
        } catch {
            link.close()
            await link.waitUntilReleased()
            throw error
        }
    }

    /// Takes leave of the daemon and ends the connection. Source: `virAdmConnectClose`.
    public func close() async {
        closing.close(ConnectionClosure(LinkFailure(.closed), nil))
        // The daemon closes behind its reply, and what it says no longer matters.
        _ = try? await link.call(Admin.CONNECT_CLOSE, XDRVoid(), deadline: .now + .seconds(5))
        link.close()
        await link.waitUntilReleased()
    }

    /// Whether the connection stands, as far as this side knows. Source: `virAdmConnectIsAlive`.
    public var isAlive: Bool { link.failure == nil }

    /// How the connection ended; nil while it stands.
    public var closure: ConnectionClosure? { closing.closure }

    /// Waits until the connection has ended, whoever ended it, and tells how. Nil when the task was
    /// cancelled.
    ///
    /// Source: `virAdmConnectRegisterCloseCallback`; cancelling the wait is what
    /// `virAdmConnectUnregisterCloseCallback` does.
    public func waitUntilClosed() async -> ConnectionClosure? { await closing.wait() }

    /// Calls any procedure of the administration's program.
    ///
    /// - Parameter deadline: ends the wait; the server works on.
    /// - Throws: `LibvirtError`.
    public func call<Arguments, Result>(
        _ procedure: XDRProcedure<Arguments, Result>, _ arguments: Arguments,
        deadline: ContinuousClock.Instant? = nil
    ) async throws(LibvirtError) -> Result {
        do throws(RPCError) {
            return try await link.call(
                procedure, arguments, deadline: CallDeadline.earliest(deadline))
        } catch {
            throw LibvirtError(error, uri: uri)
        }
    }
}
