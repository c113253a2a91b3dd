import ArgumentParser
import Foundation

/// Writes the generated modules.
struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Writes the generated Swift from the model.")

    @OptionGroup var options: PackageOptions

    func run() throws {
        let directories = try options.directories
        let folders = try Generator(directories: directories).folders()
        for (path, files) in folders.sorted(by: { $0.key < $1.key }) {
            try write(files, to: directories.generated(path))
            print("\(path): \(files.count) files")
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
