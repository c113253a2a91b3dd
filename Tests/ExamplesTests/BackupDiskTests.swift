import Foundation
import Libvirt
import LibvirtProtocol
import Testing

@Suite("backup-disk", .timeLimit(.minutes(4)))
struct BackupDiskTests {
    private let size = 8 << 20

    /// A domain that does not run, whose disk has some data and much nothing.
    private func define(_ connection: Connection, _ directory: String) async throws -> Data {
        let images = directory + "/images"
        try FileManager.default.createDirectory(atPath: images, withIntermediateDirectories: false)
        let pool = try await connection.createStoragePool(
            xml: """
                <pool type='dir'><name>images</name><target><path>\(images)</path></target></pool>
                """)
        let volume = try await pool.createStorageVolume(
            xml: """
                <volume><name>vm.img</name><capacity>\(size)</capacity><allocation>0</allocation>
                <target><format type='raw'/></target></volume>
                """)
        let upload = try await volume.upload(flags: .sparseStream)
        let text = Array("what must not be lost".utf8)
        try await upload.sendHole(4 << 20)
        try await upload.send(text)
        try await upload.sendHole(Int64(size - (4 << 20) - text.count))
        try await upload.finish()
        _ = try await connection.defineDomain(
            xml: """
                <domain type='qemu'><name>vm</name><memory unit='MiB'>64</memory>
                <os><type arch='x86_64'>hvm</type></os><devices>
                <emulator>/usr/bin/qemu-system-x86_64</emulator>
                <disk type='file' device='disk'><driver name='qemu' type='raw'/>
                <source file='\(images)/vm.img'/><target dev='vda' bus='virtio'/></disk>
                </devices></domain>
                """)
        return try Data(contentsOf: URL(filePath: images + "/vm.img"))
    }

    @Test("the file has what the disk has, its holes too; nothing is replaced unasked")
    func backup() async throws {
        try await withDaemon("qemu", "/system") { connection, directory in
            let uri = connection.uri.description
            let content = try await define(connection, directory)
            #expect(content.count == size)
            let file = directory + "/vm.backup"
            let run = try await ExampleRun.run("backup-disk", "-c", uri, "vm", "vda", file)
            #expect(run.status == 0, "\(run.errors)")
            #expect(run.errors.contains("100%  8 MiB, 0 MiB of them sent"))
            #expect(try Data(contentsOf: URL(filePath: file)) == content)
            let again = try await ExampleRun.run("backup-disk", "-c", uri, "vm", "vda", file)
            #expect(again.status == 1)
            #expect(
                again.errors == "backup-disk: \(file) is there already: --overwrite replaces it\n")
            for (domain, disk) in [("vm", "vdb"), ("nobody", "vda")] {
                let missing = try await ExampleRun.run(
                    "backup-disk", "-c", uri, domain, disk, file + "2")
                #expect(missing.status == 3, "\(missing.errors)")
            }
        }
    }
}
