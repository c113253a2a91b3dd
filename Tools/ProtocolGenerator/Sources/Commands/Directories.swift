import Foundation

/// The folders that the generator reads and writes.
struct Directories {
    var package: URL

    init(package path: String) {
        package = URL(filePath: path, directoryHint: .isDirectory)
    }

    private var tool: URL { package.appending(path: "Tools/ProtocolGenerator") }

    /// Whether this is the package at all.
    var exist: Bool { FileManager.default.fileExists(atPath: tool.path) }

    var model: ModelDirectory { ModelDirectory(url: tool.appending(path: "Model")) }
    var downloads: URL { tool.appending(path: "Import") }
    var protocols: URL { tool.appending(path: "Protocols") }

    /// A folder of generated files, by its path within the package.
    func generated(_ path: String) -> URL { package.appending(path: path) }
}
