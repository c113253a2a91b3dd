import Foundation
import Synchronization
import Testing

@testable import LinuxIO

@Suite("A disposal", .timeLimit(.minutes(4)))
struct DisposalTests {
    /// Work that waits until it is told to go on.
    private final class Obstacle: Sendable {
        private let isGone = DispatchSemaphore(value: 0)

        func wait() { isGone.wait() }

        func remove() { isGone.signal() }
    }

    /// Users of the tests' own, so that no test waits behind another.
    private static let nextUser = Atomic<UInt32>(4_000_000_000)
    private let loop: EventLoop

    init() throws { loop = try EventLoop.unattended() }

    private func disposal() throws -> Disposal {
        try Disposal(of: Self.nextUser.wrappingAdd(1, ordering: .relaxed).newValue, on: loop)
    }

    /// One that does nothing until the obstacle is removed.
    private func heldUp() throws -> (Disposal, Obstacle) {
        let (disposal, obstacle) = (try disposal(), Obstacle())
        disposal.submit { obstacle.wait() }
        return (disposal, obstacle)
    }

    private static func eventually(_ what: String, _ condition: () throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(30)
        while true {
            // The last look comes after the limit: the machine may have been busy all the while.
            let isLast = ContinuousClock.now >= end
            if try condition() { return }
            try #require(!isLast, "gave up waiting until \(what)")
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    @Test("closes what is let go of, duplicates and queues of it included")
    func closing() async throws {
        let (disposal, obstacle) = try heldUp()
        let file = try OwnedDescriptor.memoryFile(name: "disposed", byteCount: 4096)
            .closed(by: disposal)
        let identity = try file.status().identity
        var queue = DescriptorQueue()
        queue.append(try file.duplicate())
        queue.append(try OwnedDescriptor.memoryFile(name: "at once", byteCount: 4096))
        let copies = try queue.duplicate()
        let numbers = [file.rawValue] + queue.all.prefix(1) + copies.all.prefix(1)
        _ = consume file
        _ = consume queue
        _ = consume copies
        // The obstacle, and three of them: the others were closed where they were let go of.
        #expect(disposal.pending == 4)
        for number in numbers { #expect(isOpen(number, as: identity)) }
        obstacle.remove()
        try await Self.eventually("they are closed") { disposal.pending == 0 }
        for number in numbers { #expect(!isOpen(number, as: identity)) }
    }

    @Test("unmaps what was mapped of a file that it closes")
    func unmapping() async throws {
        let (disposal, obstacle) = try heldUp()
        let name = "disposed \(UInt64.random(in: 0...UInt64.max))"
        func isMapped() throws -> Bool {
            let maps = try File.read("/proc/self/maps", limit: 1 << 22)
            return String(decoding: maps, as: UTF8.self).contains(name)
        }
        let file = try OwnedDescriptor.memoryFile(name: name, byteCount: 4096).closed(by: disposal)
        let mapping = try SharedMapping(file, byteCount: 4096)
        #expect(try isMapped())
        _ = consume file
        _ = consume mapping
        #expect(try isMapped())
        #expect(disposal.pending == 3)
        obstacle.remove()
        try await Self.eventually("it is unmapped") { try !isMapped() }
    }

    @Test("of one user keeps no other's waiting")
    func users() async throws {
        let other = try disposal()
        let (slow, obstacle) = try heldUp()
        let file = try OwnedDescriptor.memoryFile(name: "others", byteCount: 4096)
            .closed(by: other)
        let (number, identity) = (file.rawValue, try file.status().identity)
        _ = consume file
        try await Self.eventually("it is closed") { !isOpen(number, as: identity) }
        #expect(slow.pending == 1)
        #expect(Disposal.pendingInAll(most: 1) >= 1)
        obstacle.remove()
        try await Self.eventually("there is nothing left to do") { slow.pending == 0 }
    }

    @Test("closes a socket with all that nobody has received, and the other end sees no more of it")
    func socket() async throws {
        let (disposal, obstacle) = try heldUp()
        let pair = try UnixSocket.pair(.messages)
        let other = try UnixSocket(adopting: pair.first.descriptor.duplicate())
        let ours = try UnixSocket(adopting: pair.second.descriptor.duplicate())
        _ = consume pair
        let passed = try UnixSocket.pair(.stream)
        let watcher = try UnixSocket(adopting: passed.first.descriptor.duplicate())
        // SAFETY: bytes have no padding.
        for byte in [1, 2] as [UInt8] {
            _ = try other.send(
                unsafe [byte].span.bytes, descriptors: [passed.second.descriptor.rawValue])
        }
        _ = consume passed
        _ = try ours.send(unsafe ([7] as [UInt8]).span.bytes)
        ours.close(by: disposal)
        // It is shut down at once, and what was sent before can be read.
        #expect(throws: SystemError.self) { _ = try other.send(unsafe ([3] as [UInt8]).span.bytes) }
        #expect(try watcher.receiveByte() == nil)
        obstacle.remove()
        try await Self.eventually("all is closed") { disposal.pending == 0 }
        // The end of what was passed: nobody holds its other end any more.
        #expect(try watcher.receiveByte() == 0)
        #expect(try other.receiveByte() == 1)
        #expect(try other.receiveByte() == 0)
    }

    @Test(
        "closes at once a socket in which no descriptor is left",
        arguments: [[], [1], [0], [0, 1, 0]])
    func plainSocket(_ lengths: [Int]) throws {
        let (disposal, obstacle) = try heldUp()
        defer { obstacle.remove() }
        let pair = try UnixSocket.pair(.messages)
        let other = try UnixSocket(adopting: pair.first.descriptor.duplicate())
        let ours = try UnixSocket(adopting: pair.second.descriptor.duplicate())
        _ = consume pair
        for length in lengths {
            // SAFETY: bytes have no padding.
            _ = try other.send(unsafe [UInt8](repeating: 1, count: length).span.bytes)
        }
        let (number, identity) = (ours.descriptor.rawValue, try ours.descriptor.status().identity)
        ours.close(by: disposal)
        #expect(!isOpen(number, as: identity))
        #expect(disposal.pending == 1)
        // Nothing was left unread, which the other end would be told as an error.
        #expect(try other.receiveByte() == 0)
    }

    @Test("closes a socket behind messages of no bytes, in one of which a descriptor is left")
    func emptyMessages() async throws {
        let (disposal, obstacle) = try heldUp()
        let pair = try UnixSocket.pair(.messages)
        let other = try UnixSocket(adopting: pair.first.descriptor.duplicate())
        let ours = try UnixSocket(adopting: pair.second.descriptor.duplicate())
        _ = consume pair
        let passed = [other.descriptor.rawValue]
        for descriptors in [[], passed, passed, []] {
            _ = try other.send(RawSpan(), descriptors: descriptors)
        }
        ours.close(by: disposal)
        #expect(disposal.pending == 2)
        obstacle.remove()
        try await Self.eventually("all is closed") { disposal.pending == 0 }
        // Nothing was left unread.
        #expect(try other.receiveByte() == 0)
    }

    @Test("closes what was passed by who waits to be accepted, and the address is free at once")
    func listener() async throws {
        let (disposal, obstacle) = try heldUp()
        let address = try UnixAddress(
            abstract: "virtwire-test-\(UInt64.random(in: 0...UInt64.max))")
        let listener = try UnixListener.bind(to: address, kind: .messages)
        let waiting = try UnixSocket.connect(to: address, kind: .messages)
        let silent = try UnixSocket.connect(to: address, kind: .messages)
        // SAFETY: bytes have no padding.
        _ = try waiting.send(
            unsafe ([1] as [UInt8]).span.bytes, descriptors: [loop.descriptor.rawValue])
        listener.close(by: disposal, isShared: false)
        let next = try UnixListener.bind(to: address, kind: .messages)
        #expect(disposal.pending == 2)
        #expect(try silent.receiveByte() == 0)
        // One that another process may have goes on; only our descriptor of it is closed.
        let other = try UnixListener(adopting: next.descriptor.duplicate())
        next.close(by: disposal, isShared: true)
        #expect(disposal.pending == 3)
        obstacle.remove()
        try await Self.eventually("all is closed") { disposal.pending == 0 }
        let last = try UnixSocket.connect(to: address, kind: .messages)
        #expect(try last.receiveByte() == nil)
        _ = consume other
    }

    @Test("has a thread for as long as it is held, and then for what is left")
    func holders() async throws {
        let user = Self.nextUser.wrappingAdd(1, ordering: .relaxed).newValue
        let obstacle = Obstacle()
        let file = try OwnedDescriptor.memoryFile(name: "last", byteCount: 4096)
        let (number, identity) = (file.rawValue, try file.status().identity)
        do {
            let first = try Disposal(of: user, on: loop)
            first.submit { obstacle.wait() }
            // It keeps its disposal.
            _ = file.closed(by: first)
        }
        // The same, found again behind what it has not done yet.
        let again = try Disposal(of: user, on: loop)
        #expect(again.pending == 2)
        #expect(Disposal.largestPending >= 2)
        obstacle.remove()
        try await Self.eventually("it is closed") { !isOpen(number, as: identity) }
        try await Self.eventually("nothing is left") { again.pending == 0 }
    }

    @Test("has its names")
    func names() throws {
        #expect(try Disposal(of: 12, on: loop).description == "user 12")
        #expect(
            try Disposal(of: nil, on: loop).description == "a user that the kernel does not name")
    }
}

extension UnixSocket {
    /// How many bytes a receive brought, of one at most; nil when there is nothing yet.
    fileprivate borrowing func receiveByte() throws -> Int? {
        var bytes: [UInt8] = [0]
        var span = bytes.mutableSpan
        // SAFETY: bytes may be anything.
        var room = unsafe span.mutableBytes
        return try receive(into: &room)?.byteCount
    }
}
