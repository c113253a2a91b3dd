internal import LibvirtRPC
internal import LinuxIO
internal import Logging
internal import Synchronization
internal import VirtwireProtocol

/// Has the service manager keep, while this process runs, what another one needs to go on with each link,
/// should this one crash.
///
/// Who tells of a change never waits: a thread of its own asks the port how it is, and passes that on; of several
/// changes of a port only the last. What cannot be kept costs a line in the log, and nothing else. A manager that
/// does not listen is told everything anew when it does.
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

    /// What the manager has been told.
    private struct Told {
        var ledger: CrashLedger<OpenFileIdentity>
        /// Who knows how the ports are that are in it.
        var looks: [String: Look] = [:]
        /// What it may have, for nobody knows how far it has listened, and is to let go of before anything else.
        var doomed: Set<StoredName> = []
        /// Whether it has been said that it does not listen.
        var isLost = false
        /// Whether it has been said that there is no room.
        var isFull = false
    }

    private let manager: ServiceManager
    private let logger: Logger
    private let capacity: Int
    /// How long after the manager has not listened it is tried again.
    private let retry: Duration
    private let state = Mutex(State())
    private let told: Mutex<Told>

    /// More names of these kinds are too long for the environment of a process.
    private static let most = 7000
    /// How long the manager may take to listen.
    private static let patience = Duration.seconds(10)
    /// How long after some changes the next ones are passed on: a peer that comes and goes without end is not to
    /// keep the manager busy, which has a whole host to see to.
    private static let pause = Duration.milliseconds(100)

    init(_ manager: ServiceManager, logger: Logger, retry: Duration = .seconds(10)) {
        self.manager = manager
        self.logger = logger
        self.retry = retry
        capacity = min(manager.storeCapacity, Self.most)
        told = Mutex(Told(ledger: CrashLedger(capacity: capacity)))
    }

    /// A port is not as it was.
    ///
    /// - Parameter isNews: whether it goes before what was said of the port and has not been passed on.
    func note(_ path: String, isNews: Bool = true, _ look: @escaping Look) {
        state.withLock { state in
            if state.hasEnded || !isNews && state.changes[path] != nil { return }
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
        // It may be waiting to try again.
        work?.cancel()
        await work?.value
        let all = told.withLock { $0.doomed.union($0.ledger.names) }
        if all.isEmpty { return }
        let names = Self.statesFirst(all).map(\.text)
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
                var pause = Self.pause
                do throws(SystemError) {
                    try await Thread.perform(name: "crash-store") { [self] in
                        Result { () throws(SystemError) in try pass(changes) }
                    }.get()
                } catch {
                    lose(changes, error)
                    pause = retry
                }
                try? await Task.sleep(for: pause)
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
        try tell([], DescriptorQueue(), removing: Self.statesFirst(told.withLock(\.doomed)))
        for (path, look) in changes {
            if let port = look() { try enter(path, port, look) } else { try strike(path) }
        }
        if told.withLock({ exchange(&$0.isLost, with: false) }) {
            logger.notice("links stand over a crash of this process again")
        }
    }

    /// In the order in which the manager may let go of them: it never has a state that lacks a file.
    private static func statesFirst(_ names: Set<StoredName>) -> [StoredName] {
        names.filter(\.isLinkState) + names.filter { !$0.isLinkState }
    }

    private func enter(
        _ path: String, _ port: FrozenPort, _ look: @escaping Look
    ) throws(SystemError) {
        var given = port.descriptors.takeAll()
        var descriptors = DescriptorQueue()
        var files: [OpenFileIdentity?] = []
        while let descriptor = given.popFirst() {
            files.append((try? descriptor.openFileIdentity()) ?? nil)
            descriptors.append(descriptor)
        }
        let entered = told.withLock { told in
            told.looks[path] = look
            return told.ledger.enter(path, files)
        }
        guard let change = entered else {
            tellOfFullness()
            return try strike(path)
        }
        guard let name = change.state, let file = Self.file(port, change.sources) else {
            logger.warning(
                "a crash of this process would end a link",
                metadata: [
                    "path": "\(path)", "reason": "its state cannot be written to a memory file",
                    "remedy": "leave the daemon descriptors (LimitNOFILE=)",
                ])
            return try strike(path, after: change.removed)
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
        try tell(names, stored, removing: change.removed)
    }

    /// - Parameter removed: what has been taken out before, and the manager has not been told of.
    private func strike(_ path: String, after removed: [StoredName] = []) throws(SystemError) {
        let change = told.withLock { told in
            told.looks[path] = nil
            return told.ledger.strike(path)
        }
        try tell([], DescriptorQueue(), removing: removed + change.removed)
    }

    private func tell(
        _ names: [StoredName], _ stored: consuming DescriptorQueue, removing removed: [StoredName]
    ) throws(SystemError) {
        if names.isEmpty, removed.isEmpty { return }
        told.withLock { $0.doomed.formUnion(removed) }
        try manager.change(
            storing: StoredDescriptors(names: names.map(\.text), descriptors: stored),
            removing: removed.map(\.text), within: Self.patience)
        told.withLock { $0.doomed.subtract(removed) }
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

    /// Says, once for this process, that its links do not fit.
    private func tellOfFullness() {
        if told.withLock({ exchange(&$0.isFull, with: true) }) { return }
        logger.warning(
            "a crash of this process would end links",
            metadata: [
                "reason": "the service manager keeps \(capacity) descriptors, and links have more",
                "remedy": capacity < Self.most
                    ? "raise FileDescriptorStoreMax= and FDSTORE= in the unit, to \(Self.most)"
                    : "have fewer links on a host where a crash is to end none",
            ])
    }

    /// Nobody knows any more what the manager has: all of it is to go, and every port is told of anew. Until then
    /// no use is made of a state that lacks a file.
    private func lose(_ changes: [String: Look], _ error: SystemError) {
        let (looks, wasLost) = told.withLock { told in
            told.doomed.formUnion(told.ledger.names)
            told.ledger = CrashLedger(capacity: capacity)
            return (exchange(&told.looks, with: [:]), exchange(&told.isLost, with: true))
        }
        state.withLock { state in
            if state.hasEnded { return }
            state.changes.merge(looks.merging(changes) { $1 }) { news, _ in news }
        }
        if wasLost { return }
        logger.warning(
            "a crash of this process would end links",
            metadata: [
                "reason": "the service manager does not take what they are made of: \(error)",
                "remedy": "look at the service manager's log; it is tried again",
            ])
    }
}
