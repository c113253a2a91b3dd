internal import Configuration
internal import Foundation
internal import LinuxIO
internal import MemifController
internal import Yams

/// A file of settings in YAML, and which keys stand in it: what is misspelled must not be passed over.
struct SettingsFile {
    /// Where it is.
    let path: String
    /// Its values.
    let values: any ConfigSnapshot
    /// Every key that has a value, in the order of the file.
    let keys: [[String]]

    /// Where it is looked for when nothing else is said; it may be missing there.
    static let usualPath = "/etc/virtwire/virtwired.yaml"
    /// No daemon needs more bytes.
    private static let longest = 1 << 20

    /// Reads a file.
    init(_ path: String) throws(SettingsError) {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try File.read(path, limit: Self.longest)
        } catch {
            throw SettingsError(
                path.printable, "cannot be read: \(error)",
                remedy: "make it readable for the daemon, or name another with --config")
        }
        try self.init(path, text: bytes)
    }

    /// Takes a file's bytes.
    init(_ path: String, text bytes: [UInt8]) throws(SettingsError) {
        self.path = path
        var found: [([String], ConfigContent)] = []
        if let root = try Self.parse(bytes, path), !root.isNothing {
            guard root.mapping != nil else {
                throw SettingsError(
                    path, "is no list of settings", remedy: "write lines such as 'log-level: info'")
            }
            try Self.collect(root, below: [], in: path, into: &found)
        }
        keys = found.map(\.0)
        let pairs = found.map { (AbsoluteConfigKey($0.0), ConfigValue($0.1, isSecret: false)) }
        values = InMemoryProvider(values: Dictionary(pairs) { first, _ in first }).snapshot()
    }

    /// The files of a directory whose names end in `.yaml`, in the order of their names; none where there
    /// is no such directory.
    static func fragments(in directory: String) throws(SettingsError) -> [SettingsFile] {
        guard (try? FileStatus(path: directory)) != nil else { return [] }
        let names: [String]
        do throws(SystemError) {
            names = try Directory.entries(of: directory)
        } catch {
            throw SettingsError(
                directory.printable, "cannot be read: \(error)",
                remedy: "make it readable for the daemon, or remove it")
        }
        var files: [SettingsFile] = []
        // Editors and package managers leave copies there that begin with a dot or end otherwise.
        for name in names where name.hasSuffix(".yaml") && !name.hasPrefix(".") {
            files.append(try SettingsFile("\(directory)/\(name)"))
        }
        return files
    }

    /// Where the further files of a file are: in `conf.d` beside it.
    static func directory(beside path: String) -> String {
        guard let end = path.lastIndex(of: "/") else { return "conf.d" }
        return path[...end] + "conf.d"
    }

    private static func parse(_ bytes: [UInt8], _ path: String) throws(SettingsError) -> Node? {
        do {
            return try Parser(yaml: Data(bytes)).singleRoot()
        } catch {
            // The parser's words have the line and show it; they go on one line here.
            let words = "\(error)".split(whereSeparator: \.isNewline).map(String.init)
            throw SettingsError(
                path, "is not YAML that can be used: \(words.joined(separator: " ").printable)",
                remedy: "correct it; virtwired --check says whether it is right")
        }
    }

    /// Takes every value at and below a node; a key without one sets nothing.
    private static func collect(
        _ node: Node, below path: [String], in file: String,
        into found: inout [([String], ConfigContent)]
    ) throws(SettingsError) {
        switch node {
        case .mapping(let mapping):
            for (key, value) in mapping {
                let name = key.string ?? "?"
                try collect(value, below: path + [name], in: file, into: &found)
            }
        case .sequence(let sequence):
            let texts = sequence.compactMap(\.string)
            guard texts.count == sequence.count else {
                throw SettingsError(
                    "\(file): \(path.joined(separator: ".").printable)",
                    "is a list of more than plain values", remedy: "write one such as [a, b]")
            }
            found.append((path, .stringArray(texts)))
        case .scalar(let scalar):
            if !node.isNothing { found.append((path, .string(scalar.string))) }
        case .alias:
            throw SettingsError(
                "\(file): \(path.joined(separator: ".").printable)", "is a YAML alias",
                remedy: "write the value itself")
        }
    }
}

extension Node {
    /// Whether it is YAML's null: what stands behind a key without a value.
    fileprivate var isNothing: Bool {
        if case .scalar(let scalar) = self { return tag == Tag(.null) && scalar.style == .plain }
        return false
    }
}
