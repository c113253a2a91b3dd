import ArgumentParser

/// Keeps the generated protocol modules in step with libvirt's protocol descriptions and our own.
///
/// What the largest of them costs to compile, alone and whole, with Swift 6.3.1 on two cores:
/// 17 s in debug (29 s of processor time; 8 s after a change to one file), 71 s in release (95 s).
/// Measure again when what is generated changes in kind:
/// `touch` its files, then `swift build --target LibvirtProtocol`.
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
