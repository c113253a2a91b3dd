import LinuxIO
import Testing

@testable import MemifController

@Suite("Secrets of ports")
struct SecretTests {
    private let one = Sample.vm(1)

    private func directory(_ scratch: Scratch) throws -> String {
        let path = scratch.configuration.secretsDirectory
        try Directory.ensure(path, mode: 0o700)
        return path
    }

    private func secret(_ present: String, _ former: String? = nil) -> PortSecret {
        PortSecret(present: Array(present.utf8), former: former.map { Array($0.utf8) })
    }

    @Test("a file has one secret, or the new one and the former; nothing else is taken")
    func file() throws {
        let scratch = try Scratch()
        let path = try directory(scratch)
        func read(_ text: String) throws -> PortSecret {
            try File.replace("\(path)/s", with: Array(text.utf8))
            return try SecretDirectory(path: path).secret(named: "s")
        }
        let longest = String(repeating: "x", count: 24)
        #expect(try read("new") == secret("new"))
        #expect(try read("new\n") == secret("new"))
        #expect(try read("new\nold\n") == secret("new", "old"))
        #expect(try read("\(longest)\n\(longest)\n") == secret(longest, longest))
        for text in ["", "\n", "\nold", "new\n\n", "a\nb\nc", "a\0", longest + "x"] {
            #expect(throws: PortError.self, "\(text)") { _ = try read(text) }
        }
        #expect("\(secret("new", "old"))" == "(secret)")
        withExtendedLifetime(scratch) {}
    }

    @Test("a changed file holds at the next look, under the link; a lost one changes nothing")
    func change() async throws {
        let scratch = try Scratch()
        let file = "\(try directory(scratch))/s"
        try File.replace(file, with: Array("old".utf8))
        try await ControllerHarness.run(in: scratch) { it in
            it.source.define(
                one, "<memif:port name='a' secret-ref='s'/><memif:port name='b' link='always'/>")
            #expect(await eventually { it.port(one, "a")?.specification.secret == secret("old") })
            let port = try #require(it.port(one, "a"))
            try File.replace(file, with: Array("new\nold".utf8))
            // As a reload of the settings does.
            it.controller.adopt(HostPolicy())
            #expect(await eventually { port.specification.secret == secret("new", "old") })

            try File.remove(file)
            it.controller.adopt(HostPolicy())
            #expect(await eventually { it.condition(one, "a")?.state == .degraded })
            #expect(it.condition(one, "a")?.reason.contains("cannot be read") == true)
            #expect(port.specification.secret == secret("new", "old"))
            #expect(it.condition(one, "b")?.state == .ready)

            try File.replace(file, with: Array("new".utf8))
            #expect(await eventually { port.specification.secret == secret("new") })
            #expect(await eventually { it.condition(one, "a")?.state == .waiting })
            // Put right as it was, with the secret of now.
            try File.setMode(it.layout.socket(of: one, port: "a"), 0o600)
            it.source.lose()
            #expect(await eventually { port.socketState() == .standing })
            #expect(port.specification.secret == secret("new"))
            #expect(it.port(one, "a") === port && it.backend.opened == 2)
        }
    }
}
