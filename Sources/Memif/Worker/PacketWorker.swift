internal import LinuxIO
internal import Synchronization

/// A thread that serves any number of links, each with a packet handler.
///
/// A link with traffic is polled, one that was quiet for a moment sleeps until its peer raises an
/// interrupt. However many links are busy, the kernel is asked once in sixteen rounds whether one that sleeps
/// was woken; idle ones cost no time at all.
public final class PacketWorker: Sendable {
    enum Command: Sendable {
        case attach(MemifLink, any PacketHandler, PacketAttachment)
        /// Let the queues go.
        case detach(UInt64)
        /// The link is over: look at its queues once more, they will say so.
        case lookAt(UInt64)
        case run(@Sendable () -> Void)
        case stop
    }

    private struct State {
        var commands: [Command] = []
        var nextToken: UInt64 = 1
        var isStopped = false
    }

    private let state = Mutex(State())
    let wake: EventCounter

    /// Starts a worker on a thread of its own.
    ///
    /// - Parameters:
    ///   - name: the thread's, at most 15 bytes.
    ///   - cpu: pins the thread; nil does not.
    ///   - pollingTime: how long a link must be quiet before it sleeps.
    /// - Throws: `MemifError` with `.system`.
    public static func start(
        name: String = "memif-worker", cpu: Int? = nil, pollingTime: Duration = .microseconds(20)
    ) throws(MemifError) -> PacketWorker {
        do throws(SystemError) {
            let worker = try PacketWorker()
            // Made here, so that its failure is the caller's to see; used by the thread alone.
            let poller = try Poller()
            try poller.add(worker.wake.descriptor, for: .readable, token: 0)
            let loop = PacketWorkerLoop(worker, poller, pollingTime: pollingTime)
            try Thread.start(name: name, cpu: cpu) { loop.run() }
            return worker
        } catch {
            throw MemifError(error)
        }
    }

    private init() throws(SystemError) { wake = try EventCounter() }

    /// Serves a link from now on: takes all its queues that nobody has taken. Replies to what a receive
    /// queue brings go out on the transmit queue of the same number, modulo how many there are.
    ///
    /// The worker lets the queues go when the link is over.
    @discardableResult
    public func attach(_ link: MemifLink, _ handler: any PacketHandler) -> PacketAttachment {
        let token = state.withLock { state in
            state.nextToken += 1
            return state.nextToken
        }
        let attachment = PacketAttachment(token: token, worker: self)
        submit(.attach(link, handler, attachment))
        link.whenEnded { [weak self] _ in self?.submit(.lookAt(token)) }
        return attachment
    }

    /// Has the thread run a piece of work between bursts, soon: whether it does tells that it lives.
    /// After ``stop()`` it is dropped.
    public func submit(_ work: @escaping @Sendable () -> Void) { submit(.run(work)) }

    /// Ends the thread; all queues are let go.
    public func stop() { submit(.stop) }

    func submit(_ command: Command) {
        let isFirst = state.withLock { state in
            if state.isStopped { return false }
            state.commands.append(command)
            return state.commands.count == 1
        }
        if isFirst { wake.signal() }
    }

    func takeCommands() -> [Command] {
        state.withLock { state in exchange(&state.commands, with: []) }
    }

    /// Nothing is accepted any more.
    func retire() {
        let dropped = state.withLock { state in
            state.isStopped = true
            return exchange(&state.commands, with: [])
        }
        // Not under the lock: what they captured may have a deinit that calls the worker.
        _ = dropped
    }
}

/// A link that a worker serves.
public final class PacketAttachment: Sendable {
    let token: UInt64
    private weak let worker: PacketWorker?
    private let unsent = Atomic<UInt64>(0)

    init(token: UInt64, worker: PacketWorker) {
        self.token = token
        self.worker = worker
    }

    /// Frames that the handler left to be sent and the link had no room for.
    public var unsentFrames: UInt64 { unsent.load(ordering: .relaxed) }

    /// Has the worker let the link's queues go, soon.
    public func detach() { worker?.submit(.detach(token)) }

    func countUnsent(_ frames: Int) {
        unsent.wrappingAdd(UInt64(frames), ordering: .relaxed)
    }
}
