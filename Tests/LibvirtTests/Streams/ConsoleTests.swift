import Foundation
import Libvirt
import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import LinuxIO
import Testing

@Suite("The console and the screen of a real guest", .serialized, .timeLimit(.minutes(3)))
struct ConsoleTests {
    /// The directory of the guest's kernel and initial RAM disk, made where it is missing.
    private func guest() async throws -> String {
        let tool = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../Tools/guest").standardizedFileURL.path
        let child = try await ChildProcess([tool])
        #expect(await child.waitForEnd() == 0, "\(child.output)")
        return child.output.split(separator: "\n").last.map(String.init) ?? ""
    }

    private func xml(_ guest: String) -> String {
        """
        <domain type='qemu'><name>console</name><memory unit='MiB'>128</memory><vcpu>1</vcpu>
        <os><type arch='x86_64' machine='q35'>hvm</type><kernel>\(guest)/vmlinuz</kernel>
        <initrd>\(guest)/initrd.gz</initrd><cmdline>console=ttyS0 quiet panic=1</cmdline></os>
        <features><acpi/></features>
        <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
        <serial type='pty'/><video><model type='vga'/></video><memballoon model='none'/></devices>
        </domain>
        """
    }

    /// Reads until nothing more comes.
    ///
    /// - Returns: whether the connection was lost; nil for an end without an error.
    private func readToEnd(_ stream: DataStream) async -> Bool? {
        do {
            while try await stream.receive() != nil {}
            return nil
        } catch {
            return error.isConnectionLost
        }
    }

    @Test("text goes to the guest while its own comes; a picture of the screen is a picture")
    func console() async throws {
        let guest = try await guest()
        try await withDaemon(wantsQEMU: true) { daemon in
            let connection = try await Connection.open(daemon.uri("qemu", "/system"))
            let domain = try await connection.createDomain(xml: xml(guest))
            let stream = try await domain.openConsole(flags: .safe)
            let console = Console(stream)
            try await console.wait(for: "guest: up")
            for number in 0..<3 {
                try await stream.send(Array("hello \(number)\n".utf8))
                try await console.wait(for: "guest: heard hello \(number)")
            }
            let second = await #expect(throws: LibvirtError.self) {
                try await domain.openConsole(flags: .safe)
            }
            #expect(second?.description.contains("Active console session exists") == true)
            stream.abort()

            let (mimeType, picture) = try await domain.screenshot()
            #expect(mimeType?.hasPrefix("image/") == true)
            let bytes = try await picture.collect()
            try await picture.finish()
            #expect(bytes.starts(with: Array("P6".utf8)) || bytes.starts(with: [0x89, 0x50]))
            #expect(bytes.count > 1000)

            let last = try await domain.openConsole(flags: .force)
            try await domain.destroy()
            // The guest's end of the console is the stream's end, or its error.
            #expect(await readToEnd(last) != true)
            await connection.close()
        }
    }
}

/// What a console has said, as it is read.
private final class Console {
    private let stream: DataStream
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
