import Glibc
import Synchronization

@testable import LinuxIO

/// What a service manager does about one service: it reads what the service says, keeps its descriptors
/// and hands them to its next process.
final class StandInManager: Sendable {
    private struct State: ~Copyable {
        var names: [String] = []
        var descriptors = DescriptorQueue()
        var lines: [String] = []
        var identities: Set<OpenFileIdentity> = []

        /// As systemd does: what it has already it drops without a word.
        mutating func keep(_ descriptor: consuming OwnedDescriptor, _ name: String) {
            if let identity = try? descriptor.openFileIdentity(),
                !identities.insert(identity).inserted
            {
                return
            }
            names.append(name)
            descriptors.append(descriptor)
        }

        mutating func forget(_ name: String) {
            var keptNames: [String] = []
            var kept = DescriptorQueue()
            for other in names {
                guard let descriptor = descriptors.popFirst() else { break }
                guard other != name else { continue }
                keptNames.append(other)
                kept.append(descriptor)
            }
            names = keptNames
            if keptNames.isEmpty { identities = [] }
            descriptors = kept
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
                while let descriptor = passed.popFirst() { state.keep(descriptor, name) }
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

    /// The environment that a process of the service is started with, and what it is handed from 3 on.
    func start(_ arguments: [String]) async throws -> ChildProcess {
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
