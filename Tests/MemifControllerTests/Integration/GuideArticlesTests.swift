import Foundation
import Libvirt
import LibvirtProtocol
import LinuxIO
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

/// The operator's other articles: every command of ours in them is run, in its order.
@Suite("The operator's articles", .serialized, .timeLimit(.minutes(10)))
struct GuideArticlesTests {
    static let articles = [
        "Installing", "Permissions", "ConnectingPeers", "Troubleshooting", "DeclaringPorts",
    ]
    private static let documentation = URL(fileURLWithPath: #filePath).appendingPathComponent(
        "../../../../Sources/MemifController/Documentation.docc"
    ).standardized
    /// The directory and the domain that stand in the articles' paths.
    private static let place = "/run/virtwire/vm/11111111-2222-3333-4444-555555555555/"

    static func text(_ article: String) throws -> String {
        try String(
            contentsOf: documentation.appendingPathComponent("\(article).md"), encoding: .utf8)
    }

    /// The lines of an article's blocks that are neither settings nor XML; what goes on below goes along.
    private static func commands(_ article: String) throws -> [String] {
        var block: Substring?
        var commands: [String] = []
        for line in try text(article).split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                block = block == nil ? line.dropFirst(3) : nil
            } else if block == "" {
                if let last = commands.last, last.hasSuffix("\\") {
                    let rest = String(line.drop { $0 == " " })
                    commands[commands.count - 1] = String(last.dropLast()) + rest
                } else {
                    commands.append(String(line))
                }
            }
        }
        return commands
    }

    @Test("each command of ours does what the article says", arguments: articles)
    func commandByCommand(article: String) async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        _ = try await libvirtd.define("<memif:port name='lan0' link='always'/>", name: "web")
        var daemon = try await DaemonProcess(in: libvirtd.scratch)
        #expect(await eventually { await daemon.port("lan0")?.state.text == "Ready" })
        for command in try Self.commands(article) where command.hasPrefix("virtwire") {
            let words = command.split(separator: " ").map(String.init)
            if words[0] == "virtwired", !words.contains("--check") {
                // Only one at a time runs here: the next goes on in its place.
                let next = try await DaemonProcess(in: libvirtd.scratch, ["--take-over"])
                #expect(await daemon.process.waitForEnd() == 0)
                daemon = next
                continue
            }
            let ended = try await DaemonProcess.run(adapted(words, libvirtd.scratch))
            // Of what doctor finds on a machine where tests run, the articles do not tell.
            let isFine = ended.status == 0 || words[1] == "doctor" && ended.status == 1
            #expect(isFine, "\(command): \(ended.output)")
            #expect(!ended.output.isEmpty || words[1] == "log-level", "\(command)")
        }
        #expect(daemon.stands(["lan0"]))
        daemon.process.signal(15)
        #expect(await daemon.process.waitForEnd() == 0)
    }

    /// The command on this machine.
    private func adapted(_ words: [String], _ scratch: Scratch) -> [String] {
        let port = "\(scratch.path)/run/vm/\(Sample.vm(1))/"
        var arguments = words.dropFirst().map {
            $0.replacing(Self.place, with: port)
                .replacing("support.jsonl", with: "\(scratch.path)/support.jsonl")
        }
        guard words[0] == "virtwire" else {
            return [DaemonProcess.program]
                + arguments.filter { ["--check", "--verbose"].contains($0) }
                + DaemonProcess.flags(scratch)
        }
        let virtwire = String(DaemonProcess.program.dropLast())
        if arguments.contains("--socket"), !arguments.contains("--seconds") {
            arguments += ["--seconds", "1"]
        }
        // A peer of a socket asks no daemon.
        if arguments.starts(with: ["memif", "bench"]) { return [virtwire] + arguments }
        var ours = ["--runtime-directory", "\(scratch.path)/run"]
        if ["doctor", "support-bundle"].contains(arguments.first) {
            ours += ["-c", PrivateLibvirtd.uri(in: scratch)]
        }
        let parts = arguments.split(separator: "--", maxSplits: 1).map(Array.init)
        guard parts.count == 2 else { return [virtwire] + arguments + ours }
        return [virtwire] + parts[0] + ours + ["--"]
            + parts[1].map { $0 == "virtwire" ? virtwire : $0 }
    }

    @Test(
        "other commands are those of the host's own that no test can run, and of packet processors")
    func others() throws {
        let known = [
            "apt ", "systemctl ", "jq ", "groupadd ", "usermod ", "install ", "swift build ",
            "Tools/package", "virsh ", "dpdk-testpmd ", "create ", "set interface ",
        ]
        for article in Self.articles {
            for command in try Self.commands(article) where !command.hasPrefix("virtwire") {
                let isKnown = command.isEmpty || known.contains { command.hasPrefix($0) }
                #expect(isKnown, "\(article): \(command)")
            }
        }
    }

    @Test("the command of libvirt's own that declares a port does so")
    func virsh() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let daemon = try await DaemonProcess(in: libvirtd.scratch)
        let domain = try await libvirtd.define("", name: "VM")
        _ = try await domain.create()
        let command = try #require(
            try Self.commands("DeclaringPorts").first { $0.hasPrefix("virsh metadata") })
        // As a shell takes it: the quotation marks are the shell's.
        let shell = command.replacing(
            "virsh ", with: "virsh -c '\(PrivateLibvirtd.uri(in: libvirtd.scratch))' ",
            maxReplacements: 1)
        let ended = try await DaemonProcess.run(["sh", "-c", shell])
        #expect(ended.status == 0, "\(ended.output)")
        #expect(await eventually { daemon.stands(["lan0"]) })
        daemon.process.signal(15)
        #expect(await daemon.process.waitForEnd() == 0)
    }

    @Test("every reason that a peer is told is explained")
    func reasons() throws {
        let text = try Self.text("Troubleshooting")
        for reason in [
            DisconnectText.shutOff, DisconnectText.migrated, DisconnectText.undefined,
            DisconnectText.removed, DisconnectText.changed, DisconnectText.draining,
            DisconnectText.stopping,
        ] {
            #expect(text.contains("`\(reason)`"), "\(reason)")
        }
    }
}
