import LibvirtProtocol
import LinuxIO
import Synchronization
import Testing
import XDR

@testable import LibvirtRPC

private let upload = XDRProcedure<XDRVoid, XDRVoid>(
    program: 99, version: 1, number: 1, name: "UPLOAD")
private let download = XDRProcedure<XDRVoid, XDRVoid>(
    program: 99, version: 1, number: 2, name: "DOWNLOAD")
private let number = XDRProcedure<XDRVoid, UInt32>(
    program: 99, version: 1, number: 3, name: "NUMBER")

/// What a server's end of a stream came to.
private actor Record {
    var bytes: [UInt8] = []
    var holes: [Int64] = []
    var error: RPCError?
    var isDone = false

    func note(_ item: StreamItem) {
        switch item {
        case .data(let part): bytes += part
        case .hole(let length): holes.append(length)
        }
    }

    func done(_ error: RPCError? = nil) {
        self.error = error
        isDone = true
    }
}

private func serving(
    _ record: Record = Record(), down: @escaping @Sendable (LinkStream) async -> Void = { _ in }
) -> LinkHandlers {
    var table = ProcedureTable()
    table.serve(number) { _ in 42 }
    table.serveStream(upload) { _ in
        (
            XDRVoid(),
            { stream in
                do throws(RPCError) {
                    while let item = try await stream.receive() { await record.note(item) }
                    try await stream.finish()
                    await record.done()
                } catch {
                    await record.done(error)
                }
            }
        )
    }
    table.serveStream(download) { _ in (XDRVoid(), down) }
    return LinkHandlers(answer: { [table] in await table.answer($0) })
}

private func eventually(_ condition: () async -> Bool) async -> Bool {
    let end = ContinuousClock.now + .seconds(20)
    while ContinuousClock.now < end {
        if await condition() { return true }
        await Task.yield()
    }
    return false
}

private func pattern(_ count: Int, seed: Int = 1) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 31 &+ seed) ^ ($0 >> 9)) }
}

@Suite("Streams between two links", .timeLimit(.minutes(4))) struct StreamTests {
    private let slow = LinkConfiguration(
        mostStreamBytes: 1 << 20, streamBackPressure: .stopsReading)

    @Test("what is sent arrives byte for byte, with its holes, before the end is confirmed")
    func sending() async throws {
        let record = Record()
        let pair = try LinkPair(serverHandlers: serving(record))
        let stream = try await pair.client.openStream(upload, XDRVoid()).stream
        let bytes = pattern(3_000_001)
        try await stream.send(bytes)
        try await stream.sendHole(1 << 40)
        try await stream.send([9, 8, 7])
        try await stream.finish()
        #expect(await record.bytes == bytes + [9, 8, 7])
        #expect(await record.holes == [1 << 40])
        #expect(await eventually { await record.isDone })
        #expect(await eventually { pair.server.streamCount == 0 && pair.client.streamCount == 0 })
        pair.client.close()
    }

    @Test("what the server sends arrives byte for byte, while calls and other streams go on")
    func receiving() async throws {
        let bytes = pattern(5_000_000)
        let pair = try LinkPair(
            serverHandlers: serving { stream in
                try? await stream.send(bytes)
                try? await stream.sendEndOfData()
                _ = try? await stream.receive()
                try? await stream.finish()
            }, configuration: slow)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    let stream = try await pair.client.openStream(download, XDRVoid()).stream
                    var received: [UInt8] = []
                    while let item = try await stream.receive() {
                        guard case .data(let part) = item else { continue }
                        received += part
                    }
                    try await stream.finish()
                    #expect(received == bytes)
                }
            }
            for _ in 0..<50 {
                group.addTask {
                    let answer = try await pair.client.call(number, XDRVoid())
                    #expect(answer == 42)
                }
            }
            try await group.waitForAll()
        }
        #expect(pair.client.streamCount == 0)
        pair.client.close()
    }

    @Test(
        "a stream that nobody reads keeps the sender waiting and little in memory, and then goes on"
    )
    func backPressure() async throws {
        let sent = Atomic<Int>(0)
        let piece = pattern(LinkStream.longestPacket)
        let total = 200
        let pair = try LinkPair(
            serverHandlers: serving { stream in
                for _ in 0..<total {
                    guard (try? await stream.send(piece)) != nil else { return }
                    sent.add(1, ordering: .relaxed)
                }
                try? await stream.sendEndOfData()
                _ = try? await stream.receive()
                try? await stream.finish()
            }, configuration: slow)
        let stream = try await pair.client.openStream(download, XDRVoid()).stream
        #expect(await eventually { pair.client.isPaused })
        // 1 MiB here, 1 MiB there, a socket's memory, and a packet or two on their way.
        #expect(sent.load(ordering: .relaxed) < 20)
        var count = 0
        while let item = try await stream.receive() {
            if case .data(let part) = item { count += part.count }
        }
        #expect(count == total * piece.count)
        try await stream.finish()
        #expect(!pair.client.isPaused)
        pair.client.close()
    }

    @Test("on a link that calls share, a stream that nobody reads is given up, and calls go on")
    func overflow() async throws {
        let record = Record()
        let piece = pattern(LinkStream.longestPacket)
        let pair = try LinkPair(
            serverHandlers: serving { stream in
                do throws(RPCError) {
                    while true { try await stream.send(piece) }
                } catch {
                    await record.done(error)
                }
            }, configuration: LinkConfiguration(mostStreamBytes: 1 << 20))
        let stream = try await pair.client.openStream(download, XDRVoid()).stream
        #expect(await eventually { await record.isDone })
        #expect(try await pair.client.call(number, XDRVoid()) == 42)
        var count = 0
        var failure: RPCError?
        do throws(RPCError) {
            while let item = try await stream.receive() {
                if case .data(let part) = item { count += part.count }
            }
        } catch {
            failure = error
        }
        #expect(count > 0 && count <= 1 << 20)
        #expect(failure?.description.contains("read faster") == true)
        #expect(await eventually { pair.client.streamCount == 0 })
        pair.client.close()
    }

    @Test("a server's error reaches a sender that waits, a receiver, and who finishes")
    func serverError() async throws {
        let pair = try LinkPair(
            serverHandlers: serving { stream in
                try? await stream.send([1, 2, 3])
                stream.fail(CallRefusal(.operationFailed, "the disk is broken"))
            })
        let stream = try await pair.client.openStream(download, XDRVoid()).stream
        #expect(try await stream.receive() == .data([1, 2, 3]))
        for attempt in 0..<3 {
            let error = await #expect(throws: RPCError.self) {
                switch attempt {
                case 0: _ = try await stream.receive()
                case 1: try await stream.send([1])
                default: try await stream.finish()
                }
            }
            #expect(error?.description.contains("the disk is broken") == true)
        }
        #expect(pair.client.streamCount == 0)
        pair.client.close()
    }

    @Test("a stream that is given up, or let go of, is ended at the server's side too")
    func givenUp() async throws {
        for explicitly in [true, false] {
            let record = Record()
            let pair = try LinkPair(serverHandlers: serving(record))
            var stream: LinkStream? = try await pair.client.openStream(upload, XDRVoid()).stream
            try await stream?.send([1])
            if explicitly { stream?.abort() } else { stream = nil }
            #expect(await eventually { await record.isDone })
            guard case .streamEnded(.aborted) = await record.error?.kind else {
                Issue.record("\(String(describing: await record.error))")
                return
            }
            #expect(await eventually { pair.client.streamCount + pair.server.streamCount == 0 })
            _ = stream
            pair.client.close()
        }
    }

    @Test("cancelling a receive, a send or a finish ends the wait, and the stream stands")
    func cancellation() async throws {
        // The server confirms no end before the test is over.
        let (hold, release) = AsyncStream.makeStream(of: Void.self)
        let pair = try LinkPair(
            serverHandlers: serving { stream in
                for await _ in hold {}
                stream.abort()
            })
        let stream = try await pair.client.openStream(download, XDRVoid()).stream
        for attempt in 0..<2 {
            let task = Task {
                // Else the server may have confirmed before.
                while !Task.isCancelled { await Task.yield() }
                if attempt == 0 {
                    _ = try await stream.receive()
                } else {
                    try await stream.finish()
                }
            }
            task.cancel()
            guard case .failure(let error as RPCError) = await task.result,
                case .cancelled = error.kind
            else {
                Issue.record("not cancelled")
                return
            }
        }
        #expect(pair.client.streamCount == 1)
        release.finish()
        pair.client.close()
    }

    @Test("the end of the link ends every stream, on both sides")
    func lostLink() async throws {
        let record = Record()
        let pair = try LinkPair(serverHandlers: serving(record))
        let stream = try await pair.client.openStream(upload, XDRVoid()).stream
        pair.client.close()
        let error = await #expect(throws: RPCError.self) { try await stream.receive() }
        guard case .connectionLost = error?.kind else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(await eventually { await record.isDone })
        await #expect(throws: RPCError.self) {
            try await pair.client.openStream(upload, XDRVoid())
        }
        #expect(pair.client.streamCount + pair.server.streamCount == 0)
    }

    @Test("streams that end in any way while data pours in disturb nobody and leave nothing")
    func races() async throws {
        let pair = try LinkPair(
            serverHandlers: serving { stream in
                for _ in 0..<20 { try? await stream.send(pattern(10_000)) }
                try? await stream.finish()
            })
        for round in 0..<120 {
            let stream = try await pair.client.openStream(download, XDRVoid()).stream
            let reader = Task { while try await stream.receive() != nil {} }
            for _ in 0..<round % 7 { await Task.yield() }
            switch round % 3 {
            case 0: stream.abort()
            case 1: try await stream.finish()
            default: reader.cancel()
            }
            _ = await reader.result
        }
        #expect(await eventually { pair.client.streamCount + pair.server.streamCount == 0 })
        #expect(try await pair.client.call(number, XDRVoid()) == 42)
        pair.client.close()
    }

    @Test("a call that is refused opens no stream, and one that is cancelled leaves none")
    func refused() async throws {
        let pair = try LinkPair(serverHandlers: serving())
        let unknown = XDRProcedure<XDRVoid, XDRVoid>(
            program: 99, version: 1, number: 77, name: "UNKNOWN")
        await #expect(throws: RPCError.self) {
            try await pair.client.openStream(unknown, XDRVoid())
        }
        #expect(pair.client.streamCount == 0)
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            _ = try await pair.client.openStream(upload, XDRVoid())
        }
        task.cancel()
        _ = await task.result
        #expect(await eventually { pair.client.streamCount == 0 })
        pair.client.close()
    }
}
