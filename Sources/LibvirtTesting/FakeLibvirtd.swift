internal import LibvirtProtocol
public import LibvirtRPC
public import LinuxIO
internal import Synchronization
public import XDR

/// A libvirt daemon made up for a test, in the test's own process, behind a real UNIX socket.
///
/// It opens connections, takes registrations for events of domains, and answers what it was told to
/// answer; everything else is an unknown procedure, as with an old server. It misbehaves on request.
///
///     let daemon = try FakeLibvirtd.start(at: path)
///     daemon.serve(Remote.DOMAIN_LOOKUP_BY_NAME) { arguments in … }
///     let connection = try await Connection.open(daemon.uri)
///     daemon.inject(.http, into: Remote.CONNECT_GET_HOSTNAME)
public final class FakeLibvirtd: Sendable {
    private struct State {
        var procedures = ProcedureTable()
        var faults: [CalledProcedure: [Fault]] = [:]
        var calls: [String] = []
        var held: [CheckedContinuation<Void, Never>] = []
        var isStopped = false
    }

    /// Where it listens.
    public let socketPath: String
    private let loop: EventLoop
    private let state = Mutex(State())
    private let server = Mutex<LinkServer?>(nil)
    let registered = FakeEvents()

    /// The names of the procedures.
    private static let names = Dictionary(
        uniqueKeysWithValues: [
            (Remote.program, Remote.procedures), (Qemu.program, Qemu.procedures),
            (Lxc.program, Lxc.procedures), (Admin.program, Admin.procedures),
        ].flatMap { program, procedures in
            procedures.map { (CalledProcedure(program: program, number: $0.number), $0.name) }
        })

    /// Starts to listen.
    ///
    /// - Parameter path: of the socket, at most 107 bytes; the file is removed by `stop`.
    /// - Throws: `SystemError` when the socket cannot be made.
    public static func start(at path: String) throws(SystemError) -> FakeLibvirtd {
        let daemon = FakeLibvirtd(path, try EventLoop.start(name: "fake-libvirtd"))
        daemon.serveTheUsual()
        let listener = try SocketFile.listen(at: path, kind: .stream, mode: 0o600)
        let server = try LinkServer.start(
            listener, loop: daemon.loop, configuration: LinkConfiguration(mostCallsServed: 4096)
        ) { [weak daemon] client in
            LinkHandlers(
                answer: { await daemon?.answer($0, client.id) ?? .failure(.gone) },
                ended: { _ in daemon?.registered.forget(client.id) })
        }
        daemon.server.withLock { $0 = server }
        return daemon
    }

    private init(_ path: String, _ loop: EventLoop) {
        socketPath = path
        self.loop = loop
    }

    deinit { stop() }

    /// A URI that leads here.
    public var uri: String { "test+unix:///default?socket=\(socketPath)" }

    /// How many clients are connected.
    public var clientCount: Int { server.withLock(\.self)?.links.count ?? 0 }

    /// A client's link; nil once it has ended.
    func link(of client: LinkServer.Client.ID) -> Link? {
        server.withLock(\.self)?.link(of: client)
    }

    /// The links of the clients that are connected.
    var links: [Link] { server.withLock(\.self)?.links ?? [] }

    /// The names of the procedures that were called, in the order of their arrival.
    public var calls: [String] { state.withLock(\.calls) }

    /// Answers a procedure from now on with what `body` gives or refuses.
    public func serve<Arguments, Result>(
        _ procedure: XDRProcedure<Arguments, Result>,
        _ body: @escaping @Sendable (Arguments) async throws(CallRefusal) -> Result
    ) {
        state.withLock { $0.procedures.serve(procedure, body) }
    }

    /// Answers a procedure with which descriptors pass: `body` is given those of the call, and gives
    /// those of the reply.
    public func servePassing<Arguments, Result>(
        _ procedure: XDRProcedure<Arguments, Result>,
        _ body:
            @escaping @Sendable (Arguments, PassedDescriptors?) async throws(CallRefusal) -> (
                Result, PassedDescriptors?
            )
    ) {
        state.withLock { $0.procedures.servePassing(procedure, body) }
    }

    /// Answers a procedure that opens a stream, and serves the stream.
    ///
    /// - Parameter body: gives the result, and what serves the stream: that receives, sends and ends it.
    public func serveStream<Arguments, Result>(
        _ procedure: XDRProcedure<Arguments, Result>,
        _ body:
            @escaping @Sendable (Arguments) async throws(CallRefusal) -> (
                Result, @Sendable (LinkStream) async -> Void
            )
    ) {
        state.withLock { $0.procedures.serveStream(procedure, body) }
    }

    /// Does something wrong instead of answering the procedure's next call; faults for several
    /// calls line up.
    public func inject<Arguments, Result>(
        _ fault: Fault, into procedure: XDRProcedure<Arguments, Result>
    ) {
        state.withLock { $0.faults[CalledProcedure(procedure), default: []].append(fault) }
    }

    /// Lets calls go on that a fault has held.
    ///
    /// - Parameter newestFirst: answers them in the reverse of the order of their arrival.
    public func releaseHeldCalls(newestFirst: Bool = false) {
        let held = state.withLock { state in
            defer { state.held = [] }
            return state.held
        }
        for call in newestFirst ? held.reversed() : held { call.resume() }
    }

    /// How many calls a fault holds now.
    public var heldCallCount: Int { state.withLock(\.held.count) }

    /// Ends every client's connection without a word, as a daemon does that dies.
    public func disconnectClients() {
        for link in links { link.close() }
    }

    /// Ends every connection, stops to listen, and removes the socket.
    public func stop() {
        guard let server = server.withLock({ $0.take() }) else { return }
        state.withLock { $0.isStopped = true }
        releaseHeldCalls()
        server.stop()
        _ = try? File.remove(socketPath)
        loop.submit { [loop] in loop.stop() }
    }
}

// MARK: - Calls

extension FakeLibvirtd {
    private func serveTheUsual() {
        serve(Remote.AUTH_LIST) { _ in remote_auth_list_ret(types: [.REMOTE_AUTH_NONE]) }
        serve(Remote.CONNECT_SUPPORTS_FEATURE) { _ in .init(supported: 1) }
        // Takes any arguments: go-libvirt says yes to the name with another number than 1, as libvirt's
        // C allows.
        serve(
            XDRProcedure<XDRVoid, XDRVoid>(
                program: Remote.CONNECT_OPEN.program, version: Remote.CONNECT_OPEN.version,
                number: Remote.CONNECT_OPEN.number, name: Remote.CONNECT_OPEN.name)
        ) { _ in XDRVoid() }
        serve(Remote.CONNECT_CLOSE) { _ in XDRVoid() }
        serve(Remote.CONNECT_GET_HOSTNAME) { _ in .init(hostname: "fake") }
    }

    private func answer(
        _ call: IncomingCall, _ client: LinkServer.Client.ID
    ) async -> CallAnswer {
        let called = CalledProcedure(program: call.header.prog, number: call.header.proc)
        let (procedures, fault) = state.withLock { state in
            state.calls.append(Self.names[called] ?? "\(called.number)")
            let fault =
                state.faults[called]?.isEmpty == false
                ? state.faults[called]?.removeFirst() : nil
            return (state.procedures, fault)
        }
        let isEvents = FakeEvents.procedures.contains(called) && !procedures.offers(call.header)
        let table = isEvents ? registered.procedures(for: client) : procedures
        let answer = await table.answer(call)
        guard let fault else { return answer }
        return await commit(fault, answer, call.header, client)
    }

    /// Does what the fault says. A link that was closed drops the answer.
    private func commit(
        _ fault: Fault, _ answer: CallAnswer, _ header: virNetMessageHeader,
        _ client: LinkServer.Client.ID
    ) async -> CallAnswer {
        let link = link(of: client)
        switch fault.kind {
        case .hold: await hold()
        case .delay(let duration): try? await Task.sleep(for: duration)
        case .close: link?.close()
        case .bytes(let bytes):
            link?.send(raw: bytes)
            await hold()
        case .truncated(let count):
            link?.send(raw: Array(answer.frame(to: header).head.prefix(count)))
            link?.close()
        }
        return answer
    }

    private func hold() async {
        await withCheckedContinuation { continuation in
            let isStopped = state.withLock { state in
                if !state.isStopped { state.held.append(continuation) }
                return state.isStopped
            }
            if isStopped { continuation.resume() }
        }
    }
}

extension CallRefusal {
    fileprivate static var gone: CallRefusal { CallRefusal(.rpc, "the fake daemon has gone") }
}
