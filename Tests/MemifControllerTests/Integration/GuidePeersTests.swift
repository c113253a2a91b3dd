import Foundation
import LinuxIO
import MemifTesting
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

/// What operators paste for the other end of a port, from the articles and from `virtwire doctor`.
///
/// VPP is on no machine of ours. Of its lines is tried that they name the daemon's own socket, and the port's id and
/// queues; their words are those of VPP's documentation.
@Suite("The lines for packet processors", .serialized, .timeLimit(.minutes(4)))
struct GuidePeersTests {
    /// What such lines begin with.
    static let commands = ["dpdk-testpmd ", "create ", "set interface "]

    /// A daemon and a domain with two ports, one of which wants everything that a line can say.
    private struct Host {
        let libvirtd: PrivateLibvirtd
        let daemon: DaemonProcess
        static let ids = ["lan0": 0, "lan1": 7]

        init() async throws {
            libvirtd = try await PrivateLibvirtd(in: Scratch())
            let scratch = libvirtd.scratch
            let secrets = scratch.configuration.secretsDirectory
            try Directory.ensure(secrets, mode: 0o700)
            try File.replace("\(secrets)/tenants", with: Array("hush".utf8))
            let daemon = try await DaemonProcess(in: scratch, ["--secrets-directory", secrets])
            self.daemon = daemon
            _ = try await libvirtd.define(
                """
                <memif:port name='lan0' link='always'/>
                <memif:port name='lan1' link='always' id='7' queues='2' secret-ref='tenants'/>
                """, name: "web")
            for port in Self.ids.keys {
                #expect(await eventually { await daemon.port(port)?.state.text == "Ready" })
            }
        }

        func end() async {
            daemon.process.signal(15)
            #expect(await daemon.process.waitForEnd() == 0)
        }

        /// What doctor prints for a packet processor, by port.
        func printed(for peer: String) async throws -> [(port: String, line: String)] {
            let scratch = libvirtd.scratch
            let doctor = try await DaemonProcess.run([
                Self.virtwire, "doctor", "web", "-c", PrivateLibvirtd.uri(in: scratch),
                "--runtime-directory", "\(scratch.path)/run", "--secrets-directory",
                scratch.configuration.secretsDirectory,
            ])
            var port = ""
            var found: [(port: String, line: String)] = []
            for line in doctor.output.split(separator: "\n") {
                if line.hasPrefix("web/"), let last = line.split(separator: "/").last {
                    port = String(last)
                } else if line.hasPrefix("  \(peer):") {
                    let words = String(line.dropFirst(peer.count + 3).drop { $0 == " " })
                    // Which is the operator's to put in.
                    found.append((port, words.replacing("SECRET", with: "hush")))
                }
            }
            try #require(Set(found.map(\.port)) == Set(Self.ids.keys), "\(doctor.output)")
            return found
        }

        static var virtwire: String { String(DaemonProcess.program.dropLast()) }

        func received(at port: String) async -> UInt64 { await daemon.port(port)?.rx_packets ?? 0 }
    }

    @Test("each line for testpmd brings a link up, over which its frames come")
    func testpmd() async throws {
        let host = try await Host()
        let scratch = host.libvirtd.scratch
        var lines = try await host.printed(for: "DPDK")
        for article in Guide.articles {
            let written = try Guide.commands(article).filter { $0.hasPrefix("dpdk-testpmd ") }
            lines += written.map { ("lan0", Guide.here($0, scratch)) }
        }
        #expect(lines.count >= 4)
        for (port, line) in lines {
            let before = await host.received(at: port)
            let testpmd = try await Sitting(line, scratch)
            #expect(
                await eventually(within: .seconds(60)) {
                    let port = await host.daemon.port(port)
                    return port?.state.text == "Connected"
                        && port?.peer_pid == UInt32(testpmd.process.processID)
                }, "\(line): \(testpmd.process.output)")
            try testpmd.type("start tx_first")
            #expect(await eventually { await host.received(at: port) > before }, "\(line)")
            try testpmd.type("quit")
            await testpmd.process.waitForEnd()
            #expect(await eventually { await host.daemon.port(port)?.state.text == "Ready" })
        }
        await host.end()
    }

    @Test("each line for our own program brings a link up, over which its frames come")
    func virtwire() async throws {
        let host = try await Host()
        for (port, line) in try await host.printed(for: "virtwire") {
            let before = await host.received(at: port)
            let words = line.split(separator: " ").dropFirst().map(String.init)
            let ended = try await DaemonProcess.run([Host.virtwire] + words + ["--seconds", "1"])
            #expect(ended.status == 0, "\(line): \(ended.output)")
            #expect(await host.received(at: port) > before, "\(line)")
        }
        await host.end()
    }

    @Test("the lines for VPP name the socket that stands, and the port's id, queues and secret")
    func vpp() async throws {
        let host = try await Host()
        let printed = try await host.printed(for: "VPP")
        let more = ["lan0": "", "lan1": " rx-queues 2 tx-queues 2 secret hush"]
        // In the order of their names, as doctor goes through them: one VPP can be pasted both.
        for (index, (port, id)) in Host.ids.sorted(by: { $0.key < $1.key }).enumerated() {
            let number = index + 1
            let socket = host.daemon.layout.socket(of: Sample.vm(1), port: port)
            #expect(try SocketFile.probe(socket) == .live)
            #expect(
                printed.filter { $0.port == port }.map(\.line) == [
                    "create memif socket id \(number) filename \(socket)",
                    "create interface memif id \(id) socket-id \(number) slave\(more[port] ?? "")",
                    "set interface state memif\(number)/\(id) up",
                ])
        }
        await host.end()
    }
}

/// A shell's command at which somebody sits, who says nothing for as long as he types nothing.
private struct Sitting {
    let process: ChildProcess
    private let keyboard: FileHandle

    init(_ line: String, _ scratch: Scratch) async throws {
        let path = "\(scratch.path)/keyboard"
        _ = try await DaemonProcess.run(["sh", "-c", "[ -p \(path) ] || mkfifo \(path)"])
        keyboard = try #require(FileHandle(forUpdatingAtPath: path))
        process = try await ChildProcess(["sh", "-c", "exec \(line) <\(path)"])
    }

    /// Types a line.
    func type(_ line: String) throws { try keyboard.write(contentsOf: Data("\(line)\n".utf8)) }
}
