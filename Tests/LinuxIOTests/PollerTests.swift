import Foundation
import LinuxIO
import Testing

@Suite("Pollers")
struct PollerTests {
    @Test("report what is ready with its token, until it is no longer watched")
    func tokens() throws {
        let poller = try Poller()
        let first = try EventCounter()
        let second = try EventCounter()
        try poller.add(first.descriptor, for: .readable, token: 1)
        try poller.add(second.descriptor, for: .readable, token: UInt64.max)
        #expect(try poller.wait(milliseconds: 0) { _, _ in } == 0)
        first.signal()
        second.signal()
        var seen: [UInt64: Readiness] = [:]
        #expect(try poller.wait { seen[$0] = $1 } == 2)
        #expect(seen == [1: .readable, UInt64.max: .readable])
        poller.remove(first.descriptor)
        seen = [:]
        #expect(try poller.wait { seen[$0] = $1 } == 1)
        #expect(seen.keys.contains(UInt64.max))
        try poller.modify(second.descriptor, for: .writable, token: 5)
        seen = [:]
        try poller.wait { seen[$0] = $1 }
        #expect(seen == [5: .writable])
    }

    @Test("are ready themselves when something in them is")
    func nesting() throws {
        let inner = try Poller()
        let outer = try Poller()
        let counter = try EventCounter()
        try inner.add(counter.descriptor, for: .readable, token: 1)
        try outer.add(inner.descriptor, for: .readable, token: 2)
        #expect(try outer.wait(milliseconds: 0) { _, _ in } == 0)
        counter.signal()
        var seen: [UInt64] = []
        #expect(try outer.wait { token, _ in seen.append(token) } == 1)
        #expect(seen == [2])
    }

    @Test("tell the end of a peer")
    func hangUp() throws {
        let poller = try Poller()
        let pair = try UnixSocket.pair(.stream)
        try poller.add(pair.second.descriptor, for: [.readable, .peerClosed], token: 1)
        pair.first.shutdown()
        try poller.wait { _, readiness in
            #expect(readiness.isSuperset(of: [.readable, .peerClosed, .hangUp]))
        }
    }

    @Test("refuse a descriptor twice, and a plain file")
    func refusals() throws {
        let poller = try Poller()
        let counter = try EventCounter()
        try poller.add(counter.descriptor, for: .readable, token: 1)
        var error = #expect(throws: SystemError.self) {
            try poller.add(counter.descriptor, for: .readable, token: 2)
        }
        #expect(error?.code == EEXIST)
        let file = try OwnedDescriptor.memoryFile(name: "plain", byteCount: 4096)
        error = #expect(throws: SystemError.self) {
            try poller.add(file, for: .readable, token: 3)
        }
        #expect(error?.code == EPERM)
    }
}
