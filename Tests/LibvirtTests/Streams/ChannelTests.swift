import Libvirt
import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import Synchronization
import Testing
import XDR

@Suite("A channel to a program in the guest", .timeLimit(.minutes(4)))
struct ChannelTests {
    private static let raw = remote_nonnull_domain(name: "vm", uuid: remote_uuid(), id: 1)

    @Test("it is asked for by name, or not, and answers")
    func answers() async throws {
        try await withFakeDomain(Self.raw) { daemon, domain in
            let asked = Mutex<[remote_domain_open_channel_args]>([])
            daemon.serveStream(Remote.DOMAIN_OPEN_CHANNEL) { arguments in
                asked.withLock { $0.append(arguments) }
                return (
                    XDRVoid(),
                    { stream in
                        while case .data(let bytes)? = try? await stream.receive() {
                            try? await stream.send(bytes.reversed())
                        }
                        try? await stream.finish()
                    }
                )
            }
            for (name, flags) in [
                ("org.qemu.guest_agent.0", virDomainChannelFlags.force), (nil, []),
            ] {
                let channel = try await domain.openChannel(name: name, flags: flags)
                for line in ["abc", "défg", "x"] {
                    try await channel.send(Array(line.utf8))
                    #expect(try await channel.receive() == .data(line.utf8.reversed()))
                }
                try await channel.finish()
            }
            // VIR_DOMAIN_CHANNEL_FORCE is 1.
            #expect(
                asked.withLock(\.self) == [
                    .init(dom: Self.raw, name: "org.qemu.guest_agent.0", flags: 1),
                    .init(dom: Self.raw, name: nil, flags: 0),
                ])
        }
    }

    @Test(
        "both sides speak at once, and neither waits for the other",
        arguments: [StreamPlacement.ownConnection, .shared])
    func bothAtOnce(placement: StreamPlacement) async throws {
        let pieces = 40
        let piece = [UInt8](0...255) + [UInt8](repeating: 7, count: 60_000)
        try await withFakeDomain(Self.raw) { daemon, domain in
            let heard = Mutex<[UInt8]>([])
            daemon.serveStream(Remote.DOMAIN_OPEN_CHANNEL) { _ in
                (
                    XDRVoid(),
                    { stream in
                        // All of its own, before it has heard a word.
                        for _ in 0..<pieces { try? await stream.send(piece) }
                        try? await stream.sendEndOfData()
                        while case .data(let bytes)? = try? await stream.receive() {
                            heard.withLock { $0 += bytes }
                        }
                        try? await stream.finish()
                    }
                )
            }
            let channel = try await domain.openChannel(placement: placement)
            async let said: Void = say(piece, times: pieces, on: channel)
            let received = try await channel.collect()
            try await said
            try await channel.finish()
            let expected = [[UInt8]](repeating: piece, count: pieces).flatMap(\.self)
            let (isReceived, isHeard) = (
                received == expected, heard.withLock { $0 == expected }
            )
            #expect(isReceived && isHeard)
        }
    }

    private func say(_ piece: [UInt8], times: Int, on channel: DataStream) async throws {
        for _ in 0..<times { try await channel.send(piece) }
    }

    @Test("one that the daemon refuses is an error, and no stream is open")
    func refused() async throws {
        try await withFakeDomain(Self.raw) { daemon, domain in
            daemon.serve(Remote.DOMAIN_OPEN_CHANNEL) { _ throws(CallRefusal) in
                throw CallRefusal(.operationFailed, "Active channel stream exists", domain: .qemu)
            }
            let error = await #expect(throws: LibvirtError.self) {
                try await domain.openChannel(name: "agent")
            }
            #expect(error?.code == .operationFailed)
            #expect(error?.description.contains("Active channel stream exists") == true)
            let name = try await domain.connection.hostname()
            #expect(name == "fake")
        }
    }
}
