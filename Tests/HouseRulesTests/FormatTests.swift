import Testing

@Suite("Format")
struct FormatTests {
    @Test("the formatter has nothing to say")
    func lint() async throws {
        let (output, succeeded) = try await Repository.run([
            "swift", "format", "lint", "--strict", "--parallel", "--recursive", "Package.swift",
            "Sources", "Tests", "Tools",
        ])
        #expect(succeeded, "\(output)")
    }

    @Test("the shell has no complaint about a script's grammar")
    func scripts() async throws {
        let scripts = Repository.files.filter {
            $0.lines.first?.hasPrefix("#!/bin/bash") == true || $0.path.hasSuffix(".sh")
        }
        #expect(scripts.contains { $0.path == "Tools/test" })
        for script in scripts {
            let (output, succeeded) = try await Repository.run(["bash", "-n", script.path])
            #expect(succeeded, "\(output)")
        }
    }
}
