import Foundation

/// Generates the modules from the model and from our own descriptions.
struct Generator {
    let directories: Directories

    /// The files of every generated module.
    ///
    /// - Throws: what reading the model throws, or `LanguageError`.
    func modules() throws -> [String: [GeneratedFile]] {
        ["LibvirtProtocol": try libvirt(), "VirtwireProtocol": try virtwire()]
    }

    private func libvirt() throws -> [GeneratedFile] {
        let model = directories.model
        let remote = try model.protocolModel("remote")
        var files = Templates.files
        func add(
            _ namespace: String, _ model: ProtocolModel, areas: [Area] = Area.whole,
            imported: [ProtocolModel] = []
        ) throws {
            let writer = ProgramWriter(
                namespace: namespace, model: model, areas: areas, imported: imported)
            files += try writer.files()
        }
        try add("RPC", model.protocolModel("rpc"))
        try add("Keepalive", model.protocolModel("keepalive"))
        try add("Remote", remote, areas: Area.remote)
        try add("Qemu", model.protocolModel("qemu"), imported: [remote])
        try add("Lxc", model.protocolModel("lxc"), imported: [remote])
        try add("Admin", model.protocolModel("admin"))
        try add("Lock", model.protocolModel("lock"))
        try add("Log", model.protocolModel("log"))
        files += APIWriter(model: try model.apiModel()).files()
        return files
    }

    private func virtwire() throws -> [GeneratedFile] {
        let file = "virtwire_protocol.x"
        let text = try String(
            contentsOf: directories.protocols.appending(path: file), encoding: .utf8)
        return try OwnProtocolWriter(file: file, text: text).files()
    }
}
