internal import Glibc
public import LinuxIO
public import Memif

/// A master made of raw parts: it accepts one slave, answers as any other, and then writes into the
/// slave's rings whatever a test wants.
public final class RawMaster: Sendable {
    private let listener: UnixListener

    /// Listens.
    ///
    /// - Parameter backlog: how many may wait to be accepted, besides one; nil leaves the usual number.
    public init(at address: UnixAddress, backlog: Int32? = nil) throws(SystemError) {
        listener = try UnixListener.bind(to: address, kind: .messages)
        guard let backlog else { return }
        let number = listener.descriptor.rawValue
        try systemCall("shorten a listener's queue") { listen(number, backlog) }
    }

    /// Waits for a slave to connect, and says nothing yet.
    public func accept(within limit: Duration = .seconds(20)) async throws -> RawPeer {
        let accepted = try await look(within: limit) { try listener.accept() }
        guard let socket = accepted else {
            throw RawPeerError("no slave connected within \(limit)")
        }
        return RawPeer(socket)
    }

    /// What a slave has handed over by the time it is connected.
    public struct Slave: Sendable {
        /// Its control channel.
        public let peer: RawPeer
        /// Its regions.
        public let regions: [RawMemory]
        /// Its rings, in the order of their announcement.
        public let announcements: [ControlMessage.AddRing]
        /// Their eventfds, in the same order.
        public let interrupts: [RawInterrupt]
        /// The names of the messages that came.
        public let messages: [String]

        /// The first ring of a direction.
        public func ring(_ direction: RingDirection) -> RawRing? {
            announcements.first { $0.direction == direction }.map {
                RawRing(regions[Int($0.region)], at: Int($0.offset), log2Size: $0.log2Size)
            }
        }
    }

    /// Goes through the handshake with a slave.
    ///
    /// - Parameter prepare: called before CONNECTED is sent.
    public func connect(
        hello: ControlMessage.Hello? = nil, prepare: (Slave) -> Void = { _ in }
    ) async throws -> Slave {
        let peer = try await accept()
        try peer.send(.hello(hello ?? ControlMessage.Hello(name: "raw master")))
        var regions: [RawMemory] = []
        var rings: [ControlMessage.AddRing] = []
        var interrupts: [RawInterrupt] = []
        var messages: [String] = []
        while var incoming = try await peer.receive() {
            messages.append(incoming.message.name)
            switch incoming.message {
            case .connect:
                let slave = Slave(
                    peer: peer, regions: regions, announcements: rings, interrupts: interrupts,
                    messages: messages)
                prepare(slave)
                try peer.send(.connected(interfaceName: "raw1"))
                return slave
            case .addRegion(let region):
                guard let file = incoming.descriptors.popFirst() else {
                    throw RawPeerError("a region without a file")
                }
                regions.append(try RawMemory(file, byteCount: Int(region.byteCount)))
            case .addRing(let ring):
                guard let eventfd = incoming.descriptors.popFirst() else {
                    throw RawPeerError("a ring without an eventfd")
                }
                rings.append(ring)
                interrupts.append(RawInterrupt(try EventCounter(adopting: eventfd)))
            default: break
            }
            try peer.send(.acknowledge)
        }
        throw RawPeerError("the slave closed before it was connected")
    }
}
