import Foundation
import LibvirtProtocol
import LibvirtTesting
import XDR

/// A path that no other test has.
func socketPath() -> String {
    "/tmp/vwdoc-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
}

/// A real daemon of a test's own.
func withDaemon(
    sasl: SASLSetup? = nil, _ body: (TestLibvirtd) async throws -> Void
) async throws {
    let directory = socketPath()
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let daemon = try await TestLibvirtd.start(in: directory, sasl: sasl)
    do {
        try await body(daemon)
    } catch {
        await daemon.stop()
        throw error
    }
    await daemon.stop()
}

/// A fake daemon that finds every domain and volume.
func withFake(_ body: (FakeLibvirtd) async throws -> Void) async throws {
    let daemon = try FakeLibvirtd.start(at: socketPath())
    defer { daemon.stop() }
    daemon.serve(Remote.DOMAIN_LOOKUP_BY_NAME) { arguments in
        .init(dom: .init(name: arguments.name, uuid: remote_uuid(), id: 1))
    }
    daemon.serve(Remote.STORAGE_POOL_LOOKUP_BY_NAME) { arguments in
        .init(pool: .init(name: arguments.name, uuid: remote_uuid()))
    }
    daemon.serve(Remote.STORAGE_VOL_LOOKUP_BY_NAME) { arguments in
        .init(vol: .init(pool: arguments.pool.name, name: arguments.name, key: arguments.name))
    }
    daemon.serve(Remote.STORAGE_VOL_LOOKUP_BY_PATH) { arguments in
        .init(vol: .init(pool: "pool", name: arguments.path, key: arguments.path))
    }
    daemon.serve(Remote.CONNECT_LIST_ALL_DOMAINS) { _ in
        .init(domains: [.init(name: "web1", uuid: remote_uuid(), id: 1)], ret: 1)
    }
    daemon.serve(Remote.DOMAIN_GET_STATE) { _ in .init(state: 1, reason: 1) }
    try await body(daemon)
}
