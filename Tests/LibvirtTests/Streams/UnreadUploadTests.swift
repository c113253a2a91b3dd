import LibvirtProtocol
import LibvirtTesting
import Synchronization
import Testing
import XDR

@testable import Libvirt
@testable import LibvirtRPC

@Suite("An upload over TCP that the peer does not read", .timeLimit(.minutes(4)))
struct UnreadUploadTests {
    /// The most that waited to be written at any time, and how many packets were taken.
    private final class Flood: Sendable {
        /// Far more than all buffers on the way can take.
        static let mostPackets = 512

        private let most = Mutex(0)
        private let count = Mutex(0)

        var mostQueued: Int { most.withLock(\.self) }
        var packetCount: Int { count.withLock(\.self) }

        /// Sends until it fails, or everything has gone.
        func run(_ stream: DataStream, over link: Link) async throws(LibvirtError) {
            let packet = [UInt8](repeating: 1, count: LinkStream.longestPacket)
            for _ in 0..<Self.mostPackets {
                try await stream.send(packet)
                let queued = link.carrier.queuedByteCount
                most.withLock { $0 = max($0, queued) }
                count.withLock { $0 += 1 }
            }
        }
    }

    @Test(
        "little waits in memory, giving it up ends it, and the connection serves on",
        arguments: [StreamPlacement.ownConnection, .shared])
    func bounded(placement: StreamPlacement) async throws {
        // The peer's end of the stream does nothing until it is told to go.
        let (isToGo, leave) = AsyncStream<Void>.makeStream()
        try await NetworkPeer.with { table in
            table.serve(Remote.STORAGE_VOL_LOOKUP_BY_KEY) { arguments in
                .init(vol: .init(pool: "pool", name: "disk", key: arguments.key))
            }
            table.serveStream(Remote.STORAGE_VOL_UPLOAD) { _ in
                (
                    XDRVoid(),
                    { stream in
                        for await _ in isToGo {}
                        stream.abort()
                    }
                )
            }
        } _: { peer in
            defer { leave.finish() }
            let connection = try await Connection.open(peer.uri)
            let volume = try await connection.lookUpStorageVolume(key: "disk")
            let link = try await link(of: placement, connection)
            let stream = try await volume.upload(placement: placement)
            let flood = Flood()
            let sending = Task { try await flood.run(stream, over: link) }
            try await eventually("the sender waits for room") {
                link.carrier.queuedByteCount >= 1 << 20
            }
            if placement == .ownConnection {
                #expect(try await connection.hostname() == "far")
            }
            stream.abort()
            let error = await #expect(throws: LibvirtError.self) { try await sending.value }
            #expect(error?.description.contains("the stream was given up") == true)
            // One packet more than there may be before another is sent, and its header.
            #expect(flood.mostQueued <= (1 << 20) + LinkStream.longestPacket + 64)
            #expect(flood.packetCount < Flood.mostPackets)
            leave.finish()
            #expect(try await connection.hostname() == "far")
            await connection.close()
        }
    }

    /// What will carry the stream: beside the connection, one that stands ready to be used.
    private func link(
        of placement: StreamPlacement, _ connection: Connection
    ) async throws -> Link {
        guard placement == .ownConnection else { return connection.link }
        let sides = try #require(connection.sides)
        let side = try await sides.take(connection.parameters, deadline: nil)
        sides.giveBack(side, isReusable: true)
        return side.link
    }
}
