import Glibc
import Libvirt
import LibvirtProtocol
import LibvirtTesting
import LinuxIO
import Testing

@testable import MemifController

/// A real libvirtd of a test's own, and a connection that keeps the test driver's domains alive.
final class PrivateLibvirtd: Sendable {
    let scratch: Scratch
    let connection: Connection
    private let daemon: TestLibvirtd

    static func directory(in scratch: Scratch) -> String { "\(scratch.path)/lv" }

    static func uri(in scratch: Scratch) -> String {
        "test+unix:///default?socket=\(directory(in: scratch))/run/libvirt-sock"
    }

    /// Starts one whose directories lie in a scratch directory, which may have been used before.
    init(in scratch: Scratch) async throws {
        self.scratch = scratch
        try Directory.ensurePath(Self.directory(in: scratch))
        daemon = try await TestLibvirtd.start(in: Self.directory(in: scratch))
        connection = try await Connection.open(Self.uri(in: scratch))
    }

    /// Sends it a signal, such as one that keeps it from answering.
    func signal(_ signal: Int32) {
        if let process = daemon.processID { _ = Glibc.kill(process, signal) }
    }

    /// Ends it as a crash would.
    func kill() { daemon.kill() }

    /// Defines a domain of the test driver with ports.
    func define(
        _ ports: String, vm: VMIdentifier = Sample.vm(1), name: String? = nil
    ) async throws -> Domain {
        try await connection.defineDomain(xml: Self.xml(ports, vm, name))
    }

    /// Starts a domain that has no definition.
    func create(_ ports: String, vm: VMIdentifier = Sample.vm(1)) async throws -> Domain {
        try await connection.createDomain(xml: Self.xml(ports, vm))
    }

    /// Changes a domain's ports, live, in its definition, or both.
    func set(
        _ ports: String, of domain: Domain, _ impact: virDomainModificationImpact
    ) async throws {
        try await domain.setMetadata(
            "<ports>\(ports)</ports>", prefix: "memif", namespace: DomainDocument.namespace,
            impact: impact)
    }

    static func xml(
        _ ports: String, _ vm: VMIdentifier, _ name: String? = nil
    ) -> String {
        """
        <domain type='test'><name>\(name ?? "vm-\(vm.bytes.last ?? 0)")</name><uuid>\(vm)</uuid>
        <metadata><memif:ports xmlns:memif='\(DomainDocument.namespace)'>\(ports)</memif:ports>
        </metadata><memory unit='MiB'>8</memory><os><type>hvm</type></os></domain>
        """
    }
}
