import Libvirt
import LibvirtProtocol
import LibvirtRPC
import LinuxIO
import Logging
import Memif
import MemifTesting
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

@Suite("A daemon that is asked to leave everything to another", .serialized)
struct HandOverTests {
    /// Asks as a successor does, and has its end of the socket.
    static func ask(
        _ layout: RuntimeLayout, version: Int = VIRTWIRE_STATE_VERSION
    ) async throws -> HandOverChannel {
        let link = try ControlHarness.connect(layout.controlSocket)
        defer { link.close() }
        let pair = try UnixSocket.pair(.messages)
        var theirs = DescriptorQueue()
        theirs.append(try pair.second.descriptor.duplicate())
        let ours = try UnixSocket(adopting: pair.first.descriptor.duplicate())
        _ = try await link.call(
            Virtwire.HAND_OVER, virtwire_hand_over_args(version: UInt32(version)),
            descriptors: PassedDescriptors(theirs))
        return HandOverChannel(socket: try MessageSocket(ours))
    }

    @Test("without a socket, of another version or over the read-only socket it is refused")
    func refused() async throws {
        try await ControlHarness.run { it in
            func problem(_ link: Link, _ version: UInt32) async -> String {
                do {
                    _ = try await link.call(
                        Virtwire.HAND_OVER, virtwire_hand_over_args(version: version))
                    return ""
                } catch {
                    return "\(error)"
                }
            }
            #expect(await problem(it.link, 1).contains("a socket of kind SOCK_SEQPACKET"))
            // Who knows of more than this one takes what this one has.
            #expect(await problem(it.link, 9).contains("a socket of kind SOCK_SEQPACKET"))
            #expect(await problem(it.link, 0).contains("no state of version 0"))
            let readOnly = try ControlHarness.connect(it.layout.readOnlyControlSocket)
            #expect(await problem(readOnly, 1).contains("this socket only answers questions"))
            it.source.define(Sample.vm(1), "<memif:port name='a'/>")
            #expect(try await it.waits(for: "Waiting", of: "a"))
        }
    }

    @Test("where a port cannot be handed over the daemon keeps everything, and says so")
    func kept() async throws {
        try await ControlHarness.run { it in
            it.source.define(Sample.vm(1), "<memif:port name='a'/>")
            #expect(try await it.waits(for: "Waiting", of: "a"))
            let channel = try await Self.ask(it.layout)
            let error = await #expect(throws: PortError.self) {
                try await Controller.onThread { () throws(PortError) in _ = try channel.take() }
            }
            #expect(error?.reason.contains("goes on itself") == true)
            it.source.define(Sample.vm(1), "<memif:port name='b'/>")
            #expect(try await it.waits(for: "Waiting", of: "b"))
        }
    }

    private func sendOne(on link: MemifLink) throws -> Int {
        guard var sender = link.takeTransmitQueue(0) else { return 0 }
        var batch = FrameBatch(frameCapacity: 1)
        batch.append([1, 2, 3])
        return try sender.transmitBurst(batch)
    }

    @Test("a successor that fails costs nothing: links, and what happens meanwhile, are kept")
    func failed() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        try await RealDaemon.run(in: libvirtd.scratch) { it in
            let domain = try await libvirtd.define("<memif:port name='a'/>")
            _ = try await domain.create()
            #expect(await eventually { await it.state("a") == "Ready" })
            let slave = try it.slave("a")
            #expect(await eventually { slave.link != nil })
            let link = try #require(slave.link)
            for _ in 0..<3 {
                // It goes before it has said a word; the next may ask when that has been noticed.
                #expect(await eventually { (try? await Self.ask(it.layout)) != nil })
            }
            try await libvirtd.set(
                "<port name='a'/><port name='b' link='always'/>", of: domain, .live)
            #expect(await eventually { await it.state("b") == "Ready" })
            #expect(link.isUp && slave.link === link)
            #expect(try sendOne(on: link) == 1)
            #expect(await eventually { await it.port("a")?.rx_packets == 1 })
        }
    }
}
