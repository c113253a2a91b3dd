import Foundation
import LinuxIO
import Memif
import Testing

@Suite("Descriptors of the control plane")
struct DescriptorTests {
    @Test("none is left open to a program that is started meanwhile")
    func closedOnExec() async {
        await #expect(processExitsWith: .success) {
            let before = Set(try Self.open())
            let pair = try await LinkPair { $0.queues = QueueCounts(pairs: 2) }
            let worker = try PacketWorker.start()
            worker.attach(pair.master, PacketEcho())
            // Regions, eventfds of both ends, sockets, pollers.
            let new = try Self.open().filter { !before.contains($0) }
            try #require(new.count >= 15)
            for number in new {
                let flags = fcntl(number, F_GETFD)
                // Listing the folder took one that is closed again.
                try #require(flags < 0 || flags & FD_CLOEXEC != 0, "\(Self.target(number))")
            }
            worker.stop()
        }
    }

    private static func open() throws -> [Int32] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
            Int32($0)
        }
    }

    private static func target(_ number: Int32) -> String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)"))
            ?? ""
    }
}
