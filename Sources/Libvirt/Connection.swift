internal import LibvirtProtocol
public import LibvirtRPC
internal import LinuxIO
public import XDR

/// A connection to a libvirt daemon, which manages the domains of one hypervisor.
///
/// Calls may be made from any number of tasks; at most four are on their way at once, and the
/// others wait in order (see `LinkConfiguration`). Streams and calls that last have connections of their
/// own (``StreamPlacement``, ``CallPlacement``). A connection that is lost stays lost: see
/// ``SupervisedConnection`` for one that comes back.
///
/// Source: `virConnectPtr`.
public final class Connection: Sendable {
    /// What was asked for, with aliases and defaults resolved.
    public var uri: LibvirtURI { parameters.uri }
    /// How it was reached: each step, and what came of it.
    public let explanation: ConnectionExplanation
    let parameters: ConnectionParameters
    let link: Link
    /// For streams and long calls; nil where there are none: beside a connection that is one of those
    /// itself, a read-only one, on which they are refused, and one that is to stay alone.
    let sides: SideConnections?
    let events: EventRouter
    let features: ServerFeatures
    let registry: EventRegistry
    let timers: EventLoop

    /// The thread on which every connection of this process reads.
    static let loop: Result<EventLoop, SystemError> = Result { () throws(SystemError) in
        try EventLoop.start(name: "libvirt")
    }

    /// Runs tasks on the thread on which every connection of this process reads: a reply then finds its
    /// caller where it arrives, without a change of threads, and a call costs half.
    ///
    ///     try await withTaskExecutorPreference(connection.executor) {
    ///         for domain in try await connection.listAllDomains() { print(try await domain.xml()) }
    ///     }
    ///
    /// For what makes many calls and does little between them: whatever runs there must not block, and
    /// all connections of the process wait while it computes. Tasks of actors, the main actor's too, stay
    /// with their actors. Over TCP and TLS, which another thread reads, nothing is gained.
    public var executor: any TaskExecutor { timers }

    static func readingLoop(_ uri: String) throws(LibvirtError) -> EventLoop {
        try require(loop, for: uri)
    }

    /// A loop, or what its absence means for a connection.
    static func require(
        _ loop: Result<EventLoop, SystemError>, for uri: String
    ) throws(LibvirtError) -> EventLoop {
        do throws(SystemError) {
            return try loop.get()
        } catch {
            throw LibvirtError(
                .unreachable([ConnectionAttempt(address: uri, problem: "\(error)")]), uri: uri)
        }
    }

    private init(
        _ parameters: ConnectionParameters, _ explanation: ConnectionExplanation, _ link: Link,
        _ events: EventRouter, _ features: ServerFeatures, timers: EventLoop,
        sides: SideConnections?
    ) {
        self.parameters = parameters
        self.explanation = explanation
        self.link = link
        self.events = events
        self.features = features
        self.timers = timers
        self.sides = sides
        registry = EventRegistry(
            link: link, router: events, timers: timers, uri: parameters.uri.description)
    }

    deinit {
        link.close()
        _ = sides?.close()
    }

    /// Connects to a daemon, authenticates, and opens the hypervisor.
    ///
    /// - Parameters:
    ///   - uri: such as `qemu:///system` or `test:///default`, or an alias in libvirt.conf; nil or an
    ///     empty text leaves the choice to `LIBVIRT_DEFAULT_URI`, libvirt.conf and the host, in this order.
    ///   - readOnly: asks for a connection on which nothing can be changed.
    ///   - keepalive: pings the daemon and gives up a silent one; nil waits for ever. The daemon's own
    ///     pings are answered always.
    ///   - authentication: how to authenticate, where the URI and libvirt's files leave it open.
    ///   - allowsOthers: whether streams and calls that last get connections of their own beside this one.
    ///     Without them all goes over one: for a person who would have to type ssh's password again.
    ///   - deadline: ends the attempt. Nil gives each step 30 seconds, because a daemon with too many
    ///     clients accepts and never answers; but a polkit agent may ask its user for any time.
    /// - Throws: `LibvirtError`: which address was tried and what came of it, or what the server said.
    ///
    /// Source: `virConnectOpen`, `virConnectOpenReadOnly`, `virConnectOpenAuth`,
    /// `virConnectSetKeepAlive`.
    public static func open(
        _ uri: String? = nil, readOnly: Bool = false, keepalive: KeepalivePolicy? = nil,
        authentication: AuthenticationOptions = AuthenticationOptions(),
        allowsOthers: Bool = true, deadline: ContinuousClock.Instant? = nil
    ) async throws(LibvirtError) -> Connection {
        try await open(
            ConnectionParameters(
                target: try ConnectionTarget(uri), readOnly: readOnly, keepalive: keepalive,
                authentication: authentication, allowsOthers: allowsOthers),
            purpose: .calls, deadline: deadline)
    }

    /// As ``open(_:readOnly:keepalive:authentication:allowsOthers:deadline:)-(String?,_,_,_,_,_)``, with a URI that has been read.
    public static func open(
        _ uri: LibvirtURI, readOnly: Bool = false, keepalive: KeepalivePolicy? = nil,
        authentication: AuthenticationOptions = AuthenticationOptions(),
        allowsOthers: Bool = true, deadline: ContinuousClock.Instant? = nil
    ) async throws(LibvirtError) -> Connection {
        try await open(
            ConnectionParameters(
                target: try ConnectionTarget(uri), readOnly: readOnly, keepalive: keepalive,
                authentication: authentication, allowsOthers: allowsOthers),
            purpose: .calls, deadline: deadline)
    }

    /// Says how a connection would be made, without making it: where the URI comes from, which socket,
    /// host, files or program it leads to.
    ///
    /// - Parameter uri: as ``open(_:readOnly:keepalive:authentication:allowsOthers:deadline:)-(String?,_,_,_,_,_)`` takes it.
    /// - Throws: `LibvirtError` for a URI that cannot be used.
    public static func explain(
        _ uri: String? = nil, readOnly: Bool = false
    ) throws(LibvirtError) -> ConnectionExplanation {
        let target = try ConnectionTarget(uri)
        return ConnectionExplanation(target, actions: try route(target, readOnly).actions)
    }

    private static func route(
        _ target: ConnectionTarget, _ readOnly: Bool
    ) throws(LibvirtError) -> Route {
        do throws(LibvirtURIError) {
            return try Route(target, readOnly: readOnly)
        } catch {
            throw LibvirtError(.invalidURI(error.description), uri: target.uri.description)
        }
    }

    static func open(
        _ parameters: ConnectionParameters, purpose: ConnectionPurpose,
        deadline: ContinuousClock.Instant?
    ) async throws(LibvirtError) -> Connection {
        let uri = parameters.uri
        let deadline = CallDeadline.earliest(deadline)
        let events = EventRouter(uri: uri.description)
        let loop = try readingLoop(uri.description)
        let route = try route(parameters.target, parameters.readOnly)
        var explanation = ConnectionExplanation(parameters.target, actions: route.actions)
        let carrier = try await CarrierConnector(
            route: route, deadline: deadline, loop: loop
        ).connect { explanation.note($0) }
        var configuration = purpose.configuration
        configuration.keepalive = parameters.keepalive
        let link = Link.start(
            carrier, timers: loop, configuration: configuration,
            handlers: LinkHandlers(event: { events.receive($0) }, ended: { events.end($0) }))
        do throws(LibvirtError) {
            let features = try await Opening(
                uri: uri, link: link, readOnly: parameters.readOnly,
                purpose: purpose, deadline: deadline,
                authentication: parameters.authentication, memory: parameters.memory
            ).run()
            explanation.note("opened")
            (carrier as? ProgramCarrier)?.hasOpened()
            let hasSides = purpose == .calls && parameters.allowsOthers
            return Connection(
                parameters, explanation, link, events, features, timers: loop,
                sides: hasSides ? SideConnections(timers: loop) : nil)
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
        // The daemon closes behind its reply, and what it says no longer matters. To one that has its
        // fill of calls, most of which nobody waits for any more, the end of the socket says the same.
        if link.hasFreePlace {
            _ = try? await link.call(
                Remote.CONNECT_CLOSE, XDRVoid(), deadline: .now + .seconds(5))
        }
        link.close()
        for connection in sides?.close() ?? [] { await connection.link.waitUntilReleased() }
        await link.waitUntilReleased()
    }

    /// Whether the connection stands, as far as this side knows. Source: `virConnectIsAlive`.
    public var isAlive: Bool { link.failure == nil }

    /// Calls any procedure of any of the daemon's programs.
    ///
    /// - Parameters:
    ///   - placement: which connection carries it; see ``withPlacement(_:_:)`` for methods that take none.
    ///   - deadline: ends the wait; the server works on. See ``withDeadline(_:_:)`` for calls that take none.
    /// - Throws: `LibvirtError`.
    public func call<Arguments, Result>(
        _ procedure: XDRProcedure<Arguments, Result>, _ arguments: Arguments,
        placement: CallPlacement = .automatic, deadline: ContinuousClock.Instant? = nil
    ) async throws(LibvirtError) -> Result {
        let deadline = CallDeadline.earliest(deadline)
        let placement = placement == .automatic ? CallPlacement.current : placement
        // Four domains that hang, and whose calls were given up, must not end the talk with the daemon.
        let isApart =
            placement.isApart(procedure)
            || placement == .automatic && link.isStuck && !BoundCalls.contains(procedure.name)
        if isApart, let sides, isAlive, uri.isSharedAmongConnections {
            return try await callAside(procedure, arguments, sides, deadline: deadline)
        }
        do throws(RPCError) {
            return try await link.call(procedure, arguments, deadline: deadline)
        } catch {
            throw LibvirtError(error, uri: uri.description)
        }
    }
}
