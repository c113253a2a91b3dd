internal import ArgumentParser
internal import ExampleSupport
internal import Foundation
internal import Libvirt
internal import LibvirtProtocol

@main
struct BackupDisk: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup-disk",
        abstract: "Copy a domain's disk from its storage pool into a file here.",
        discussion: """
            The disk must be a volume of a pool of the daemon's. Holes are not sent, and are holes in \
            the file. The file is in its place when it is whole, and not before.
            """)

    static func main() async { await Example.run(Self.self) }

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The domain's name or UUID.")
    var domain: String

    @Argument(help: "The disk's target, such as vda.")
    var disk: String

    @Argument(help: "The file to write.")
    var file: String

    @Flag(help: "Replace the file if it is there.")
    var overwrite = false

    @Flag(help: "Copy the disk of a running domain too: it changes meanwhile.")
    var whileRunning = false

    @Flag(help: "Tell no progress.")
    var quiet = false

    func run() async throws {
        if !overwrite, FileManager.default.fileExists(atPath: file) {
            throw Failure("\(file) is there already: --overwrite replaces it")
        }
        try await connection.withConnection { connection in
            let domain = try await connection.domain(domain)
            if try await domain.isActive(), !whileRunning {
                throw Failure(
                    "\(domain.name) runs, and its disk would change while it is copied: shut it down, "
                        + "or copy all the same with --while-running")
            }
            let volume = try await volume(of: domain)
            let info = try await volume.info(flags: .getPhysical)
            let meter = quiet ? nil : ProgressMeter(total: Int64(clamping: info.allocation))
            try await volume.download(toFile: file) { meter?.show($0) }
            meter?.finish()
            try Example.print("\(domain.name) \(disk): \(volume.key) is in \(file)")
        }
    }

    /// The volume that the disk is.
    private func volume(of domain: Domain) async throws -> StorageVolume {
        let stats = try await domain.connection.allDomainStats(of: [domain], .block).first
        let parameters = stats?.parameters ?? [:]
        let disks = parameters.compactMap { parameter -> String? in
            guard parameter.name.hasSuffix(".name"), case .string(let name) = parameter.value else {
                return nil
            }
            return name
        }
        guard let index = disks.firstIndex(of: disk) else {
            throw Failure(
                .notFound,
                "\(domain.name) has no disk '\(disk)': it has \(disks.joined(separator: ", "))")
        }
        guard case .string(let path) = parameters["block.\(index).path"] else {
            throw Failure("\(disk) of \(domain.name) is no file or device of the daemon's host")
        }
        do throws(LibvirtError) {
            return try await domain.connection.lookUpStorageVolume(path: path)
        } catch {
            guard error.code == .noStorageVol else { throw error }
            throw Failure(
                .notFound,
                "\(path) is in no storage pool of the daemon's: define one for its directory, as "
                    + "virsh pool-create-as does, or refresh the one that there is")
        }
    }
}
