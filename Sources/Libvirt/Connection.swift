internal import LibvirtProtocol
public import LibvirtRPC
internal import LinuxIO
public import XDR

/// A connection to a libvirt daemon, which manages the domains of one hypervisor.
///
/// Calls may be made from any number of tasks; at most four are on their way at once, and the
/// others wait in order (see `LinkConfiguration`). A connection that is lost stays lost: see
/// ``SupervisedConnection`` for one that comes back.
///
/// Source: `virConnectPtr`.
public final class Connection: Sendable {
    /// What was asked for.
    public var uri: LibvirtURI { parameters.uri }
    let parameters: ConnectionParameters
    let link: Link
    let streamConnections = StreamConnections()
    let events: EventRouter
    let features: ServerFeatures
    let registry: EventRegistry

    /// The thread on which every connection of this process reads.
    static let loop: Result<EventLoop, SystemError> = Result { () throws(SystemError) in
        try EventLoop.start(name: "libvirt")
    }

    static func readingLoop(_ uri: String) throws(LibvirtError) -> EventLoop {
        do throws(SystemError) {
            return try loop.get()
        } catch {
            throw LibvirtError(
                .unreachable([ConnectionAttempt(address: uri, problem: "\(error)")]), uri: uri)
        }
    }

    private init(
        _ parameters: ConnectionParameters, _ link: Link, _ events: EventRouter,
        _ features: ServerFeatures, timers: EventLoop
    ) {
        self.parameters = parameters
        self.link = link
        self.events = events
        self.features = features
        registry = EventRegistry(
            link: link, router: events, timers: timers, uri: parameters.uri.description)
    }

    deinit {
        link.close()
        _ = streamConnections.close()
    }

    /// Connects to a daemon, authenticates, and opens the hypervisor.
    ///
    /// - Parameters:
    ///   - uri: such as `qemu:///system` or `test:///default`; `?socket=PATH` names the socket.
    ///   - readOnly: asks for a connection on which nothing can be changed.
    ///   - keepalive: pings the daemon and gives up a silent one; nil waits for ever. The daemon's own
    ///     pings are answered always.
    ///   - authentication: how to authenticate, where the URI and libvirt's files leave it open.
    ///   - deadline: ends the attempt. Nil gives each step 30 seconds, because a daemon with too many
    ///     clients accepts and never answers; but a polkit agent may ask its user for any time.
    /// - Throws: `LibvirtError`: which address was tried and what came of it, or what the server said.
    ///
    /// Source: `virConnectOpen`, `virConnectOpenReadOnly`, `virConnectOpenAuth`,
    /// `virConnectSetKeepAlive`.
    public static func open(
        _ uri: String, readOnly: Bool = false, keepalive: KeepalivePolicy? = nil,
        authentication: AuthenticationOptions = AuthenticationOptions(),
        deadline: ContinuousClock.Instant? = nil
    ) async throws(LibvirtError) -> Connection {
        let parsed: LibvirtURI
        do throws(LibvirtURIError) {
            parsed = try LibvirtURI(uri)
        } catch {
            throw LibvirtError(.invalidURI(error.description), uri: uri)
        }
        return try await open(
            parsed, readOnly: readOnly, keepalive: keepalive, authentication: authentication,
            deadline: deadline)
    }

    /// As ``open(_:readOnly:keepalive:authentication:deadline:)-(String,_,_,_,_)``, with a URI that has been read.
    public static func open(
        _ uri: LibvirtURI, readOnly: Bool = false, keepalive: KeepalivePolicy? = nil,
        authentication: AuthenticationOptions = AuthenticationOptions(),
        deadline: ContinuousClock.Instant? = nil
    ) async throws(LibvirtError) -> Connection {
        try await open(
            ConnectionParameters(
                uri: uri, readOnly: readOnly, keepalive: keepalive,
                authentication: authentication),
            purpose: .calls, deadline: deadline)
    }

    static func open(
        _ parameters: ConnectionParameters, purpose: ConnectionPurpose,
        deadline: ContinuousClock.Instant?
    ) async throws(LibvirtError) -> Connection {
        let uri = parameters.uri
        let events = EventRouter(uri: uri.description)
        let loop = try readingLoop(uri.description)
        let carrier = try await CarrierConnector(
            uri: uri, readOnly: parameters.readOnly, deadline: deadline, loop: loop
        ).connect()
        var configuration = purpose.configuration
        configuration.keepalive = parameters.keepalive
        let link = Link.start(
            carrier, timers: loop, configuration: configuration,
            handlers: LinkHandlers(event: { events.receive($0) }, ended: { events.end($0) }))
        do throws(LibvirtError) {
            let features = try await Opening(
                uri: uri, link: link, carrier: carrier, readOnly: parameters.readOnly,
                purpose: purpose, deadline: deadline,
                authentication: parameters.authentication
            ).run()
            return Connection(parameters, link, events, features, timers: loop)
        } catch {
            link.close()
            await link.waitUntilReleased()
            guard let program = carrier as? ProgramCarrier else { throw error }
            throw program.explain(error)
        }
    }

    /// Takes leave of the daemon and ends the connection; every call and stream under way ends with an
    /// error. The sockets are closed when this returns.
    ///
    /// Source: `virConnectClose`.
    public func close() async {
        events.endByThisSide()
        // The daemon closes behind its reply, and what it says no longer matters.
        _ = try? await link.call(
            Remote.CONNECT_CLOSE, XDRVoid(), deadline: .now + .seconds(5))
        link.close()
        for connection in streamConnections.close() { await connection.link.waitUntilReleased() }
        await link.waitUntilReleased()
    }

    /// Whether the connection stands, as far as this side knows. Source: `virConnectIsAlive`.
    public var isAlive: Bool { link.failure == nil }

    /// Calls any procedure of any of the daemon's programs.
    ///
    /// - Parameter deadline: ends the wait; the server works on.
    /// - Throws: `LibvirtError`.
    public func call<Arguments, Result>(
        _ procedure: XDRProcedure<Arguments, Result>, _ arguments: Arguments,
        deadline: ContinuousClock.Instant? = nil
    ) async throws(LibvirtError) -> Result {
        do throws(RPCError) {
            return try await link.call(procedure, arguments, deadline: deadline)
        } catch {
            throw LibvirtError(error, uri: uri.description)
        }
    }
}
