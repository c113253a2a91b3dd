import Foundation
import Libvirt
import LibvirtTesting
import Testing

/// A pool of volumes that are files, on a real daemon of the test's own.
struct VolumePool {
    let daemon: TestLibvirtd
    let connection: Connection
    let pool: StoragePool

    /// Where its volumes lie, and whatever a test wants to put beside them.
    let directory: String

    static func with(_ body: (VolumePool) async throws -> Void) async throws {
        try await withDaemon { daemon in
            try await with(
                daemon, try await Connection.open(daemon.uri("storage", "/system")), body)
        }
    }

    /// A pool on a daemon that is reached already; the connection ends with it.
    static func with(
        _ daemon: TestLibvirtd, _ connection: Connection,
        _ body: (VolumePool) async throws -> Void
    ) async throws {
        let directory = daemon.directory + "/pool"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: false)
        let pool = try await connection.createStoragePool(
            xml: """
                <pool type='dir'><name>files</name>
                <target><path>\(directory)</path></target></pool>
                """)
        try await body(
            VolumePool(daemon: daemon, connection: connection, pool: pool, directory: directory))
        await connection.close()
    }

    func volume(_ name: String = "disk", byteCount: Int) async throws -> StorageVolume {
        try await pool.createStorageVolume(
            xml: """
                <volume><name>\(name)</name><capacity>\(byteCount)</capacity>
                <allocation>0</allocation><target><format type='raw'/></target></volume>
                """)
    }

    /// How many descriptors the daemon has open.
    var daemonDescriptorCount: Int {
        get throws {
            let process = try #require(daemon.processID)
            return try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").count
        }
    }
}
