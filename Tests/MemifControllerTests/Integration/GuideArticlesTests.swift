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
    @Test("each command of ours does what the article says", arguments: Guide.articles)
    func commandByCommand(article: String) async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        _ = try await libvirtd.define("<memif:port name='lan0' link='always'/>", name: "web")
        var daemon = try await DaemonProcess(in: libvirtd.scratch)
        #expect(await eventually { await daemon.port("lan0")?.state.text == "Ready" })
        for command in try Guide.commands(article) where Self.isOurs(command) {
            if command.hasPrefix("grep ") {
                let line = Guide.here(command, libvirtd.scratch)
                let found = try await DaemonProcess.run(["sh", "-c", line])
                #expect(found.status == 0 && !found.output.isEmpty, "\(command): \(found.output)")
                continue
            }
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

    /// Whether a command is one of virtwire's, or looks at what one has written.
    private static func isOurs(_ command: String) -> Bool {
        command.hasPrefix("virtwire") || command.hasPrefix("grep ")
    }

    /// The command on this machine.
    private func adapted(_ words: [String], _ scratch: Scratch) -> [String] {
        var arguments = words.dropFirst().map { Guide.here($0, scratch) }
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

    /// What `Tools/package --try` and `Tools/test` do, which install, upgrade, remove and purge the package where
    /// a service manager runs and where none does, and build both programs.
    private static let triedElsewhere = ["apt ", "systemctl ", "swift build ", "Tools/package"]

    @Test("each other command is tried too, by the test below, by that of peers or by a tool")
    func others() throws {
        let known =
            Self.triedElsewhere + Self.hostCommands + GuidePeersTests.commands + ["virsh metadata "]
        for article in Guide.articles {
            for command in try Guide.commands(article) where !Self.isOurs(command) {
                let isKnown = command.isEmpty || known.contains { command.hasPrefix($0) }
                #expect(isKnown, "\(article): \(command)")
            }
        }
    }

    private static let hostCommands = ["groupadd ", "usermod ", "install "]

    @Test("groups, users and secrets are there after the host's own commands for them")
    func host() async throws {
        let scratch = try Scratch()
        let lines = try Guide.articles.flatMap { try Guide.commands($0) }.filter { line in
            Self.hostCommands.contains { line.hasPrefix($0) }
        }
        #expect(lines.count >= 4)
        // In a view of this host's /etc that is thrown away. What is asked for may be there already.
        let script = """
            set -eu
            mount --make-rprivate /
            mount -t tmpfs none \(scratch.path)
            mkdir \(scratch.path)/changes \(scratch.path)/work
            mount -t overlay overlay \\
                -o lowerdir=/etc,upperdir=\(scratch.path)/changes,workdir=\(scratch.path)/work /etc
            for group in virtwire virtwire-admin; do groupdel $group 2>/dev/null || true; done
            id vpp >/dev/null 2>&1 || useradd vpp
            echo hush >\(scratch.path)/input
            exec <\(scratch.path)/input
            \(lines.joined(separator: "\n"))
            id --groups --name vpp
            getent group virtwire-admin
            cd /etc/virtwire/secrets.d
            stat --format '%n %a' tenants
            cat tenants
            """
        let ended = try await DaemonProcess.run(["unshare", "--mount", "sh", "-c", script])
        #expect(ended.status == 0, "\(ended.output)")
        for sign in [" virtwire\n", "virtwire-admin:", "tenants 600\n", "hush\n"] {
            #expect(ended.output.contains(sign), "\(ended.output)")
        }
    }

    @Test("the command of libvirt's own that declares a port does so")
    func virsh() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let daemon = try await DaemonProcess(in: libvirtd.scratch)
        let domain = try await libvirtd.define("", name: "VM")
        _ = try await domain.create()
        let command = try #require(
            try Guide.commands("DeclaringPorts").first { $0.hasPrefix("virsh metadata") })
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
        let text = try Guide.text("Troubleshooting")
        for reason in [
            DisconnectText.shutOff, DisconnectText.migrated, DisconnectText.undefined,
            DisconnectText.removed, DisconnectText.changed, DisconnectText.draining,
            DisconnectText.stopping,
        ] {
            #expect(text.contains("`\(reason)`"), "\(reason)")
        }
    }
}
