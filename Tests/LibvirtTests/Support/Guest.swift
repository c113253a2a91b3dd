import Foundation
import Libvirt
import LibvirtProtocol
import LibvirtRPC
import LinuxIO
import Testing

/// A small real guest, which says on its console what it hears.
struct Guest {
    /// Where its kernel and its initial RAM disk lie.
    private let directory: String

    /// Makes kernel and RAM disk where they are missing.
    static func built() async throws -> Guest {
        let tool = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../Tools/guest").standardizedFileURL.path
        let child = try await ChildProcess([tool])
        #expect(await child.waitForEnd() == 0, "\(child.output)")
        return Guest(directory: child.output.split(separator: "\n").last.map(String.init) ?? "")
    }

    /// A domain of this guest's, emulated.
    func xml(_ name: String) -> String {
        """
        <domain type='qemu'><name>\(name)</name><memory unit='MiB'>128</memory><vcpu>1</vcpu>
        <os><type arch='x86_64' machine='q35'>hvm</type><kernel>\(directory)/vmlinuz</kernel>
        <initrd>\(directory)/initrd.gz</initrd><cmdline>console=ttyS0 quiet panic=1</cmdline></os>
        <features><acpi/></features>
        <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
        <serial type='pty'/><video><model type='vga'/></video><memballoon model='none'/></devices>
        </domain>
        """
    }
}

/// What a console has said, as it is read.
final class Console {
    let stream: DataStream
    private var text = ""

    init(_ stream: DataStream) { self.stream = stream }

    /// Reads until it has said that.
    func wait(for words: String) async throws {
        while !text.contains(words) {
            guard case .data(let bytes)? = try await stream.receive() else {
                Issue.record("the console ended: \(text)")
                return
            }
            text += String(decoding: bytes, as: UTF8.self)
        }
    }
}

extension Domain {
    /// Speaks with the guest: it runs when it answers.
    func expectAnswer(to words: String) async throws {
        let stream = try await openConsole(flags: .force)
        let console = Console(stream)
        try await stream.send(Array("\(words)\n".utf8))
        try await console.wait(for: "guest: heard \(words)")
        stream.abort()
    }
}
