import Foundation
import LinuxIO
import Testing

/// What one receive brought, with its bytes.
struct Message: ~Copyable {
    let bytes: [UInt8]
    let isTruncated: Bool
    var descriptors: DescriptorQueue
}

extension UnixSocket {
    borrowing func send(bytes: [UInt8], descriptors: [Int32] = []) throws(SystemError) -> Int? {
        try send(unsafe bytes.span.bytes, descriptors: descriptors)
    }

    borrowing func receive(
        capacity: Int = 64, mostDescriptors: Int = 253
    ) throws(SystemError) -> Message? {
        var bytes = [UInt8](repeating: 0, count: capacity)
        var span = bytes.mutableSpan
        var room = unsafe span.mutableBytes
        guard let received = try receive(into: &room, mostDescriptors: mostDescriptors) else {
            return nil
        }
        let (count, isTruncated) = (received.byteCount, received.isTruncated)
        return Message(
            bytes: Array(bytes.prefix(count)), isTruncated: isTruncated,
            descriptors: received.descriptors)
    }
}

@Suite("UNIX sockets")
struct UnixSocketTests {
    @Test("pass bytes, and end where the peer ended")
    func bytes() throws {
        let pair = try UnixSocket.pair(.stream)
        #expect(try pair.second.receive().isNil == true)
        #expect(try pair.first.send(bytes: [1, 2, 3]) == 3)
        #expect(try unwrap(pair.second.receive()).bytes == [1, 2, 3])
        pair.first.shutdown()
        #expect(try unwrap(pair.second.receive()).bytes == [])
        let error = #expect(throws: SystemError.self) { try pair.second.send(bytes: [4]) }
        #expect(error?.code == EPIPE)
    }

    @Test("keep messages apart, and say when one was longer than the room for it")
    func messages() throws {
        let pair = try UnixSocket.pair(.messages)
        #expect(try pair.first.send(bytes: [1, 2, 3]) == 3)
        #expect(try pair.first.send(bytes: [4]) == 1)
        let first = try unwrap(pair.second.receive(capacity: 2))
        #expect(first.bytes == [1, 2])
        #expect(first.isTruncated == true)
        let second = try unwrap(pair.second.receive())
        #expect(second.bytes == [4])
        #expect(second.isTruncated == false)
    }

    @Test("pass a descriptor whose number is 0, and receive one as number 0")
    func numberZero() async {
        await #expect(processExitsWith: .success) { try UnixSocketTests.passNumberZero() }
    }

    private static func passNumberZero() throws {
        let pair = try UnixSocket.pair(.messages)
        close(0)
        let file = try OwnedDescriptor.memoryFile(name: "zero", byteCount: 4096)
        try #require(file.rawValue == 0)
        let identity = try file.status().identity
        try #require(try pair.first.send(bytes: [1], descriptors: [0]) == 1)
        _ = consume file
        var received = try unwrap(pair.second.receive())
        let passed = try unwrap(received.descriptors.popFirst())
        try #require(passed.rawValue == 0)
        try #require(try passed.status().identity == identity)
        _ = consume passed
        try #require(fcntl(0, F_GETFD) == -1)
    }

    @Test("say when the peer's buffer is full")
    func backPressure() throws {
        let pair = try UnixSocket.pair(.stream)
        let block = [UInt8](repeating: 7, count: 65536)
        var sent = 0
        while let count = try pair.first.send(bytes: block) { sent += count }
        var received = 0
        while let message = try pair.second.receive(capacity: 65536) {
            received += message.bytes.count
        }
        #expect(sent > 0)
        #expect(received == sent)
        #expect(try pair.first.send(bytes: [1]) == 1)
    }

    @Test("pass descriptors with the bytes", arguments: [UnixSocketKind.stream, .messages])
    func descriptors(kind: UnixSocketKind) throws {
        let pair = try UnixSocket.pair(kind)
        let file = try OwnedDescriptor.memoryFile(name: "passed", byteCount: 12288)
        let counter = try EventCounter()
        let numbers = [file.rawValue, counter.descriptor.rawValue]
        #expect(try pair.first.send(bytes: [9], descriptors: numbers) == 1)
        var message = try unwrap(pair.second.receive())
        #expect(message.bytes == [9])
        #expect(message.descriptors.count == 2)
        let first = try unwrap(message.descriptors.popFirst())
        #expect(try first.status().identity == file.status().identity)
        #expect(fcntl(first.rawValue, F_GETFD) & FD_CLOEXEC != 0)
        let second = try unwrap(message.descriptors.popFirst())
        try EventCounter(adopting: second).signal()
        #expect(counter.drain() == 1)
    }

    @Test("close descriptors beyond those wanted, and say so")
    func surplusDescriptors() throws {
        let pair = try UnixSocket.pair(.messages)
        let file = try OwnedDescriptor.memoryFile(name: "surplus", byteCount: 4096)
        let identity = try file.status().identity
        let own = file.rawValue
        #expect(try pair.first.send(bytes: [1], descriptors: [own, own, own]) == 1)
        let message = try unwrap(pair.second.receive(mostDescriptors: 1))
        #expect(message.isTruncated == true)
        #expect(message.descriptors.count == 1)
        let open = (0..<1024).count { isOpen(Int32($0), as: identity) }
        #expect(open == 2)
    }

    @Test("pass 253 descriptors at a time and refuse to send more")
    func mostDescriptors() throws {
        let pair = try UnixSocket.pair(.messages)
        let counter = try EventCounter()
        let most = [Int32](repeating: counter.descriptor.rawValue, count: 253)
        #expect(try pair.first.send(bytes: [1], descriptors: most) == 1)
        #expect(try unwrap(pair.second.receive()).descriptors.count == 253)
        let error = #expect(throws: SystemError.self) {
            try pair.first.send(bytes: [1], descriptors: most + most.prefix(1))
        }
        #expect(error?.code == EINVAL)
    }

    @Test("a connect to nobody says what and where")
    func nobody() throws {
        let directory = try TemporaryDirectory()
        let address = try UnixAddress(path: directory.path + "/nobody.sock")
        do {
            _ = try UnixSocket.connect(to: address, kind: .stream)
            Issue.record("connected to nobody")
        } catch {
            #expect(error.code == ENOENT)
            #expect(error.description.contains("connect to \(address.name): No such file"))
        }
    }

    @Test("a full backlog is EAGAIN, not a wait")
    func fullBacklog() throws {
        let directory = try TemporaryDirectory()
        let address = try UnixAddress(path: directory.path + "/full.sock")
        let listener = try UnixListener.bind(to: address, kind: .stream, backlog: 1)
        var waiting = DescriptorQueue()
        var code: Int32?
        while code == nil && waiting.count < 64 {
            do {
                let socket = try UnixSocket.connect(to: address, kind: .stream)
                waiting.append(try socket.descriptor.duplicate())
            } catch {
                code = error.code
            }
        }
        #expect(code == EAGAIN)
        #expect(try listener.accept().isNil == false)
        _ = try UnixSocket.connect(to: address, kind: .stream)
    }
}
