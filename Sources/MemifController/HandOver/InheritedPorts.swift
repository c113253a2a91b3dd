internal import LibvirtRPC
internal import LinuxIO
internal import Memif
internal import Synchronization
internal import VirtwireProtocol
internal import XDR

/// A port of another process, which stands still until it is claimed.
struct InheritedPort: Sendable {
    /// As the other process had it: without its secret, its owner and its limits, which are looked up anew.
    let specification: PortSpecification
    /// Which socket file is the port's.
    let identity: FileIdentity
    let links: [LinkRecord]
    /// What went through it so far.
    let traffic: PortTraffic
    /// How it was; nil where that is not known.
    let condition: DomainState.Dated?
    /// The listener, then those of each link.
    let descriptors: PassedDescriptors
    /// Whether the other process may have ended in the midst of a burst.
    var isFromCrash = false

    /// The most memory that a region's size can be, for a port that is only to be closed.
    private static let anyMemory: UInt64 = 1 << 40

    /// - Parameter past: nil where the other process was of a version that handed over less.
    init(
        _ state: virtwire_port_state, _ past: virtwire_port_past?, _ all: inout DescriptorQueue
    ) throws(PortError) {
        var attributes: [String: String] = [:]
        for attribute in state.declaration {
            attributes[attribute.name.text] = attribute.value.text
        }
        let declaration: PortDeclaration
        do throws(AttributeError) {
            declaration = try PortDeclaration(attributes: attributes)
        } catch {
            throw .badState("attribute \(error.attribute.rawValue) of a port \(error.problem)")
        }
        guard let vm = VMIdentifier(bytes: state.vm_uuid.bytes) else {
            throw .badState("a port of no domain")
        }
        specification = PortSpecification(
            vm: vm, domainName: state.vm_name.text, declaration: declaration,
            path: state.socket_path.text, user: nil, group: nil, secret: nil,
            memory: Self.anyMemory,
            admission: state.serves ? .open : .closed(reason: DisconnectText.shutOff))
        identity = FileIdentity(
            device: UInt(clamping: state.device), inode: UInt(clamping: state.inode))
        var links: [LinkRecord] = []
        for link in state.links { links.append(try LinkRecord(link)) }
        self.links = links
        traffic = PortTraffic(state, past)
        condition = past?.dated
        let count = links.reduce(1) { $0 + $1.descriptorCount }
        let own = all.popFirst(count)
        guard own.count == count else {
            throw .badState("\(own.count) descriptors where a port has \(count)")
        }
        descriptors = PassedDescriptors(own)
    }

    /// Whether a peer is served only for as long as the domain runs.
    var followsRun: Bool {
        specification.admission.isServing && specification.declaration.link == .follow
    }

    /// As it was handed over, for the next process; this one keeps its own.
    func frozen() throws(PortError) -> FrozenPort {
        do throws(SystemError) {
            return FrozenPort(
                state: virtwire_port_state(specification, identity, links, traffic),
                descriptors: try descriptors.duplicate(), traffic: traffic, condition: condition)
        } catch {
            throw .noDescriptors(error)
        }
    }
}

/// The ports of another process that nobody has claimed yet.
public final class InheritedPorts: Sendable {
    private struct Entry {
        let port: InheritedPort
        /// Since when it is to stand and cannot be opened.
        var waitsSince: ContinuousClock.Instant?
    }

    private let ports: Mutex<[String: Entry]>
    private let mayReturn = Atomic<Bool>(false)

    /// Whether the other process may go on itself yet. Until it cannot, every port that is opened stands
    /// still as after ``Port/freeze()``, and no peer is told anything.
    public var areLent: Bool { mayReturn.load(ordering: .acquiring) }

    /// Says whether the other process may go on itself.
    func lend(_ mayReturn: Bool) { self.mayReturn.store(mayReturn, ordering: .releasing) }

    init(_ ports: [InheritedPort] = []) {
        self.ports = Mutex([:])
        add(ports)
    }

    func add(_ new: [InheritedPort]) {
        ports.withLock { ports in
            for port in new { ports[port.specification.path] = Entry(port: port) }
        }
    }

    /// How many are left.
    public var count: Int { ports.withLock(\.count) }

    /// What they stand by, by path.
    var specifications: [PortSpecification] {
        ports.withLock { $0.values.map(\.port.specification).sorted { $0.path < $1.path } }
    }

    /// The domains that have some.
    var domains: Set<VMIdentifier> {
        ports.withLock { Set($0.values.map(\.port.specification.vm)) }
    }

    /// The names of those that a domain has.
    func names(of vm: VMIdentifier) -> Set<String> {
        Set(all(of: vm).map(\.specification.declaration.name))
    }

    /// How those of a domain were, by name.
    func conditions(of vm: VMIdentifier) -> [String: DomainState.Dated] {
        let known = all(of: vm).compactMap { port in
            port.condition.map { (port.specification.declaration.name, $0) }
        }
        return Dictionary(known, uniquingKeysWith: { first, _ in first })
    }

    /// Whether a domain had a port that is served only while it runs: it ran then, or had done so a moment
    /// before.
    func suggestRunning(_ vm: VMIdentifier) -> Bool { all(of: vm).contains(where: \.followsRun) }

    private func all(of vm: VMIdentifier) -> [InheritedPort] {
        ports.withLock { $0.values.map(\.port).filter { $0.specification.vm == vm } }
    }

    /// The one at a path, for whoever goes on with it.
    func claim(_ path: String) -> InheritedPort? {
        ports.withLock { $0.removeValue(forKey: path)?.port }
    }

    /// Those of a domain that are not to stand, for whoever closes them; and those that are, and could not
    /// be opened for too long.
    ///
    /// - Parameters:
    ///   - wanted: the paths of all sockets of the domain that are to stand.
    ///   - limit: how long one of them may wait.
    func claimUnwanted(
        of vm: VMIdentifier, beside wanted: Set<String>, now: ContinuousClock.Instant,
        limit: Duration
    ) -> InheritedPorts {
        ports.withLock { ports in
            var unwanted: [InheritedPort] = []
            for (path, entry) in ports where entry.port.specification.vm == vm {
                let since = entry.waitsSince ?? now
                if wanted.contains(path), since.duration(to: now) < limit {
                    ports[path]?.waitsSince = since
                } else {
                    unwanted.append(entry.port)
                    ports[path] = nil
                }
            }
            return InheritedPorts(unwanted)
        }
    }

    /// All that are left, for whoever closes them.
    func claimAll() -> [InheritedPort] {
        ports.withLock { ports in
            defer { ports = [:] }
            return ports.values.map(\.port).sorted { $0.specification.path < $1.specification.path }
        }
    }

    /// All that are left, for the next process.
    func frozen() throws(PortError) -> [FrozenPort] {
        var result: [FrozenPort] = []
        for entry in ports.withLock({ Array($0.values) }) {
            result.append(try entry.port.frozen())
        }
        return result
    }

    /// The one at a path, for the next process should this one crash; nil where it has no link, or is left no more.
    func copy(at path: String) -> FrozenPort? {
        guard let port = ports.withLock({ $0[path]?.port }), !port.links.isEmpty else { return nil }
        return try? port.frozen()
    }

    /// Lets go of all that are left, without a word: another process has them.
    func abandon() { _ = claimAll() }
}
