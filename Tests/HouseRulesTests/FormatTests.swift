import Testing

@Suite("Format")
struct FormatTests {
    @Test("the formatter has nothing to say")
    func lint() throws {
        let folders = ["Package.swift", "Sources", "Tests", "Tools"]
        let (output, succeeded) = try Repository.run(
            "swift", "format", "lint", "--strict", "--parallel", "--recursive", folders[0],
            folders[1], folders[2], folders[3])
        #expect(succeeded, "\(output)")
    }

    @Test("the shell has no complaint about a script's grammar")
    func scripts() throws {
        let scripts = Repository.files.filter {
            $0.lines.first?.hasPrefix("#!/bin/bash") == true || $0.path.hasSuffix(".sh")
        }
        #expect(scripts.contains { $0.path == "Tools/test" })
        for script in scripts {
            let (output, succeeded) = try Repository.run("bash", "-n", script.path)
            #expect(succeeded, "\(output)")
        }
    }
}
