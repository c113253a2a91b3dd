import ArgumentParser
import Foundation

/// Writes the model anew from libvirt's own files.
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Fetches libvirt's descriptions from the Debian mirror and writes the model.")

    @OptionGroup var options: PackageOptions

    func run() throws {
        let directories = try options.directories
        let fetcher = Fetcher(mirror: try .ofThisMachine(), folder: directories.downloads)
        try fetcher.fetch()

        let package = ProtocolModel.Source(package: "libvirt", version: Fetcher.version, file: "")
        var api = APIDescription()
        for name in ["libvirt-api", "libvirt-qemu-api", "libvirt-lxc-api", "libvirt-admin-api"] {
            let file = fetcher.descriptions.appending(path: "\(name).xml")
            api.append(try .parse(Data(contentsOf: file), file: file.lastPathComponent))
        }
        let importer = ProtocolImporter(api: api, rules: try readOnlyRules(in: fetcher.sources))
        for source in ProtocolSource.all {
            let file = fetcher.sources.appending(path: source.file)
            let text = try String(contentsOf: file, encoding: .utf8)
            let model = try importer.model(of: source, text: text, package: package)
            try directories.model.write(model)
            print("\(model.name): \(model.procedures.count) procedures")
        }
        var apiSource = package
        apiSource.file =
            "libvirt-api.xml, libvirt-qemu-api.xml, libvirt-lxc-api.xml, "
            + "libvirt-admin-api.xml"
        let apiModel = APIModel(source: apiSource, enumerations: api.enumerations())
        try directories.model.write(apiModel)
        print("api: \(apiModel.enumerations.count) enumerations")
    }

    private func readOnlyRules(in sources: URL) throws -> ReadOnlyRules {
        let folder = sources.appending(path: "src")
        let files = try FileManager.default.contentsOfDirectory(
            at: folder, includingPropertiesForKeys: nil)
        let texts = try files.filter { $0.pathExtension == "c" }.map {
            try String(contentsOf: $0, encoding: .utf8)
        }
        let permissions = folder.appending(path: "access/viraccessperm.h")
        return ReadOnlyRules(
            sources: texts, permissions: try String(contentsOf: permissions, encoding: .utf8))
    }
}
