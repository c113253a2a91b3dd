import Foundation
import Libvirt
import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting

/// A fake daemon at a path of its own, gone when the test is over.
func withFake(_ body: (FakeLibvirtd) async throws -> Void) async throws {
    let name = "fake-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(name).path
    let daemon = try FakeLibvirtd.start(at: path)
    defer { daemon.stop() }
    try await body(daemon)
}

/// A domain of a fake daemon, which knows it by any name.
func withFakeDomain(
    _ raw: remote_nonnull_domain, _ body: (FakeLibvirtd, Domain) async throws -> Void
) async throws {
    try await withFake { daemon in
        daemon.serve(Remote.DOMAIN_LOOKUP_BY_NAME) { _ in .init(dom: raw) }
        let connection = try await Connection.open(daemon.uri)
        try await body(daemon, try await connection.lookUpDomain(name: "vm"))
        await connection.close()
    }
}

/// How many descriptors this process has open on sockets.
///
/// Other tests run beside this one and open files of their own: whoever compares must wait.
func openDescriptorCount() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
}
