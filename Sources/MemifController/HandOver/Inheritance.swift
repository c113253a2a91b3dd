internal import LibvirtRPC
internal import LinuxIO
internal import VirtwireProtocol
internal import XDR

/// What one process leaves to the next: the state, and descriptors in the order that goes with it.
struct FrozenState: Sendable {
    var state = virtwire_state(
        version: UInt32(VIRTWIRE_STATE_VERSION), has_claim: false, ports: [])
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
        descriptors.append(port.descriptors)
    }

    /// All descriptors, for their next owner.
    func takeDescriptors() -> DescriptorQueue {
        var all = DescriptorQueue()
        for piece in descriptors { all.append(contentsOf: piece.takeAll()) }
        return all
    }

    /// The state in a memory file that nobody can change.
    func file() throws(PortError) -> OwnedDescriptor {
        let bytes: [UInt8]
        do throws(XDRError) {
            bytes = try XDR.encode(state)
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

    /// More than the state of the most ports with the most rings that a host can have.
    static let longestState = 256 << 20

    /// Nothing.
    init() {}

    /// Reads what another process wrote, and takes nothing for granted.
    init(
        _ file: borrowing OwnedDescriptor, _ descriptors: consuming DescriptorQueue
    ) throws(PortError) {
        let state = try Self.state(in: file)
        if state.has_claim {
            let own = descriptors.popFirst(4)
            guard own.count == 4 else { throw .badState("its first descriptors are missing") }
            claim = PassedDescriptors(own)
        }
        var ports: [InheritedPort] = []
        for port in state.ports { ports.append(try InheritedPort(port, &descriptors)) }
        guard descriptors.isEmpty else {
            throw .badState("\(descriptors.count) descriptors belong to nothing")
        }
        self.ports = InheritedPorts(ports)
    }

    /// Returns when the other process has ended: what else it has, such as its metrics' address, is free
    /// then.
    func waitForPredecessor() async {
        guard let predecessor else { return }
        try? await Thread.perform(name: "take-over") { predecessor.waitForEnd() }
    }

    private static func state(
        in file: borrowing OwnedDescriptor
    ) throws(PortError) -> virtwire_state {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try file.sealedBytes(limit: longestState)
        } catch {
            throw .badState("\(error)")
        }
        // The version first: what follows may be anything in another.
        let version = try decoding { () throws(XDRError) in
            try XDR.decode(UInt32.self, from: bytes, ignoringTrailingBytes: true)
        }
        guard version == UInt32(VIRTWIRE_STATE_VERSION) else {
            throw .badState(
                "it is of version \(version), and this virtwired knows version "
                    + "\(VIRTWIRE_STATE_VERSION)")
        }
        return try decoding { () throws(XDRError) in
            try XDR.decode(virtwire_state.self, from: bytes)
        }
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
