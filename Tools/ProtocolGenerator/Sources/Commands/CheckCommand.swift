import ArgumentParser

/// Compares the generated modules with what would be generated now.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Requires that the generated Swift is what the model gives.")

    @OptionGroup var options: PackageOptions

    func run() throws {
        let directories = try options.directories
        var complaints: [String] = []
        for (module, files) in try Generator(directories: directories).modules() {
            let differences = try Differences(
                files: files, in: directories.sources(of: module))
            complaints += differences.changed.map { "Sources/\(module)/\($0) differs" }
            complaints += differences.superfluous.map { "Sources/\(module)/\($0) is not generated" }
        }
        guard complaints.isEmpty else {
            for complaint in complaints.sorted() { print(complaint) }
            print("run: swift run ProtocolGenerator generate")
            throw ExitCode.failure
        }
    }
}
