import ArgumentParser

/// Compares the generated modules with what would be generated now.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Requires that the generated Swift is what the model gives.")

    @OptionGroup var options: PackageOptions

    func run() throws {
        let directories = try options.directories
        let complaints = try Generator(directories: directories).complaints()
        guard complaints.isEmpty else {
            for complaint in complaints { print(complaint) }
            print("run: swift run ProtocolGenerator generate")
            throw ExitCode.failure
        }
    }
}
