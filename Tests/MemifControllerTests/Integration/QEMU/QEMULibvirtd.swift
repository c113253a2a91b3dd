import Glibc
import Libvirt
import LibvirtProtocol
import LibvirtTesting
import LinuxIO
import Synchronization
import Testing

@testable import MemifController

/// A real libvirtd of a test's own with QEMU's driver, and what it keeps on disk outlives it.
final class QEMULibvirtd: Sendable {
    let scratch: Scratch
    private let daemon: TestLibvirtd
    private let current: Mutex<Connection>

    /// To the daemon that runs now.
    var connection: Connection { current.withLock(\.self) }
    var uri: String { daemon.uri("qemu", "/system") }

    /// Runs one while the body uses it, and ends what runs of its domains.
    static func with(_ body: (QEMULibvirtd) async throws -> Void) async throws {
        let it = try await QEMULibvirtd(Scratch())
        defer { it.endDomains() }
        try await body(it)
        it.rememberCapabilities()
        await it.daemon.stop()
    }

    private init(_ scratch: Scratch) async throws {
        self.scratch = scratch
        let directory = PrivateLibvirtd.directory(in: scratch)
        try Directory.ensurePath(directory)
        try Self.placeCapabilities(in: directory)
        daemon = try await TestLibvirtd.start(in: directory, wantsQEMU: true)
        current = Mutex(try await Connection.open(daemon.uri("qemu", "/system")))
    }

    /// Ends the daemon as a crash would; its domains run on.
    func kill() { daemon.kill() }

    /// Starts the daemon again.
    func start() async throws {
        try await daemon.start()
        let new = try await Connection.open(uri)
        current.withLock { $0 = new }
    }

    /// Ends a domain's process as a crash would.
    ///
    /// - Returns: whether there was one.
    @discardableResult
    func killProcess(of name: String) -> Bool {
        let path = "\(daemon.directory)/run/qemu/\(name).pid"
        let text = (try? File.read(path, limit: 64)) ?? []
        guard let process = Int32(String(decoding: text, as: UTF8.self).filter(\.isNumber)),
            // The file of a process that is gone may name another's by now.
            let kind = try? File.read("/proc/\(process)/comm", limit: 64),
            String(decoding: kind, as: UTF8.self).hasPrefix("qemu")
        else { return false }
        return Glibc.kill(process, SIGKILL) == 0
    }

    private func endDomains() {
        let names = (try? Directory.entries(of: "\(daemon.directory)/run/qemu")) ?? []
        for name in names where name.hasSuffix(".pid") {
            killProcess(of: String(name.dropLast(".pid".count)))
        }
    }

    // MARK: What libvirt has found out about QEMU

    /// By file name: to ask QEMU for it takes seconds, and every daemon of these tests would.
    private static let capabilities = Mutex<[String: [UInt8]]>([:])

    private static func capabilitiesDirectory(_ directory: String) -> String {
        "\(directory)/cache/qemu/capabilities"
    }

    private static func placeCapabilities(in directory: String) throws {
        let place = capabilitiesDirectory(directory)
        try Directory.ensurePath(place)
        for (name, bytes) in capabilities.withLock(\.self) {
            try File.replace("\(place)/\(name)", with: bytes)
        }
    }

    private func rememberCapabilities() {
        let place = Self.capabilitiesDirectory(daemon.directory)
        for name in (try? Directory.entries(of: place)) ?? [] {
            let bytes = try? File.read("\(place)/\(name)", limit: 1 << 24)
            Self.capabilities.withLock { $0[name] = bytes }
        }
    }
}

/// A domain of QEMU's without KVM, disk or guest: its firmware finds nothing to start and waits.
struct EmptyMachine {
    var vm = Sample.vm(1)
    /// Of its name, which goes on with the number of its UUID.
    var prefix = "vm"
    var ports = "<memif:port name='a' linger='60s'/>"
    /// What becomes of it when its guest crashes.
    var onCrash = "destroy"
    /// A vhost-user NIC whose socket nobody has made: with `reconnect` a start waits, without it fails.
    var missingSocket: (path: String, reconnects: Bool)?
    /// The image of a disk, from which its firmware reads; what cannot be read has it stand still.
    var disk: String?

    var name: String { "\(prefix)-\(vm.bytes.last ?? 0)" }

    var xml: String {
        """
        <domain type='qemu'><name>\(name)</name><uuid>\(vm)</uuid>
        <metadata><memif:ports xmlns:memif='\(DomainDocument.namespace)'>\(ports)</memif:ports>
        </metadata><memory unit='MiB'>32</memory><vcpu>1</vcpu>
        <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
        <os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
        <pm><suspend-to-mem enabled='yes'/><suspend-to-disk enabled='yes'/></pm>
        <on_crash>\(onCrash)</on_crash>
        <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
        <controller type='usb' model='none'/><memballoon model='none'/><panic model='isa'/>
        <watchdog model='ib700' action='pause'/>
        \(diskDevice)\(interface)</devices></domain>
        """
    }

    private var diskDevice: String {
        guard let disk else { return "" }
        return """
            <disk type='file'><driver name='qemu' type='qcow2' rerror_policy='stop'/>
            <source file='\(disk)'/><target dev='hda' bus='ide'/></disk>
            """
    }

    private var interface: String {
        guard let missingSocket else { return "" }
        let reconnect = missingSocket.reconnects ? "<reconnect enabled='yes' timeout='1'/>" : ""
        return """
            <interface type='vhostuser'>
            <source type='unix' path='\(missingSocket.path)' mode='client'>\(reconnect)</source>
            <model type='virtio'/></interface>
            """
    }
}
