import LibvirtProtocol
import LibvirtRPC
import LinuxIO
import Synchronization
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

@Suite("What two daemons say to each other at a hand-over")
struct HandOverChannelTests {
    private let daemon: HandOverChannel
    private let successor: HandOverChannel

    init() throws {
        let pair = try UnixSocket.pair(.messages)
        let first = try UnixSocket(adopting: pair.first.descriptor.duplicate())
        let second = try UnixSocket(adopting: pair.second.descriptor.duplicate())
        daemon = HandOverChannel(socket: try MessageSocket(first))
        successor = HandOverChannel(socket: try MessageSocket(second))
    }

    private func frozen() throws -> FrozenState {
        var locks = DescriptorQueue()
        for _ in 0..<4 { locks.append(try OwnedDescriptor.memoryFile(name: "lock", byteCount: 1)) }
        return FrozenState(claim: PassedDescriptors(locks))
    }

    /// Has the daemon give, and the successor do what it does, each on a thread of its own.
    private func give<Value: Sendable>(
        within limit: Duration = .seconds(60),
        to successor: @escaping @Sendable () throws -> Value
    ) async throws -> (given: Result<Void, PortError>, Value) {
        let (daemon, frozen) = (daemon, try frozen())
        async let given = Thread.perform(name: "daemon") {
            let outcome = Result { () throws(PortError) in
                try daemon.give(frozen, within: limit)
            }
            // As the controller does.
            if case .failure = outcome { daemon.keep() }
            return outcome
        }
        let outcome = try await Thread.perform(name: "successor") { Result { try successor() } }
        return (try await given, try outcome.get())
    }

    @Test("with TAKEN everything is the successor's")
    func taken() async throws {
        let (given, count) = try await give { [successor] in
            let inheritance = try successor.take()
            try inheritance.predecessor?.confirm()
            return inheritance.claim?.count
        }
        #expect(throws: Never.self) { try given.get() }
        #expect(count == 4)
    }

    @Test("a successor of an earlier version says no TAKEN, and is not waited for")
    func earlier() async throws {
        let (given, _) = try await give { [successor] in
            for _ in 0..<2 {
                _ = try successor.socket.receive(mostBytes: 64, within: .seconds(30))
            }
            let ready = virtwire_hand_over_message(step: .VIRTWIRE_HAND_OVER_READY, count: 0)
            try successor.socket.send(try XDR.encode(ready), within: .seconds(30))
        }
        #expect(throws: Never.self) { try given.get() }
    }

    @Test("a successor that knows the first version alone has the state as that has it")
    func earlierState() async throws {
        let (older, frozen) = (HandOverChannel(socket: daemon.socket, version: 1), try frozen())
        async let given: Void = Thread.perform(name: "daemon") {
            Result { () throws(PortError) in try older.give(frozen) }
        }.get()
        let state = try await Thread.perform(name: "successor") { [successor] in
            Result {
                var first = try successor.socket.receive(mostBytes: 64, within: .seconds(30))
                let file = first.descriptors.popFirst()
                let bytes = try file?.sealedBytes(limit: 1 << 20) ?? []
                let ready = virtwire_hand_over_message(step: .VIRTWIRE_HAND_OVER_READY, count: 0)
                try successor.socket.send(try XDR.encode(ready), within: .seconds(30))
                return try XDR.decode(virtwire_state.self, from: bytes)
            }
        }.get()
        try await given
        #expect(state.version == 1 && state.has_claim)
    }

    @Test("a daemon of the first version, which refuses to hear of another, is asked again")
    func firstVersion() async throws {
        let scratch = try Scratch()
        let layout = RuntimeLayout(scratch.configuration)
        try Directory.ensurePath(layout.runtimeDirectory)
        let frozen = try frozen()
        let asked = Mutex<[UInt32]>([])
        var table = ProcedureTable()
        table.servePassing(Virtwire.HAND_OVER) {
            (arguments, passed) async throws(CallRefusal) -> (XDRVoid, PassedDescriptors?) in
            asked.withLock { $0.append(arguments.version) }
            guard arguments.version == 1, let channel = HandOverChannel(passed, version: 1) else {
                throw CallRefusal(.operationInvalid, "this one hands over state of version 1")
            }
            Task {
                try? await Thread.perform(name: "daemon") { _ = try? channel.give(frozen) }
            }
            return (XDRVoid(), nil)
        }
        let loop = try RealDaemon.loop.get()
        let listener = try SocketFile.listen(at: layout.controlSocket, kind: .stream, mode: 0o600)
        let server = try LinkServer.start(listener, loop: loop) { [table] _ in
            LinkHandlers(answer: { await table.answer($0) })
        }
        let inheritance = try #require(try await Inheritance.takeOver(layout, loop: loop))
        #expect(asked.withLock(\.self) == [2, 1])
        #expect(inheritance.claim?.count == 4)
        try await inheritance.confirm()
        server.stop()
    }

    @Test("one that takes too long is told that the daemon goes on, and does not serve")
    func late() async throws {
        let (given, inheritance) = try await give(within: .zero) { [successor] in
            try successor.take()
        }
        #expect(throws: PortError.self) { try given.get() }
        let error = #expect(throws: PortError.self) { try inheritance.predecessor?.confirm() }
        #expect(error?.reason == "the other virtwired goes on itself")
    }

    @Test("TAKEN that comes as the patience ends: one of the two serves, and never both")
    func justInTime() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        var taken = 0
        for _ in 0..<50 {
            let pause = Duration.microseconds(Int.random(in: 0...4000, using: &random))
            let it = try HandOverChannelTests()
            let (given, serves) = try await it.give(within: .milliseconds(2)) {
                [successor = it.successor] in
                let inheritance = try successor.take()
                let end = ContinuousClock.now + pause
                while ContinuousClock.now < end { Thread.pause() }
                return (try? inheritance.predecessor?.confirm()) != nil
            }
            let isGiven = (try? given.get()) != nil
            #expect(isGiven == serves, "seed \(seed), pause \(pause)")
            taken += isGiven ? 1 : 0
        }
        print("hand-overs taken in time: \(taken) of 50")
    }

    @Test("a daemon that is gone before TAKEN leaves the links to the successor")
    func gone() throws {
        let pair = try UnixSocket.pair(.messages)
        let socket = try UnixSocket(adopting: pair.second.descriptor.duplicate())
        let successor = HandOverChannel(socket: try MessageSocket(socket))
        _ = consume pair
        #expect(throws: Never.self) { try successor.confirm() }
    }
}
