import Glibc
import Testing

@testable import LinuxIO

@Suite("The last descriptors")
struct DescriptorReserveTests {
    @Test("a connection waits and a socket is refused while only the reserve is left")
    func reserve() async {
        // In a process of its own, whose descriptors are few.
        await #expect(processExitsWith: .success) { try DescriptorReserveTests.exhaust() }
    }

    @Test("a listener that is closed then goes with those who wait, by a disposal")
    func closing() async {
        await #expect(processExitsWith: .success) { try DescriptorReserveTests.closeListener() }
    }

    private static func closeListener() throws {
        let address = try UnixAddress(
            abstract: "virtwire-test-\(UInt64.random(in: 0...UInt64.max))")
        let listener = try UnixListener.bind(to: address, kind: .messages)
        let loop = try EventLoop.unattended()
        let disposal = try Disposal(of: nil, on: loop)
        let obstacle = ThreadSemaphore()
        disposal.submit { obstacle.wait() }
        let waiting = try UnixSocket.connect(to: address, kind: .messages)
        let hoard = leaveReserve(beside: listener.descriptor)
        listener.close(by: disposal, isShared: false)
        try #require(disposal.pending == 2)
        obstacle.signal()
        while disposal.pending > 0 { sched_yield() }
        for number in hoard { close(number) }
        // It is closed: its address is free.
        _ = try UnixListener.bind(to: address, kind: .messages)
        _ = consume waiting
    }

    /// Takes all descriptors of this process but the last, in a table that it makes small.
    private static func leaveReserve(beside descriptor: borrowing OwnedDescriptor) -> [Int32] {
        var limit = rlimit()
        // SAFETY: the calls read and write the structure, which outlives them.
        unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = 100
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        var hoard: [Int32] = []
        while DescriptorReserve.leavesRoom(beside: descriptor) { hoard.append(dup(0)) }
        return hoard
    }

    private static func exhaust() throws {
        let path = "/tmp/vwres\(String(UInt32.random(in: 0...UInt32.max), radix: 36)).sock"
        defer { _ = try? File.remove(path) }
        let listener = try SocketFile.listen(at: path, kind: .stream, mode: 0o600)
        var hoard = leaveReserve(beside: listener.descriptor)
        // One low number does not make those above it free. (Before Linux 6.2 nothing tells.)
        if try FileStatus(path: "/proc/thread-self/fd").byteCount > 0 {
            close(hoard.removeFirst())
            let isFree = DescriptorReserve.leavesRoom(beside: listener.descriptor, for: 20)
            #expect(!isFree)
            hoard.append(dup(0))
        }
        let client = try UnixSocket.connect(to: UnixAddress(path: path), kind: .stream)

        do {
            _ = try listener.accept()
            Issue.record("the reserve was given to a connection")
        } catch {
            #expect(error.code == EMFILE)
        }
        #expect(throws: SystemError.self) {
            _ = try SocketFile.listen(at: path + "2", kind: .stream, mode: 0o600)
        }
        #expect(throws: SystemError.self) { _ = try FileStatus(path: path + "2") }
        // What the runtime needs is there still.
        let own = try File.read("/proc/self/stat", limit: 4096)
        #expect(!own.isEmpty)

        for _ in 0..<4 { if let last = hoard.popLast() { close(last) } }
        let isAccepted = try listener.accept() != nil
        #expect(isAccepted)
        _ = consume client
    }
}
