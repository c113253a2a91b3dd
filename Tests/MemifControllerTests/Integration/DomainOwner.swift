import Libvirt
import LibvirtProtocol
import LinuxIO
import Testing

@testable import MemifController

/// Whoever owns a host's domains and does anything at all to them, in any order; many a deed is refused, as
/// what it needs is not there.
struct DomainOwner {
    typealias Deed = @Sendable () async throws -> Void

    /// How many domains there are at most.
    let domainCount: UInt8
    /// Where domains are saved.
    let directory: String
    /// How many may be started yet, where each costs something.
    var startsLeft = Int.max
    /// How many may be saved yet.
    var savesLeft = Int.max
    /// A definition, of a name that begins so, with these ports.
    let xml: @Sendable (VMIdentifier, _ prefix: String, _ ports: String) -> String

    /// The next deed.
    mutating func deed(on connection: Connection, _ random: inout SeededGenerator) -> Deed {
        let vm = Sample.vm(UInt8.random(in: 1...domainCount, using: &random))
        let prefix = ["vm", "other"].randomElement(using: &random) ?? "vm"
        let domain: @Sendable () async throws -> Domain = {
            try await connection.lookUpDomain(uuid: #require(LibvirtUUID(bytes: vm.bytes)))
        }
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<5: return definition(vm, prefix, on: connection, &random)
        case 5..<7:
            // With what would keep it, or not.
            let flags: virDomainUndefineFlagsValues =
                Bool.random(using: &random) ? [.managedSave, .snapshotsMetadata] : []
            return { try await domain().undefine(flags: flags) }
        case 7..<10:
            let text = "<ports>\(Self.ports("", &random))</ports>"
            let impact: virDomainModificationImpact = Bool.random(using: &random) ? .config : []
            return {
                try await domain().setMetadata(
                    text, prefix: "memif", namespace: DomainDocument.namespace, impact: impact)
            }
        case 10..<12:
            return { _ = try await domain().rename(newName: "\(prefix)-\(vm.bytes.last ?? 0)") }
        case 12..<14 where startsLeft > 0:
            startsLeft -= 1
            return { _ = try await domain().create() }
        case 14: return { try await domain().suspend() }
        case 15: return { try await domain().resume() }
        case 16 where savesLeft > 0:
            savesLeft -= 1
            return saving(vm, domain, on: connection, &random)
        case 17..<19: return Self.snapshot(domain, &random)
        default: return { try await domain().destroy() }
        }
    }

    /// A definition, over whatever there is, running or not; now and then a run without one.
    private mutating func definition(
        _ vm: VMIdentifier, _ prefix: String, on connection: Connection,
        _ random: inout SeededGenerator
    ) -> Deed {
        let text = xml(vm, prefix, Self.ports("memif:", &random))
        if startsLeft > 0, Int.random(in: 0..<10, using: &random) == 0 {
            startsLeft -= 1
            return { _ = try await connection.createDomain(xml: text) }
        }
        return { _ = try await connection.defineDomain(xml: text) }
    }

    /// A managed save, or one to a file; or a restore of what was saved there before.
    private func saving(
        _ vm: VMIdentifier, _ domain: @escaping @Sendable () async throws -> Domain,
        on connection: Connection, _ random: inout SeededGenerator
    ) -> Deed {
        let file = "\(directory)/saved-\(vm.bytes.last ?? 0)"
        switch Int.random(in: 0..<3, using: &random) {
        case 0: return { try await domain().managedSave() }
        case 1: return { try await domain().save(to: file) }
        default: return { try await connection.restoreDomain(from: file) }
        }
    }

    /// A snapshot, or the way back to one.
    private static func snapshot(
        _ domain: @escaping @Sendable () async throws -> Domain, _ random: inout SeededGenerator
    ) -> Deed {
        let name = ["early", "late"].randomElement(using: &random) ?? "early"
        if Bool.random(using: &random) {
            return { try await domain().lookUpSnapshot(name: name).revert() }
        }
        let text = "<domainsnapshot><name>\(name)</name></domainsnapshot>"
        return { _ = try await domain().createSnapshot(xmlDesc: text) }
    }

    /// The elements of some ports.
    private static func ports(_ prefix: String, _ random: inout SeededGenerator) -> String {
        let more = ["", "link='always'", "queues='2'", "id='7' ring-size='64'"]
        return ["a", "b", "c"].filter { _ in Bool.random(using: &random) }.map { name in
            let attributes = more.randomElement(using: &random) ?? ""
            return "<\(prefix)port name='\(name)' linger='0' \(attributes)/>"
        }.joined()
    }
}

/// The sockets that a host's domains ask for, as libvirt has it.
struct WantedSockets: CustomStringConvertible {
    /// The names of ports; without domains that ask for none.
    private(set) var ports: [VMIdentifier: Set<String>] = [:]

    var count: Int { ports.values.reduce(0) { $0 + $1.count } }
    var description: String { "\(ports)" }

    init(of connection: Connection) async throws {
        for domain in try await connection.listAllDomains() {
            // While a domain runs this is the XML of the run.
            let xml = try await domain.xml()
            let names = xml.matches(of: #/<(?:memif:)?port name=['"]([a-z]+)['"]/#)
            let vm = try #require(VMIdentifier(bytes: domain.uuid.bytes))
            if !names.isEmpty { ports[vm] = Set(names.map { String($0.1) }) }
        }
    }

    /// Whether exactly these stand, and have records.
    func stand(at layout: RuntimeLayout) -> Bool {
        let vms = Set(ports.keys.map(\.description))
        let directories = (try? Directory.entries(of: layout.domainsDirectory)) ?? []
        let records = (try? Directory.entries(of: layout.recordsDirectory)) ?? []
        return Set(directories) == vms && Set(records) == Set(vms.map { "\($0).json" })
            && ports.allSatisfy { vm, names in RealDaemon.stands(layout, names, vm) }
    }

    /// What stands for these domains.
    func found(at layout: RuntimeLayout) -> [String] {
        ports.keys.sorted().map { vm in
            "\(vm): \((try? Directory.entries(of: layout.directory(of: vm))) ?? [])"
        }
    }
}
