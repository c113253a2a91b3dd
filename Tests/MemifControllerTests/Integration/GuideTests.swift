import Foundation
import LinuxIO
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

/// The operator's guide, run line by line as an operator would who types it in.
@Suite("The operator's guide", .serialized, .timeLimit(.minutes(10)))
struct GuideTests {
    private static let guide = URL(fileURLWithPath: #filePath).appendingPathComponent(
        "../../../../Sources/MemifController/Documentation.docc/RunningTheDaemon.md"
    ).standardized

    /// The lines of its blocks that begin with one of our programs.
    private static func commands() throws -> [[String]] {
        let text = try String(contentsOf: guide, encoding: .utf8)
        var isInBlock = false
        var commands: [[String]] = []
        for line in text.split(separator: "\n") {
            if line.hasPrefix("```") {
                isInBlock.toggle()
            } else if isInBlock, line.hasPrefix("virtwire") {
                commands.append(line.split(separator: " ").map(String.init))
            }
        }
        return commands
    }

    @Test("each command does what the guide says, in its order")
    func commandByCommand() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        _ = try await libvirtd.define("<memif:port name='lan0'/>", name: "web")
        var daemon: DaemonProcess?
        var outputs: [String: String] = [:]
        for command in try Self.commands() {
            if command[0] == "virtwired", !command.contains("--check") {
                daemon = try await DaemonProcess(in: libvirtd.scratch)
                #expect(await eventually { await daemon?.port("lan0")?.state.text == "Waiting" })
                continue
            }
            let line = command.joined(separator: " ")
            let ended = try await DaemonProcess.run(adapted(command, libvirtd.scratch))
            #expect(ended.status == 0, "\(line): \(ended.output)")
            outputs[line] = ended.output
        }
        #expect(outputs.count > 8)
        #expect(outputs["virtwire status"]?.contains("lan0") == true)
        #expect(outputs["virtwire plan"]?.contains("keep") == true)
        #expect(outputs["virtwire settings"]?.contains("--runtime-directory") == true)
        #expect(outputs["virtwire memif show web lan0"]?.contains("name='lan0'") == true)
        #expect(outputs["virtwire watch --timeout 60"]?.contains("lan0") == true)
        #expect(outputs["virtwire drain"]?.contains("0 links are left") == true)
        let running = try #require(daemon)
        #expect(running.stands(["lan0"]))
        running.process.signal(15)
        #expect(await running.process.waitForEnd() == 0)
    }

    /// The command on this machine: its programs, its directories, its groups, and less patience.
    private func adapted(_ command: [String], _ scratch: Scratch) -> [String] {
        let here = ["group=vpp": "group=root", "60": "1"]
        let arguments = command.dropFirst().map { here[$0] ?? $0 }
        guard command[0] == "virtwire" else {
            return [DaemonProcess.program]
                + arguments.filter { ["--check", "--verbose"].contains($0) }
                + DaemonProcess.flags(scratch)
        }
        let virtwire = String(DaemonProcess.program.dropLast())
        // What stands after -- is another command, which virtwire runs.
        let parts = arguments.split(separator: "--", maxSplits: 1)
        let own = [virtwire] + (parts.first ?? []) + ["--runtime-directory", "\(scratch.path)/run"]
        guard parts.count == 2 else { return own }
        return own + ["--"] + parts[1].map { $0 == "virtwire" ? virtwire : $0 }
    }
}
