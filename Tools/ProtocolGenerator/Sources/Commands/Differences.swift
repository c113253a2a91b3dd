import Foundation

/// How a generated module's folder differs from what would be generated now.
struct Differences: Hashable {
    /// Files that are not there or have another text.
    var changed: Set<String> = []
    /// Swift files that would not be generated.
    var superfluous: Set<String> = []

    /// - Throws: what listing the folder throws.
    init(files: [GeneratedFile], in folder: URL) throws {
        for file in files {
            let text = try? String(
                contentsOf: folder.appending(path: file.path), encoding: .utf8)
            if text != file.text { changed.insert(file.path) }
        }
        let paths = FileManager.default.enumerator(atPath: folder.path)
        let expected = Set(files.map(\.path))
        for case let path as String in paths ?? .init() where path.hasSuffix(".swift") {
            if !expected.contains(path) { superfluous.insert(path) }
        }
    }
}
