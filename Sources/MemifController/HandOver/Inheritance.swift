internal import LibvirtRPC
internal import LinuxIO
internal import VirtwireProtocol
internal import XDR

/// What one process leaves to the next: the state, and descriptors in the order that goes with it.
struct FrozenState: Sendable {
    var state = virtwire_state(
        version: UInt32(VIRTWIRE_STATE_VERSION), has_claim: false, sources: [],
        ports: [])
    /// One for each port.
    private(set) var pasts: [virtwire_port_past] = []
    /// Piece by piece.
    private(set) var descriptors: [PassedDescriptors] = []

    /// Puts what keeps others from the directories in front: see ``Inheritance/claim``.
    init(claim: PassedDescriptors? = nil) {
        state.has_claim = claim != nil
        if let claim { descriptors = [claim] }
    }

    /// Adds a port.
    mutating func append(_ port: FrozenPort) {
        state.ports.append(port.state)
        pasts.append(virtwire_port_past(port.traffic, port.condition))
        descriptors.append(port.descriptors)
    }

    /// All descriptors, for their next owner.
    func takeDescriptors() -> DescriptorQueue {
        var all = DescriptorQueue()
        for piece in descriptors { all.append(contentsOf: piece.takeAll()) }
        return all
    }

    /// The same with each file once. A peer may have passed one file for several purposes, and a service
    /// manager keeps each once.
    func withoutRepetitions() throws(PortError) -> FrozenState {
        var result = self
        var all = takeDescriptors()
        var distinct = DescriptorQueue()
        var known: [OpenFileIdentity: UInt32] = [:]
        do throws(SystemError) {
            while let descriptor = all.popFirst() {
                let identity = try descriptor.openFileIdentity()
                if let identity, let source = known[identity] {
                    result.state.sources.append(source)
                    continue
                }
                let source = UInt32(distinct.count)
                if let identity { known[identity] = source }
                result.state.sources.append(source)
                distinct.append(descriptor)
            }
        } catch {
            throw .noDescriptors(error)
        }
        result.descriptors = [PassedDescriptors(distinct)]
        return result
    }

    /// The state, as its version has it, in a memory file that nobody can change.
    func file() throws(PortError) -> OwnedDescriptor {
        let bytes: [UInt8]
        do throws(XDRError) {
            bytes =
                state.version == 1
                ? try XDR.encode(state)
                : try XDR.encode(virtwire_state_2(state: state, pasts: pasts))
        } catch {
            throw PortError(
                reason: "the state cannot be written down: \(error)", remedy: "restart virtwired")
        }
        do throws(SystemError) {
            return try OwnedDescriptor.memoryFile(name: "virtwired-state", holding: bytes)
        } catch {
            throw .noDescriptors(error)
        }
    }
}

/// What another process has left to this one.
struct Inheritance: Sendable {
    var ports = InheritedPorts()
    /// The locks of both directories, then the listeners of both control sockets; nil where the other
    /// process is gone, and they with it.
    var claim: PassedDescriptors?
    /// The other process, until it ends.
    var predecessor: HandOverChannel?
    /// The service manager that has kept this, and keeps it until all of it stands again.
    var store: DescriptorStore.Entries?
    /// Whether the other process has not left it, but crashed.
    var isFromCrash = false
    /// What is lost of it, and why.
    var losses: [PortError] = []

    /// More than the state of the most ports with the most rings that a host can have.
    static let longestState = 256 << 20

    /// Nothing.
    init() {}

    /// Reads what another process wrote, and takes nothing for granted.
    init(
        _ file: borrowing OwnedDescriptor, _ descriptors: consuming DescriptorQueue
    ) throws(PortError) {
        try self.init(state: Self.bytes(in: file), descriptors)
    }

    /// As ``init(_:_:)``, with what the file holds.
    init(state bytes: [UInt8], _ descriptors: consuming DescriptorQueue) throws(PortError) {
        let (state, pasts) = try Self.state(bytes)
        descriptors = try Self.repeated(state.sources, descriptors)
        if state.has_claim {
            let own = descriptors.popFirst(4)
            guard own.count == 4 else { throw .badState("its first descriptors are missing") }
            claim = PassedDescriptors(own)
        }
        ports = InheritedPorts(try Self.ports(state, pasts, descriptors))
    }

    /// Reads what a process that has crashed had kept of one port.
    ///
    /// - Parameter source: another descriptor of what was kept under a number.
    static func crashed(
        state bytes: [UInt8], _ source: (UInt32) throws(PortError) -> OwnedDescriptor
    ) throws(PortError) -> [InheritedPort] {
        let (state, pasts) = try state(bytes)
        var descriptors = DescriptorQueue()
        for number in state.sources { descriptors.append(try source(number)) }
        var ports = try ports(state, pasts, descriptors)
        for index in ports.indices { ports[index].isFromCrash = true }
        return ports
    }

    private static func ports(
        _ state: virtwire_state, _ pasts: [virtwire_port_past]?,
        _ all: consuming DescriptorQueue
    ) throws(PortError) -> [InheritedPort] {
        var descriptors = all
        var ports: [InheritedPort] = []
        for (index, port) in state.ports.enumerated() {
            ports.append(try InheritedPort(port, pasts?[index], &descriptors))
        }
        guard descriptors.isEmpty else {
            throw .badState("\(descriptors.count) descriptors belong to nothing")
        }
        return ports
    }

    /// Each descriptor of a state, where files were passed once.
    private static func repeated(
        _ sources: [UInt32], _ passed: consuming DescriptorQueue
    ) throws(PortError) -> DescriptorQueue {
        if sources.isEmpty { return passed }
        var result = DescriptorQueue()
        // Where in the result each that was passed has come first.
        var places: [Int] = []
        for source in sources {
            if source < places.count {
                do throws(SystemError) {
                    let copy = try result.duplicate(at: places[Int(source)])
                    try DescriptorReserve.spare(copy, "take over")
                    result.append(copy)
                } catch {
                    throw .noDescriptors(error)
                }
            } else if source == places.count, let descriptor = passed.popFirst() {
                places.append(result.count)
                result.append(descriptor)
            } else {
                throw .badState("descriptor \(source) is missing")
            }
        }
        result.append(contentsOf: passed)
        return result
    }

    /// Says that everything stands again, and is served from now on.
    ///
    /// - Throws: `PortError` where the other process goes on itself.
    func confirm() async throws(PortError) {
        guard let predecessor else { return }
        try await Controller.onThread { () throws(PortError) in try predecessor.confirm() }
    }

    /// Has the service manager keep nothing of it any longer.
    func forget() async {
        guard let store else { return }
        try? await Thread.perform(name: "store") { store.remove() }
    }

    /// Returns when the other process has ended: what else it has, such as its metrics' address, is free
    /// then.
    func waitForPredecessor() async {
        guard let predecessor else { return }
        try? await Thread.perform(name: "take-over") { predecessor.waitForEnd() }
    }

    /// What the file of a state holds.
    static func bytes(in file: borrowing OwnedDescriptor) throws(PortError) -> [UInt8] {
        do throws(SystemError) {
            return try file.sealedBytes(limit: longestState)
        } catch {
            throw .badState("\(error)")
        }
    }

    /// Why a state cannot be read that another version of virtwired can; nil where it can be, or by none.
    static func otherVersion(_ bytes: [UInt8]) -> String? {
        let version = try? XDR.decode(UInt32.self, from: bytes, ignoringTrailingBytes: true)
        guard let version, version > VIRTWIRE_STATE_VERSION else { return nil }
        return "it is of version \(version), and this virtwired knows those up to "
            + "\(VIRTWIRE_STATE_VERSION)"
    }

    /// - Returns: what is remembered of each port, too; nil where the version hands none of that over.
    private static func state(
        _ bytes: [UInt8]
    ) throws(PortError) -> (virtwire_state, [virtwire_port_past]?) {
        // The version first: what follows may be anything in another.
        if let problem = otherVersion(bytes) { throw .badState(problem) }
        let version = try decoding { () throws(XDRError) in
            try XDR.decode(UInt32.self, from: bytes, ignoringTrailingBytes: true)
        }
        // No version of it has ever begun like this.
        if version == 0 { throw .badState("it is of version 0") }
        if version == 1 {
            let state = try decoding { () throws(XDRError) in
                try XDR.decode(virtwire_state.self, from: bytes)
            }
            return (state, nil)
        }
        let both = try decoding { () throws(XDRError) in
            try XDR.decode(virtwire_state_2.self, from: bytes)
        }
        guard both.pasts.count == both.state.ports.count else {
            throw .badState("it tells the past of \(both.pasts.count) ports, and not of all")
        }
        return (both.state, both.pasts)
    }

    private static func decoding<Value>(
        _ body: () throws(XDRError) -> Value
    ) throws(PortError) -> Value {
        do throws(XDRError) {
            return try body()
        } catch {
            throw .badState("\(error)")
        }
    }
}
