import LinuxIO
import Testing

@Suite("Sockets whose calls wait")
struct MessageSocketTests {
    private func pair() throws -> (MessageSocket, MessageSocket) {
        let pair = try UnixSocket.pair(.messages)
        let first = try UnixSocket(adopting: pair.first.descriptor.duplicate())
        let second = try UnixSocket(adopting: pair.second.descriptor.duplicate())
        return (try MessageSocket(first), try MessageSocket(second))
    }

    @Test("more messages than there is room for arrive whole, with their descriptors")
    func crowd() async throws {
        let (left, right) = try pair()
        let count = 2000
        let isSent = Task {
            try await Thread.perform(name: "sender") { Self.sendAll(count, on: left) }
        }
        let received = try await Thread.perform(name: "receiver") {
            Self.receiveAll(count, on: right)
        }
        #expect(try await isSent.value)
        #expect(received == count)
    }

    private static func sendAll(_ count: Int, on socket: MessageSocket) -> Bool {
        do {
            for number in 0..<count {
                var descriptors = DescriptorQueue()
                descriptors.append(
                    try OwnedDescriptor.memoryFile(name: "passed", byteCount: number))
                try socket.send(
                    [UInt8(number & 255), UInt8(number >> 8)], descriptors, within: .seconds(60))
            }
            return true
        } catch {
            return false
        }
    }

    /// How many came in order, each with a file of its number of bytes.
    private static func receiveAll(_ count: Int, on socket: MessageSocket) -> Int {
        for number in 0..<count {
            guard var message = try? socket.receive(mostBytes: 16, within: .seconds(60)),
                message.bytes == [UInt8(number & 255), UInt8(number >> 8)],
                let file = message.descriptors.popFirst(),
                (try? file.status().byteCount) == number
            else { return number }
        }
        return count
    }

    @Test("silence, a message that is too long, and the end are told apart")
    func ends() throws {
        let (left, right) = try pair()
        do {
            _ = try right.receive(mostBytes: 16, within: .milliseconds(1))
            Issue.record("silence was a message")
        } catch {
            #expect(error.code == 110)
        }
        try left.send(Array(repeating: 1, count: 17), within: .seconds(30))
        do {
            _ = try right.receive(mostBytes: 16, within: .seconds(30))
            Issue.record("half a message was one")
        } catch {
            #expect(error.code == 90)
        }
        _ = consume left
        let end = try right.receive(mostBytes: 16, within: .seconds(30))
        #expect(end.bytes == [])
    }
}
