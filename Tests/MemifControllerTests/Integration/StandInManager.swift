import Glibc
import Synchronization
import Testing

@testable import LinuxIO
@testable import MemifController

/// What a service manager does about one service: it reads what the service says, keeps its descriptors
/// and hands them to its next process.
final class StandInManager: Sendable {
    private struct State: ~Copyable {
        var names: [String] = []
        var descriptors = DescriptorQueue()
        /// What each is known by, where that can be told.
        var identities: [OpenFileIdentity?] = []
        var lines: [String] = []

        /// As systemd does: what it has already, and what is too much, it drops without a word to the
        /// service.
        mutating func keep(
            _ descriptor: consuming OwnedDescriptor, _ name: String, capacity: Int
        ) {
            let identity = (try? descriptor.openFileIdentity()) ?? nil
            guard names.count < capacity, identity == nil || !identities.contains(identity) else {
                return
            }
            names.append(name)
            identities.append(identity)
            descriptors.append(descriptor)
        }

        mutating func forget(_ name: String) {
            var kept = State()
            kept.lines = lines
            for (other, identity) in zip(names, identities) {
                guard let descriptor = descriptors.popFirst() else { break }
                guard other != name else { continue }
                kept.names.append(other)
                kept.identities.append(identity)
                kept.descriptors.append(descriptor)
            }
            self = kept
        }
    }

    let path: String
    private let capacity: Int
    private let socket: MessageSocket
    private let state = Mutex(State())
    private let hasEnded = Atomic<Bool>(false)

    /// Listens at a path, on a thread of its own, until ``stop()``.
    init(at path: String, capacity: Int = 512) throws {
        self.path = path
        self.capacity = capacity
        socket = try MessageSocket(
            UnixSocket(
                adopting: try UnixListener.bound(to: try UnixAddress(path: path), kind: .datagrams))
        )
        try Thread.start(name: "manager") { [self] in
            while !hasEnded.load(ordering: .acquiring) {
                if let message = try? socket.receive(mostBytes: 4096, within: .seconds(1)) {
                    obey(message)
                }
            }
        }
    }

    func stop() { hasEnded.store(true, ordering: .releasing) }

    /// How many descriptors it keeps.
    var count: Int { state.withLock { $0.names.count } }

    /// The names of what it keeps.
    private var names: [StoredName] { state.withLock { $0.names.compactMap { StoredName($0) } } }

    /// How many descriptors it keeps that a process has left at its end.
    var leftCount: Int { names.count { !$0.isOfLink } }

    /// How many links' states it keeps for the case of a crash.
    var linkCount: Int { names.count(where: \.isLinkState) }

    /// Every line that it was told.
    var lines: [String] { state.withLock { $0.lines } }

    private func obey(_ message: consuming MessageSocket.Message) {
        let text = String(decoding: message.bytes, as: UTF8.self)
        let lines = text.split(separator: "\n").map(String.init)
        let name = lines.first { $0.hasPrefix("FDNAME=") }.map { String($0.dropFirst(7)) } ?? ""
        var passed = message.descriptors.popFirst(message.descriptors.count)
        state.withLock { state in
            state.lines += lines
            if lines.contains("FDSTORE=1") {
                while let descriptor = passed.popFirst() {
                    state.keep(descriptor, name, capacity: capacity)
                }
            }
            if lines.contains("FDSTOREREMOVE=1") { state.forget(name) }
        }
        // What came with a BARRIER=1 is closed as this ends.
    }

    /// Gives away what it keeps, and keeps it still, in an order of its own.
    func shuffled() throws -> StoredDescriptors {
        try state.withLock { state in
            let copies = try state.descriptors.duplicate()
            return StoredDescriptors(names: state.names, descriptors: copies)
        }
    }

    /// Returns when it has heard everything that was said before, as a manager has that finds a process
    /// ended.
    private func hearAll() async throws {
        let manager = try ServiceManager(
            socket: path, watchdogMicroseconds: nil, watchdogProcess: nil)
        let name = "nothing-\(UInt64.random(in: 0...UInt64.max))"
        try manager?.removeStored([name])
        #expect(await eventually { lines.contains("FDNAME=\(name)") })
    }

    /// The environment that a process of the service is started with, and what it is handed from 3 on.
    func start(_ arguments: [String]) async throws -> ChildProcess {
        try await hearAll()
        let stored = try shuffled()
        var environment = ["NOTIFY_SOCKET=\(path)", "FDSTORE=\(capacity)"]
        if !stored.names.isEmpty {
            environment += [
                "LISTEN_FDS=\(stored.names.count)",
                "LISTEN_FDNAMES=\(stored.names.joined(separator: ":"))",
            ]
        }
        // The shell's process becomes the service's.
        let script = "LISTEN_PID=$$ exec \"$@\""
        return try await ChildProcess(
            ["env"] + environment + ["sh", "-c", script, "sh"] + arguments,
            passing: stored.descriptors)
    }
}
