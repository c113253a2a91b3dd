import Foundation

/// Generates the modules from the model and from our own descriptions.
struct Generator {
    let directories: Directories

    /// The files of every generated folder, by the folder's path within the package.
    ///
    /// - Throws: what reading the model throws, or `LanguageError`.
    func folders() throws -> [String: [GeneratedFile]] {
        [
            "Sources/LibvirtProtocol": try libvirt(),
            "Sources/Libvirt/Generated": try methods().files(),
            "Sources/VirtwireProtocol": try virtwire().files(),
            "Tests/LibvirtProtocolTests/Generated": try typeLists(),
            "Tests/LibvirtTests/Generated": MethodTestWriter(methods: try methods().methods())
                .files(),
            "Tests/FuzzTests/Targets/Generated": try decoderLists(),
        ]
    }

    /// What differs in the package from what would be generated now.
    ///
    /// - Throws: what reading the model throws, or `LanguageError`.
    func complaints() throws -> [String] {
        var complaints: [String] = []
        for (path, files) in try folders() {
            let differences = try Differences(files: files, in: directories.generated(path))
            complaints += differences.changed.map { "\(path)/\($0) differs" }
            complaints += differences.superfluous.map { "\(path)/\($0) is not generated" }
        }
        return complaints.sorted()
    }

    /// A model, the namespace of its program, and how it is laid out.
    private struct Part {
        var namespace: String
        var name: String
        var areas = Area.whole
        var imported: [String] = []
    }

    private static let parts: [Part] = [
        Part(namespace: "RPC", name: "rpc"),
        Part(namespace: "Keepalive", name: "keepalive"),
        Part(namespace: "Remote", name: "remote", areas: Area.remote),
        Part(namespace: "Qemu", name: "qemu", imported: ["remote"]),
        Part(namespace: "Lxc", name: "lxc", imported: ["remote"]),
        Part(namespace: "Admin", name: "admin"),
        Part(namespace: "Lock", name: "lock"),
        Part(namespace: "Log", name: "log"),
    ]

    private func libvirt() throws -> [GeneratedFile] {
        let directory = directories.model
        var files = Templates.files
        for part in Self.parts {
            let writer = ProgramWriter(
                namespace: part.namespace, model: try directory.protocolModel(part.name),
                areas: part.areas, imported: try part.imported.map(directory.protocolModel))
            files += try writer.files()
        }
        return files + APIWriter(model: try directory.apiModel()).files()
    }

    /// The methods of `Libvirt`'s objects.
    private func methods() throws -> MethodWriter {
        let remote = try directories.model.protocolModel("remote")
        let qemu = try directories.model.protocolModel("qemu")
        return try MethodWriter(
            programs: [
                .init(namespace: "Remote", model: remote, areas: Area.remote),
                .init(namespace: "Qemu", model: qemu, areas: Area.whole, imported: [remote]),
            ],
            api: directories.model.apiModel())
    }

    /// Lists of all types, so that tests can try each.
    private func typeLists() throws -> [GeneratedFile] {
        var files: [GeneratedFile] = []
        for part in Self.parts where part.name != "keepalive" {
            let definitions = try directories.model.protocolModel(part.name).definitions()
            files += TypeListWriter(
                name: part.name, module: "LibvirtProtocol", definitions: definitions
            ).files()
        }
        let own = TypeListWriter(
            name: "virtwire", module: "VirtwireProtocol", definitions: try virtwire().types)
        return files + own.files()
    }

    /// Lists of all procedures' decoders, so that the fuzzer can drive each.
    private func decoderLists() throws -> [GeneratedFile] {
        var lists: [DecoderListWriter] = []
        for part in Self.parts {
            let procedures = try directories.model.protocolModel(part.name).procedures
            guard !procedures.isEmpty else { continue }
            lists.append(
                DecoderListWriter(
                    name: part.name, module: "LibvirtProtocol", namespace: part.namespace,
                    procedures: procedures.map(\.name)))
        }
        lists.append(
            DecoderListWriter(
                name: "virtwire", module: "VirtwireProtocol",
                namespace: OwnProtocolWriter.namespace,
                procedures: try virtwire().procedures.map(\.name)))
        return lists.map { $0.file() }
    }

    private func virtwire() throws -> OwnProtocolWriter {
        let file = "virtwire_protocol.x"
        let text = try String(
            contentsOf: directories.protocols.appending(path: file), encoding: .utf8)
        return try OwnProtocolWriter(file: file, text: text)
    }
}
