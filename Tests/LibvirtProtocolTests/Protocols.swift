import Foundation

@testable import ProtocolGenerator

/// The protocols whose types are tried, each with its schema.
enum Protocols {
    static let directories: Directories = {
        var url = URL(filePath: #filePath)
        for _ in 0..<3 { url.deleteLastPathComponent() }
        return Directories(package: url.path)
    }()

    static let all: [(name: String, types: [any WireType.Type])] = [
        ("rpc", rpcTypes), ("remote", remoteTypes), ("qemu", qemuTypes), ("lxc", lxcTypes),
        ("admin", adminTypes), ("lock", lockTypes), ("log", logTypes), ("virtwire", virtwireTypes),
    ]

    static func schema(of name: String) throws -> Schema {
        if name == "virtwire" {
            let file = directories.protocols.appending(path: "virtwire_protocol.x")
            let text = try String(contentsOf: file, encoding: .utf8)
            return try Schema(
                file: name, definitions: try Parser.definitions(file: name, text: text))
        }
        let imported =
            ["qemu", "lxc"].contains(name)
            ? try directories.model.protocolModel("remote").definitions() : []
        return try Schema(
            file: name, definitions: try directories.model.protocolModel(name).definitions(),
            imported: imported)
    }
}
