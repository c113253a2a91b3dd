import Foundation
import Synchronization
import Testing

@testable import LinuxIO

/// Several programs that begin to listen at one path.
@Suite("Starters at one path", .timeLimit(.minutes(3)))
struct SocketStartTests {
    private static func start(
        at path: String, identity: inout FileIdentity?, renaming: Renaming = .system
    ) throws(SystemError) -> UnixListener {
        try SocketFile.placeNew(
            at: path, kind: .messages, mode: 0o600, identity: &identity, renaming: renaming)
    }

    /// A file system that has rename(2) and nothing more.
    private static let plain = Renaming { _, _, _ in
        errno = EINVAL
        return -1
    }

    /// A file system on which somebody else is quicker.
    private static func overtaken(_ winner: @escaping @Sendable () -> Void) -> Renaming {
        Renaming { directory, name, target in
            winner()
            return Renaming.system.rename(directory, name, target)
        }
    }

    @Test(
        "one of many at once wins, and its file stays and answers",
        arguments: [false, true], [Renaming.system, plain])
    func crowd(isStale: Bool, renaming: Renaming) async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/crowd.sock"
        for round in 0..<30 {
            if isStale { _ = try SocketFile.listen(at: path, kind: .messages, mode: 0o600) }
            let starters = Starters(8, at: path) { path, identity throws(SystemError) in
                try Self.start(at: path, identity: &identity, renaming: renaming)
            }
            let (winners, losers) = try await starters.outcome()
            try #require(winners.count == 1, "round \(round)")
            #expect(losers.allSatisfy { $0.code == EADDRINUSE && $0.subject == path })
            #expect(try FileStatus(path: path).identity == winners[0])
            _ = try UnixSocket.connect(to: UnixAddress(path: path), kind: .messages)
            #expect(try directory.entries == ["crowd.sock"])
            starters.stop()
            #expect(try SocketFile.probe(path) == .stale)
            if !isStale { try File.remove(path) }
        }
    }

    @Test("take the place of what nobody holds, and of nothing else", arguments: [.system, plain])
    func places(renaming: Renaming) throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/d.sock"
        var identity: FileIdentity?
        let first = try Self.start(at: path, identity: &identity, renaming: renaming)
        #expect(try FileStatus(path: path).identity == identity)
        var error = #expect(throws: SystemError.self) {
            var other: FileIdentity?
            _ = try Self.start(at: path, identity: &other, renaming: renaming)
        }
        #expect(error?.code == EADDRINUSE)
        #expect(try FileStatus(path: path).identity == identity)
        #expect(try SocketFile.probe(path) == .live)
        // One that nobody holds any more makes way.
        _ = consume first
        let second = try Self.start(at: path, identity: &identity, renaming: renaming)
        #expect(try FileStatus(path: path).identity == identity)
        #expect(try SocketFile.probe(path) == .live)
        _ = consume second
        // And nothing but a socket does.
        try FileManager.default.removeItem(atPath: path)
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        error = #expect(throws: SystemError.self) {
            _ = try Self.start(at: path, identity: &identity, renaming: renaming)
        }
        #expect(error?.code == EADDRINUSE)
        #expect(try SocketFile.probe(path) == .foreign)
        #expect(try directory.entries == ["d.sock"])
    }

    @Test("leave what a program that takes no lock has bound since they looked")
    func overtaken() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/e.sock"
        let winner = Mutex<UnixListener?>(nil)
        var identity: FileIdentity?
        let error = #expect(throws: SystemError.self) {
            _ = try Self.start(
                at: path, identity: &identity,
                renaming: Self.overtaken {
                    winner.withLock { winner in
                        winner = try? UnixListener.bind(
                            to: UnixAddress(path: path), kind: .messages)
                    }
                })
        }
        #expect(error?.code == EADDRINUSE)
        #expect(try SocketFile.probe(path) == .live)
        #expect(try directory.entries == ["e.sock"])
    }

    @Test("are told that the path is taken while another has its turn, and not by one that died")
    func locks() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/f.sock"
        let held = try SocketDirectory(of: path)
        var identity: FileIdentity?
        do {
            let lock = try held.lock(path)
            #expect(try directory.entries == [".f.sock.starting"])
            let error = #expect(throws: SystemError.self) {
                _ = try Self.start(at: path, identity: &identity)
            }
            #expect(error?.code == EADDRINUSE)
            #expect(error?.subject == path)
            SocketFile.removeUnfinished(in: directory.path)
            #expect(try directory.entries == [".f.sock.starting"])
            // As when its process dies: nobody takes the file away.
            _ = consume lock
        }
        SocketFile.removeUnfinished(in: directory.path)
        #expect(try directory.entries == [])
        _ = try held.lock(path)
        let listener = try Self.start(at: path, identity: &identity)
        #expect(try directory.entries == ["f.sock"])
        _ = consume listener
    }

    @Test("do not follow a link in the place of the lock")
    func link() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/g.sock"
        try FileManager.default.createSymbolicLink(
            atPath: directory.path + "/.g.sock.starting",
            withDestinationPath: directory.path + "/elsewhere")
        var identity: FileIdentity?
        let error = #expect(throws: SystemError.self) {
            _ = try Self.start(at: path, identity: &identity)
        }
        #expect(error?.code == ELOOP)
        #expect(try directory.entries == [".g.sock.starting"])
    }
}

/// Threads that begin to listen at one moment, and go on until they are told to stop.
private final class Starters: Sendable {
    typealias Start =
        @Sendable (String, inout FileIdentity?) throws(SystemError) -> UnixListener

    private struct State: ~Copyable {
        var winners: [FileIdentity] = []
        var losers: [SystemError] = []
        var listener: UnixListener?
    }

    private let count: Int
    private let path: String
    private let start: Start
    private let ready = Atomic(0)
    private let state = Mutex(State())

    init(_ count: Int, at path: String, _ start: @escaping Start) {
        self.count = count
        self.path = path
        self.start = start
    }

    func outcome() async throws -> (winners: [FileIdentity], losers: [SystemError]) {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                group.addTask { [self] in
                    try await Thread.perform(name: "starter \(number)") { [self] in run() }
                }
            }
            try await group.waitForAll()
        }
        return state.withLock { ($0.winners, $0.losers) }
    }

    private func run() {
        ready.add(1, ordering: .acquiringAndReleasing)
        while ready.load(ordering: .acquiring) < count { Thread.pause() }
        var identity: FileIdentity?
        do throws(SystemError) {
            var listener: UnixListener? = try start(path, &identity)
            let winner = identity
            state.withLock { state in
                state.listener = listener.take()
                state.winners += [winner].compactMap(\.self)
            }
        } catch {
            state.withLock { $0.losers.append(error) }
        }
    }

    func stop() {
        let listener = state.withLock { $0.listener.take() }
        _ = consume listener
    }
}
