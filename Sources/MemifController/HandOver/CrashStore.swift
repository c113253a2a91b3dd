internal import LibvirtRPC
internal import LinuxIO
internal import Logging
internal import Synchronization
internal import VirtwireProtocol

/// Has the service manager keep, while this process runs, what another one needs to go on with each link,
/// should this one crash.
///
/// Who tells of a change never waits: a thread of its own asks the port how it is, and passes that on; of several
/// changes of a port only the last. What cannot be kept costs a line in the log, and nothing else.
final class CrashStore: Sendable {
    /// Tells, on any thread, what another process needs to go on with a port; nil where it has no link.
    typealias Look = @Sendable () -> FrozenPort?

    private struct State {
        /// Who knows how a port is that has changed, by its path.
        var changes: [String: Look] = [:]
        var isOpen = false
        var hasEnded = false
        /// What passes changes on, while there are any.
        var work: Task<Void, Never>?
    }

    private let manager: ServiceManager
    private let logger: Logger
    private let state = Mutex(State())
    private let ledger: Mutex<CrashLedger<OpenFileIdentity>>
    /// Whether it has been said that there is no room.
    private let isFull = Atomic<Bool>(false)

    /// More names of these kinds are too long for the environment of a process.
    private static let most = 7000
    /// How long the manager may take to listen.
    private static let patience = Duration.seconds(10)
    /// How long after some changes the next ones are passed on: a peer that comes and goes without end is not to
    /// keep the manager busy, which has a whole host to see to.
    private static let pause = Duration.milliseconds(100)

    init(_ manager: ServiceManager, logger: Logger) {
        self.manager = manager
        self.logger = logger
        ledger = Mutex(CrashLedger(capacity: min(manager.storeCapacity, Self.most)))
    }

    /// A port is not as it was.
    func note(_ path: String, _ look: @escaping Look) {
        state.withLock { state in
            if state.hasEnded { return }
            state.changes[path] = look
            begin(&state)
        }
    }

    /// Passes on what is known, and from now on what changes. What the manager has kept of another process is
    /// to be gone: a file that it has already, it does not take under another name.
    func open() {
        state.withLock { state in
            state.isOpen = true
            begin(&state)
        }
    }

    /// Has the manager let go of everything; no change is passed on any more.
    func end() async {
        let work = state.withLock { state in
            state.hasEnded = true
            state.changes = [:]
            return state.work
        }
        await work?.value
        let names = ledger.withLock { $0.names }.map(\.text)
        if names.isEmpty { return }
        _ = try? await Thread.perform(name: "crash-store") { [manager] in
            try? manager.removeStored(names)
        }
    }

    private func begin(_ state: inout State) {
        guard state.isOpen, !state.hasEnded, state.work == nil, !state.changes.isEmpty else {
            return
        }
        state.work = Task { [self] in
            while let changes = next() {
                do throws(SystemError) {
                    try await Thread.perform(name: "crash-store") { [self] in
                        Result { () throws(SystemError) in try pass(changes) }
                    }.get()
                } catch {
                    giveUp(error)
                }
                try? await Task.sleep(for: Self.pause)
            }
        }
    }

    private func next() -> [String: Look]? {
        state.withLock { state in
            if state.changes.isEmpty { state.work = nil }
            return state.changes.isEmpty ? nil : exchange(&state.changes, with: [:])
        }
    }

    private func pass(_ changes: [String: Look]) throws(SystemError) {
        for (path, look) in changes {
            if let port = look() { try enter(path, port) } else { try strike(path) }
        }
    }

    private func enter(_ path: String, _ port: FrozenPort) throws(SystemError) {
        var given = port.descriptors.takeAll()
        var descriptors = DescriptorQueue()
        var files: [OpenFileIdentity?] = []
        while let descriptor = given.popFirst() {
            files.append((try? descriptor.openFileIdentity()) ?? nil)
            descriptors.append(descriptor)
        }
        guard let change = ledger.withLock({ $0.enter(path, files) }) else {
            tellOfFullness()
            return try strike(path)
        }
        isFull.store(false, ordering: .relaxed)
        guard let name = change.state, let file = Self.file(port, change.sources) else {
            logger.warning(
                "a crash of this process would end a link",
                metadata: [
                    "path": "\(path)", "reason": "its state cannot be written to a memory file",
                    "remedy": "leave the daemon descriptors (LimitNOFILE=)",
                ])
            return try strike(path)
        }
        var names: [StoredName] = []
        var stored = DescriptorQueue()
        for index in change.sources.indices {
            guard let descriptor = descriptors.popFirst(), change.stored.contains(index) else {
                continue
            }
            names.append(.linkPart(change.sources[index]))
            stored.append(descriptor)
        }
        names.append(name)
        stored.append(file)
        try manager.change(
            storing: StoredDescriptors(names: names.map(\.text), descriptors: stored),
            removing: change.removed.map(\.text), within: Self.patience)
    }

    private func strike(_ path: String) throws(SystemError) {
        let change = ledger.withLock { $0.strike(path) }
        if change.removed.isEmpty { return }
        try manager.change(
            storing: StoredDescriptors(names: [], descriptors: DescriptorQueue()),
            removing: change.removed.map(\.text), within: Self.patience)
    }

    /// The state of one port.
    ///
    /// - Parameter sources: for each of its descriptors, the number under which the manager has it.
    private static func file(_ port: FrozenPort, _ sources: [Int]) -> OwnedDescriptor? {
        var frozen = FrozenState()
        frozen.append(port)
        frozen.state.sources = sources.map { UInt32($0) }
        return try? frozen.file()
    }

    private func tellOfFullness() {
        if isFull.exchange(true, ordering: .relaxed) { return }
        let capacity = min(manager.storeCapacity, Self.most)
        logger.warning(
            "a crash of this process would end links",
            metadata: [
                "reason": "the service manager keeps \(capacity) descriptors, and links have more",
                "remedy": capacity < Self.most
                    ? "raise FileDescriptorStoreMax= and FDSTORE= in the unit, to \(Self.most)"
                    : "have fewer links on a host where a crash is to end none",
            ])
    }

    /// Nobody knows any more what the manager has: of a state that lacks a file no use is made.
    private func giveUp(_ error: SystemError) {
        let isFirst = state.withLock { state in
            state.changes = [:]
            return !exchange(&state.hasEnded, with: true)
        }
        guard isFirst else { return }
        logger.warning(
            "a crash of this process would end links",
            metadata: [
                "reason": "the service manager does not take what they are made of: \(error)",
                "remedy": "look at the service manager's log, and restart virtwired",
            ])
    }
}
