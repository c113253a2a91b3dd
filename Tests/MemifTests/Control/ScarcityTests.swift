import CountedAllocations
import LinuxIO
import Memif
import MemifTesting
import Testing

/// Each step of a link's set-up meets the moment at which no descriptor is left.
///
/// In a process of its own, whose limit is low; and the end that runs out has a table of descriptors of its
/// own: as many are free as the test wants, and Swift's runtime, which needs some, misses none.
@Suite("Descriptors and memory that run out in the midst of a handshake")
struct ScarcityTests {
    @Test("a master says so, leaks none, and serves the slave as soon as there are some")
    func master() async {
        await #expect(processExitsWith: .success) {
            let failures = try await ScarcityTests.sweep(.master)
            try #require(failures == ["cannot take the descriptor that the peer passed"])
        }
    }

    @Test("a slave says so, leaks none, and connects as soon as there are some")
    func slave() async {
        await #expect(processExitsWith: .success) {
            let failures = try await ScarcityTests.sweep(.slave)
            try #require(
                failures == [
                    "cannot create a memory file memif virtwire", "cannot create a socket",
                    "cannot create an eventfd", "cannot duplicate a descriptor",
                    "cannot keep a connection", "cannot keep a memory file",
                    "cannot keep an eventfd",
                ])
        }
    }

    /// Three gigabytes of huge pages, which no system keeps for a test: mmap refuses them.
    @Test("a slave whose region cannot be mapped says so, and one that asks for less connects")
    func mapping() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let master = try RawMaster(at: directory.address())
        var configuration = InterfaceConfiguration()
        configuration.hugePages = true
        configuration.ringSize = 1 << 14
        configuration.bufferSize = 96 << 10
        let large = try MemifInterface.connect(
            to: directory.address(), configuration, on: loop, reconnect: nil,
            handshakeTimeout: .seconds(120))
        let peer = try await master.accept()
        try peer.send(.hello(ControlMessage.Hello(name: "raw master")))
        let reason = try unwrap(try await peer.receiveDisconnect())
        #expect(reason.code == .systemFailure)
        try await eventually("the slave knows") { large.lastEnd?.cause == .system }
        let text = try unwrap(large.lastEnd).reason.text
        #expect(text.contains("huge pages of 2 MiB (see vm.nr_hugepages)"))
        #expect(text.hasPrefix(reason.text))

        let small = try MemifInterface.connect(
            to: directory.address(), InterfaceConfiguration(), on: loop,
            handshakeTimeout: .seconds(120))
        let guest = try RawMaster.Guest(try await master.accept())
        try await guest.lead(to: .linked)
        _ = try await small.waitForLink(within: .seconds(30))
        small.remove()
        // Its end of the channel closes with it.
        withExtendedLifetime(guest) {}
    }

    /// Tries with none left, with one, and so on until a link comes up at once: first with those that the
    /// reserve does not know of, so that system calls fail, then with the last ones, which it keeps.
    ///
    /// - Returns: what has failed, sorted.
    private static func sweep(_ role: MemifRole) async throws -> [String] {
        let address = try UnixAddress(
            abstract: "virtwire-test-\(UInt64.random(in: 0...UInt64.max))")
        // What raises eventfds has a descriptor that all threads must see.
        try EventCounter().signal()
        let peer = try ScarcePeer(role == .master ? .slave : .master, at: address)
        let texts = try await onThread {
            guard own_descriptors() == 0 else { throw Scarcity("unshare failed") }
            let end = try ScarceEnd(role, at: address, peer)
            var texts: Set<String> = []
            // To a master, which looks for room before it takes any, all places are the same.
            let all = ScarceEnd.Places.allCases
            for places in all where role == .slave || places == .highest {
                // A master takes no message with descriptors unless there is room for the most that one has.
                let room = role == .master ? MessageSocket.mostDescriptors - 1 : 0
                var spare = room
                while !(try end.attempt(with: spare, places, &texts)) { spare += 1 }
                // The socket, and of one queue in each direction a region and two eventfds.
                let least = room + (places == .lowest ? 4 : 4 + Int(DescriptorReserve.count))
                guard spare >= least else { throw Scarcity("a link with \(spare) descriptors") }
            }
            return texts
        }
        withExtendedLifetime(peer) {}
        return texts.map { String($0.prefix { $0 != ":" }) }.sorted()
    }
}
