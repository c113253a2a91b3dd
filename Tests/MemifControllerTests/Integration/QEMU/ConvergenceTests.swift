import Libvirt
import LibvirtProtocol
import LinuxIO
import MemifTesting
import Testing

@testable import MemifController

extension QEMUTests {
    /// QEMU's driver keeps its definitions on disk: libvirtd can be killed and started again.
    @Suite("Anything at all, in any order")
    struct ConvergenceTests {
        @Test(
            """
            hundreds of operations, libvirtd and virtwired killed in the midst of them: exactly the \
            wanted sockets, twenty seconds later at most
            """)
        func convergence() async throws {
            var random = SeededGenerator("hundreds of operations and kills")
            try await QEMULibvirtd.with { libvirtd in
                var host = UnruledHost(libvirtd)
                for round in 1...12 {
                    for _ in 0..<30 { try await host.step(&random) }
                    try await host.expectConverged("seed \(random.seed), round \(round)")
                }
                await host.end()
                print("\(host)")
                #expect(host.operations >= 300 && host.portsSeen > 0, "seed \(random.seed)")
            }
        }
    }
}

/// A libvirtd and a virtwired to which anything happens. Nobody remembers what: an operation in whose
/// midst a daemon dies may have been done or not, so what is wanted is what libvirt says in the end.
private struct UnruledHost: CustomStringConvertible {
    private typealias Operation = @Sendable () async throws -> Void

    private let libvirtd: QEMULibvirtd
    private let layout: RuntimeLayout
    private var daemon: ChildProcess?
    /// How many machines may be started yet: each costs a second.
    private var startsLeft = 6
    /// How many operations have been begun.
    private(set) var operations = 0
    /// How many ports were wanted, whenever that was asked.
    private(set) var portsSeen = 0
    private var libvirtdKills = 0
    private var daemonKills = 0

    /// As long as the sockets may take to be as they are wanted. It is less than a second but for
    /// machines that have other things to do.
    private static let patience = Duration.seconds(20)
    private static let domainCount: UInt8 = 10

    var description: String {
        "\(operations) operations, \(libvirtdKills) kills of libvirtd and \(daemonKills) of virtwired"
    }

    init(_ libvirtd: QEMULibvirtd) {
        self.libvirtd = libvirtd
        layout = RuntimeLayout(libvirtd.scratch.configuration)
    }

    // MARK: What happens

    /// An operation on a domain; now and then a daemon dies in its midst, or is started again.
    mutating func step(_ random: inout SeededGenerator) async throws {
        let operation = operation(&random)
        operations += 1
        switch Int.random(in: 0..<60, using: &random) {
        case 0, 1:
            libvirtdKills += 1
            await perform(operation, &random) { libvirtd.kill() }
            try await libvirtd.start()
        case 2..<16 where daemon != nil:
            daemonKills += 1
            await perform(operation, &random) { daemon?.kill() }
            await daemon?.waitForEnd()
            daemon = nil
        case 16..<18:
            await perform(operation, &random) { daemon?.signal(15) }
            await daemon?.waitForEnd()
            daemon = nil
        default: _ = try? await operation()
        }
        // Some things happen while nobody looks.
        if daemon == nil, Bool.random(using: &random) { daemon = try await start() }
    }

    private func perform(
        _ operation: @escaping Operation, _ random: inout SeededGenerator, then kill: () -> Void
    ) async {
        let pause = Duration.microseconds(Int.random(in: 0...20_000, using: &random))
        let task = Task { try? await operation() }
        // A random moment is the point; there is nothing to wait for.
        try? await Task.sleep(for: pause)
        kill()
        _ = await task.value
    }

    private func start() async throws -> ChildProcess {
        try await ChildProcess(
            ["env", "VIRTWIRED_ORPHAN_GRACE=200ms", DaemonProcess.program]
                + DaemonProcess.flags(libvirtd.scratch, uri: libvirtd.uri))
    }

    /// Ends the daemon as its service manager would.
    mutating func end() async {
        daemon?.signal(15)
        #expect(await daemon?.waitForEnd() == 0)
    }

    /// Any of what an owner does to a domain; many of them are refused, as what they need is not there.
    private mutating func operation(_ random: inout SeededGenerator) -> Operation {
        let connection = libvirtd.connection
        let vm = Sample.vm(UInt8.random(in: 1...Self.domainCount, using: &random))
        let ports = Self.ports(&random)
        let prefix = ["vm", "other"].randomElement(using: &random) ?? "vm"
        let domain: @Sendable () async throws -> Domain = {
            try await connection.lookUpDomain(uuid: #require(LibvirtUUID(bytes: vm.bytes)))
        }
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<8:
            let text = ports.map { "<memif:port \($0)/>" }.joined()
            let machine = EmptyMachine(vm: vm, prefix: prefix, ports: text)
            return { _ = try await connection.defineDomain(xml: machine.xml) }
        case 8..<11: return { try await domain().undefine() }
        case 11..<15:
            let text = "<ports>\(ports.map { "<port \($0)/>" }.joined())</ports>"
            let impact: virDomainModificationImpact =
                Bool.random(using: &random) ? .config : []
            return {
                try await domain().setMetadata(
                    text, prefix: "memif", namespace: DomainDocument.namespace, impact: impact)
            }
        case 15..<17:
            return { _ = try await domain().rename(newName: "\(prefix)-\(vm.bytes.last ?? 0)") }
        case 17..<19 where startsLeft > 0:
            startsLeft -= 1
            return { _ = try await domain().create() }
        default: return { try await domain().destroy() }
        }
    }

    /// The attributes of some ports.
    private static func ports(_ random: inout SeededGenerator) -> [String] {
        let more = ["", "link='always'", "queues='2'", "id='7' ring-size='64'"]
        return ["a", "b", "c"].filter { _ in Bool.random(using: &random) }.map { name in
            "name='\(name)' linger='0' \(more.randomElement(using: &random) ?? "")"
        }
    }

    // MARK: What is to come of it

    mutating func expectConverged(_ when: String) async throws {
        if daemon == nil { daemon = try await start() }
        let wanted = try await wanted()
        portsSeen += wanted.values.reduce(0) { $0 + $1.count }
        let isThere = await eventually(within: Self.patience) { stands(wanted) }
        let found = wanted.keys.sorted().map { vm in
            "\(vm): \((try? Directory.entries(of: layout.directory(of: vm))) ?? [])"
        }
        #expect(
            isThere,
            "\(when): wanted \(wanted), found \(found), said \(daemon?.output.suffix(2000) ?? "")")
    }

    /// The names of the ports that libvirt's domains ask for now; none of those that ask for none.
    private func wanted() async throws -> [VMIdentifier: Set<String>] {
        var wanted: [VMIdentifier: Set<String>] = [:]
        for domain in try await libvirtd.connection.listAllDomains() {
            // While a domain runs this is the XML of the run.
            let xml = try await domain.xml()
            let names = xml.matches(of: #/<(?:memif:)?port name=['"]([a-z]+)['"]/#)
            let vm = try #require(VMIdentifier(bytes: domain.uuid.bytes))
            if !names.isEmpty { wanted[vm] = Set(names.map { String($0.1) }) }
        }
        return wanted
    }

    private func stands(_ wanted: [VMIdentifier: Set<String>]) -> Bool {
        let vms = Set(wanted.keys.map(\.description))
        let directories = (try? Directory.entries(of: layout.domainsDirectory)) ?? []
        let records = (try? Directory.entries(of: layout.recordsDirectory)) ?? []
        return Set(directories) == vms && Set(records) == Set(vms.map { "\($0).json" })
            && wanted.allSatisfy { vm, ports in RealDaemon.stands(layout, ports, vm) }
    }
}
