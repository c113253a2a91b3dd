import ArgumentParser

/// Keeps the generated protocol modules in step with libvirt's protocol descriptions and our own.
@main
struct ProtocolGenerator: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Imports protocol descriptions and generates Swift from them.",
        subcommands: [ImportCommand.self, GenerateCommand.self, CheckCommand.self])
}

/// Where the package is.
struct PackageOptions: ParsableArguments {
    @Option(help: "The folder of the package.")
    var packagePath = "."

    var directories: Directories {
        get throws {
            let directories = Directories(package: packagePath)
            guard directories.exist else {
                throw ValidationError(
                    "\(packagePath) is not this package's folder; give it with --package-path")
            }
            return directories
        }
    }
}
