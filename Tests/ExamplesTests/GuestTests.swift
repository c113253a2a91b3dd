import Foundation
import Glibc
import Libvirt
import LibvirtProtocol
import Testing

@Suite("attach-console and live-stats", .timeLimit(.minutes(2)))
struct GuestTests {
    private struct Figures: Decodable {
        let name: String
        let state: String
        let cpuPercent: Double?
        let processors: Int?
        let memoryMiB: Int?
    }

    private func xml(_ guest: String) -> String {
        """
        <domain type='qemu'><name>console</name><memory unit='MiB'>128</memory><vcpu>1</vcpu>
        <os><type arch='x86_64' machine='q35'>hvm</type><kernel>\(guest)/vmlinuz</kernel>
        <initrd>\(guest)/initrd.gz</initrd><cmdline>console=ttyS0 quiet panic=1</cmdline></os>
        <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
        <serial type='pty'/><memballoon model='none'/></devices></domain>
        """
    }

    @Test("a real guest: its figures, its console through a terminal, and the terminal afterwards")
    func guest() async throws {
        let directory = try await ExamplesTests.guest()
        try await withDaemon("qemu", "/system", wantsQEMU: true) { connection, _ in
            let uri = connection.uri.description
            let domain = try await connection.createDomain(xml: xml(directory))
            let terminal = try PseudoTerminal()
            let before = try terminal.settings()
            let console = try ExampleRun(
                "attach-console", ["-c", uri, "console"], terminal: terminal.far)
            #expect(await console.output(until: "guest: up").hasSuffix("guest: up"))
            #expect(try terminal.settings() != before, "a raw terminal")
            let second = try await ExampleRun.run("attach-console", "-c", uri, "console")
            #expect(second.status == 1)
            #expect(second.errors.contains("Active console session exists"))
            try terminal.near.write(contentsOf: Data("hello\r".utf8))
            #expect(await console.output(until: "heard hello").hasSuffix("heard hello"))

            let stats = try await ExampleRun.run(
                "live-stats", "-c", uri, "--format", "json", "--count", "2", "--interval", "0.3")
            #expect(stats.status == 0, "\(stats.errors)")
            let rounds = try stats.output.split(separator: "\n").map {
                try JSONDecoder().decode(Figures.self, from: Data($0.utf8))
            }
            #expect(rounds.map(\.name) == ["console", "console"])
            #expect(rounds.map(\.state) == ["running", "running"])
            #expect(rounds.first?.processors == 1 && rounds.first?.memoryMiB == 128)
            #expect(rounds.first?.cpuPercent == nil && rounds.last?.cpuPercent != nil)

            try terminal.near.write(contentsOf: Data([0x1D]))
            let ended = await console.ended()
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try terminal.settings() == before)
            try await domain.destroy()
            let off = try await ExampleRun.run("attach-console", "-c", uri, "console")
            #expect(off.status == 3)
        }
    }

    @Test("the test driver's figures are few, and a table all the same")
    func table() async throws {
        try await withDaemon { connection, _ in
            let run = try await ExampleRun.run(
                "live-stats", "-c", connection.uri.description, "te*", "--count", "2", "--interval",
                "0.01")
            #expect(run.status == 0, "\(run.errors)")
            let lines = run.output.split(separator: "\n")
            #expect(lines.count == 4)
            #expect(lines[0].hasPrefix("NAME") && lines[0].hasSuffix("TX/s"))
            #expect(lines[3].hasPrefix("test  ") && lines[3].contains("running"))
        }
    }

    @Test("a console that leaves with the end of what is typed, and a domain that is off")
    func input() async throws {
        try await withDaemon { connection, _ in
            let uri = connection.uri.description
            try await connection.lookUpDomain(name: "test").destroy()
            let off = try await ExampleRun.run("attach-console", "-c", uri, "test")
            #expect(off.status == 1)
            #expect(
                off.errors
                    == "attach-console: test does not run, and has no console: start it first\n")
        }
    }
}

/// A terminal with nobody but a test at it.
private struct PseudoTerminal {
    /// The person's side.
    let near: FileHandle
    /// The program's side.
    let far: FileHandle

    init() throws {
        // SAFETY: the path is read during the call only.
        let descriptor = unsafe open("/dev/ptmx", O_RDWR | O_NOCTTY)
        try #require(descriptor >= 0)
        near = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var lock: Int32 = 0
        var number: Int32 = 0
        // SAFETY: TIOCSPTLCK reads one number, and TIOCGPTN writes one.
        let isOpen =
            unsafe ioctl(descriptor, UInt(0x4004_5431), &lock) == 0
            && ioctl(descriptor, UInt(0x8004_5430), &number) == 0
        try #require(isOpen)
        let path = "/dev/pts/\(number)"
        // SAFETY: the path is read during the call only.
        let program = unsafe open(path, O_RDWR | O_NOCTTY)
        try #require(program >= 0)
        far = FileHandle(fileDescriptor: program, closeOnDealloc: true)
    }

    /// How it treats what is typed.
    func settings() throws -> [UInt32] {
        var settings = termios()
        // SAFETY: one structure is written.
        try #require(unsafe tcgetattr(far.fileDescriptor, &settings) == 0)
        return [settings.c_iflag, settings.c_oflag, settings.c_cflag, settings.c_lflag]
    }
}
