import LinuxIO
import Memif
import MemifTesting
import Synchronization
import Testing

/// A testpmd that is a slave of ours and ends while frames go to and fro.
@Suite("The end of DPDK's testpmd as a slave", .timeLimit(.minutes(4)))
struct TestpmdEndTests {
    enum Ending: CaseIterable {
        /// SIGKILL: it has no time for a word.
        case sudden
        /// SIGINT: it stops its port.
        case orderly
    }

    @Test(
        "ends the link in the midst of bursts, once, and its successor gets a new one",
        arguments: Ending.allCases)
    func end(_ ending: Ending) async throws {
        let pair = try await TestpmdLink(.master, .echo)
        let ends = Ends(pair.interface)
        let flood = try Flood(pair.link)
        try await eventually("frames come back") { pair.link.received.packets > 1000 }
        switch ending {
        case .sudden: await pair.testpmd.kill()
        case .orderly:
            let statistics = await pair.testpmd.stop()
            try await eventually("the link is over") { !pair.link.isUp }
            #expect(Int(pair.link.received.packets) <= statistics.sentPackets)
            #expect(statistics.receivedPackets <= Int(pair.link.sent.packets))
        }
        // The queues' owner hears of it in its next burst.
        await flood.ended()
        try await eventually("the interface is free again") { pair.interface.link == nil }
        let causes: [LinkEnd.Cause] =
            ending == .sudden ? [.peerVanished] : [.peer, .peerVanished]
        #expect(causes.contains(try #require(pair.link.end?.cause)))
        try await eventually("it is told") { ends.all == [pair.link.end] }

        var options = Testpmd.Options(.slave, path: pair.directory.path("m.sock"))
        options.forwarding = .echo
        let successor = try await Testpmd(options)
        let link = try await pair.interface.waitForLink(within: .seconds(60))
        let received = try await onThread {
            try Echo.pass([[9, 8, 7, 6]], over: link, queue: 0, .interrupt)
        }
        #expect(received == [[9, 8, 7, 6]])
        #expect(ends.all.count == 1)
        await successor.stop()
        await pair.end()
    }
}

/// Why links of an interface ended, in order.
private final class Ends: Sendable {
    private let ends = Mutex<[LinkEnd?]>([])

    init(_ interface: MemifInterface) {
        interface.onEvent { [weak self] event in
            if case .down(let end) = event { self?.ends.withLock { $0.append(end) } }
        }
    }

    var all: [LinkEnd?] { ends.withLock(\.self) }
}
