import ArgumentParser
import Foundation

/// Writes the generated modules.
struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Writes the generated Swift from the model.")

    @OptionGroup var options: PackageOptions

    func run() throws {
        let directories = try options.directories
        let modules = try Generator(directories: directories).modules()
        for (module, files) in modules.sorted(by: { $0.key < $1.key }) {
            let folder = directories.sources(of: module)
            try write(files, to: folder)
            print("\(module): \(files.count) files")
        }
    }

    /// Writes the files that differ and removes those that are generated no more.
    private func write(_ files: [GeneratedFile], to folder: URL) throws {
        let manager = FileManager.default
        let differences = try Differences(files: files, in: folder)
        for path in differences.superfluous {
            try manager.removeItem(at: folder.appending(path: path))
        }
        for file in files where differences.changed.contains(file.path) {
            let url = folder.appending(path: file.path)
            try manager.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try file.text.write(to: url, atomically: true, encoding: .utf8)
        }
    }
}
