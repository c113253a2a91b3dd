import Glibc
import LinuxIO
import Testing

@testable import MemifController

@Suite("A host that does not answer", .timeLimit(.minutes(4)))
struct HungHostTests {
    @Test("domains whose secret cannot be read for waiting hold up no other, nor the daemon")
    func secrets() async throws {
        let scratch = try Scratch()
        let secrets = scratch.configuration.secretsDirectory
        try Directory.ensure(secrets, mode: 0o700)
        // Whoever reads it waits, as for a disk that hangs, until the only writer is gone.
        let secret = "\(secrets)/s"
        #expect(unsafe mkfifo(secret, 0o600) == 0)
        var writer: FileLock? = try FileLock(path: secret)
        try await ControllerHarness.run(in: scratch) { it in
            // More than are looked at at once, and than Swift has threads on most machines.
            let hung = (1...12).map { Sample.vm($0) }
            for vm in hung { it.source.define(vm, "<memif:port name='a' secret-ref='s'/>") }
            #expect(
                await eventually {
                    it.controller.statistics().longestLook > 0
                        && it.controller.host.threads.longestWait > .zero
                })
            let free = Sample.vm(99)
            it.source.define(free, "<memif:port name='a' linger='0'/>")
            #expect(await eventually { it.condition(free, "a")?.state == .waiting })
            it.source.start(free)
            #expect(await eventually { it.port(free, "a")?.admission == .open })
            #expect(it.backend.open.count == 1)

            try File.remove(secret)
            try File.replace(secret, with: Array("open sesame".utf8))
            _ = writer.take()
            #expect(await eventually { it.backend.open.count == 13 })
        }
    }
}
