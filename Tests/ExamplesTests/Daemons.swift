import Foundation
import Libvirt
import LibvirtTesting
import LinuxIO
import Testing

/// A path that no other test has.
func newPath() -> String { "/tmp/vwex-" + String(UInt64.random(in: 0...UInt64.max), radix: 36) }

/// A real daemon and a connection to it, which holds what the test driver has.
func withDaemon(
    _ driver: String = "test", _ path: String = "/default", wantsQEMU: Bool = false,
    _ body: (Connection, _ directory: String) async throws -> Void
) async throws {
    let directory = newPath()
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let daemon = try await TestLibvirtd.start(in: directory, wantsQEMU: wantsQEMU)
    do {
        let connection = try await Connection.open(daemon.uri(driver, path))
        try await body(connection, directory)
        await connection.close()
    } catch {
        await daemon.stop()
        throw error
    }
    await daemon.stop()
}

/// A domain of the test driver's that runs.
func start(_ name: String, on connection: Connection) async throws {
    let xml = """
        <domain type='test'><name>\(name)</name><memory>65536</memory>
        <os><type>hvm</type></os></domain>
        """
    try await connection.defineDomain(xml: xml).create()
}

/// The directory of a small guest's kernel and initial RAM disk, made where it is missing.
func guest() async throws -> String {
    let tool = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Tools/guest").standardizedFileURL.path
    let child = try await ChildProcess([tool])
    #expect(await child.waitForEnd() == 0, "\(child.output)")
    return child.output.split(separator: "\n").last.map(String.init) ?? ""
}
