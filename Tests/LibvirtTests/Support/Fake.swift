import Foundation
import LibvirtTesting

/// A fake daemon at a path of its own, gone when the test is over.
func withFake(_ body: (FakeLibvirtd) async throws -> Void) async throws {
    let name = "fake-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(name).path
    let daemon = try FakeLibvirtd.start(at: path)
    defer { daemon.stop() }
    try await body(daemon)
}

/// How many descriptors this process has open on sockets.
///
/// Other tests run beside this one and open files of their own: whoever compares must wait.
func openDescriptorCount() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
}
