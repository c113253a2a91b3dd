import Foundation
import Glibc
import Libvirt
import LibvirtTesting
import Testing

/// A daemon and its directory, both gone when the test is over.
func withDaemon(
    wantsQEMU: Bool = false, network: TestLibvirtd.Network? = nil, sasl: SASLSetup? = nil,
    configuration: [String] = [], _ body: (TestLibvirtd) async throws -> Void
) async throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
        "lv-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
    ).path
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let daemon = try await TestLibvirtd.start(
        in: directory, wantsQEMU: wantsQEMU, network: network, sasl: sasl,
        configuration: configuration)
    defer { daemon.killDomains() }
    do {
        try await body(daemon)
    } catch {
        await daemon.stop()
        throw error
    }
    await daemon.stop()
}

extension TestLibvirtd {
    /// The processes of QEMU's domains.
    var domainProcesses: [Int32] {
        let manager = FileManager.default
        let directory = directory + "/run/qemu"
        let names = (try? manager.contentsOfDirectory(atPath: directory)) ?? []
        // One file is the daemon's own.
        let files = names.filter { $0.hasSuffix(".pid") && $0 != "driver.pid" }
        return files.compactMap { name in
            manager.contents(atPath: "\(directory)/\(name)").flatMap { text in
                Int32(String(decoding: text, as: UTF8.self).filter(\.isNumber))
            }
        }
    }

    /// Ends what runs of QEMU's domains, which outlive their daemon.
    func killDomains() { for process in domainProcesses { Glibc.kill(process, SIGKILL) } }
}

/// A domain's XML for the test driver.
func testDomainXML(_ name: String, metadata: String = "") -> String {
    """
    <domain type='test'><name>\(name)</name><memory>1024</memory>
    <os><type>hvm</type></os>\(metadata)</domain>
    """
}

/// Waits for a condition, with a limit that is generous: the machine may have two cores and other work.
func eventually(
    within limit: Duration = .seconds(30), sourceLocation: SourceLocation = #_sourceLocation,
    _ what: String, _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < end else {
            Issue.record("gave up waiting until \(what)", sourceLocation: sourceLocation)
            throw CancellationError()
        }
        await Task.yield()
    }
}
