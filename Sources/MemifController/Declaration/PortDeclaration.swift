/// A memif port that a domain is to have on this host: one `<memif:port>` element, validated.
///
/// Whoever declares a port names it; where its socket stands is the host's decision
/// (``RuntimeLayout``), so that no declaration can reach outside the runtime directory.
public struct PortDeclaration: Hashable, Sendable {
    /// The port's name within its domain, which is also its socket's: `<name>.sock`.
    public var name: String
    /// The memif interface id that a peer has to ask for.
    public var id: UInt32 = 0
    /// What the frames are.
    public var mode: PortMode = .ethernet
    /// The most rings that a peer may set up in each direction.
    public var queues: Int = 1
    /// The most descriptors in a ring: a power of two.
    public var ringSize: Int = 1024
    /// The bytes in a buffer, where this side provides the memory.
    public var bufferSize: Int = 2048
    /// What the port leads to.
    public var attachment: PortAttachment = .none
    /// The socket's user, by name or number; nil is the daemon's own.
    public var owner: String?
    /// The socket's group, by name or number; nil is the host's.
    public var group: String?
    /// Whether the link follows the domain's run.
    public var link: LinkPolicy = .follow
    /// How long a link outlives the domain's run, so that a quick restart is no flap for the peer.
    public var linger: Duration = .seconds(10)
    /// The name of the secret, on this host, that a peer has to know. Never the secret itself: any
    /// client of libvirt can read a domain's metadata.
    public var secretReference: String?

    /// A port with everything but its name as the schema's defaults have it.
    public init(name: String) {
        self.name = name
    }

    /// The most bytes in a port's name: a socket's path has to fit in 107.
    public static let longestName = 40

    /// Whether going from one declaration to the other needs a new interface, which disconnects
    /// peers; owner, group, link and linger change under a link that stands.
    func needsNewInterface(after other: PortDeclaration) -> Bool {
        var same = other
        same.owner = owner
        same.group = group
        same.link = link
        same.linger = linger
        return same != self
    }
}

/// What a port's frames are. Source: memif's interface modes.
public enum PortMode: String, Hashable, Sendable, CaseIterable {
    /// Whole Ethernet frames.
    case ethernet
    /// IP packets without a link header.
    case ip
}

/// Whether a port's link follows the domain's run.
public enum LinkPolicy: String, Hashable, Sendable, CaseIterable {
    /// A peer is served while the domain runs, and for the linger after.
    case follow
    /// A peer is served for as long as the domain is defined: for peers that never connect again.
    case always
}

/// What a port leads to: where frames from the peer go, and where frames to it come from.
///
/// The guest's own NIC, a wire to another port and a TAP device will be further cases.
public enum PortAttachment: Hashable, Sendable {
    /// Nothing yet: the link comes up and frames from the peer are counted and dropped, until a
    /// program takes the port over.
    case none
    /// A station that answers ARP and ping, and counts everything.
    case responder(InterfaceAddress)

    /// The spellings of the `attach` attribute.
    static let names = ["none", "responder"]

    /// The spelling of this case.
    public var name: String {
        switch self {
        case .none: "none"
        case .responder: "responder"
        }
    }
}

/// An IPv4 address with the length of its network's prefix, as in `192.0.2.1/24`.
public struct InterfaceAddress: Hashable, Sendable, LosslessStringConvertible {
    /// The address, most significant byte first.
    public let octets: [UInt8]
    /// The bits of the network's prefix, 0 to 32.
    public let prefixLength: Int

    /// Reads `a.b.c.d/n`; nil for anything else.
    public init?(_ text: String) {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, let prefixLength = Int(decimal: halves[1]), prefixLength <= 32
        else {
            return nil
        }
        let parts = halves[0].split(separator: ".", omittingEmptySubsequences: false)
        let octets = parts.compactMap { Int(decimal: $0).flatMap(UInt8.init(exactly:)) }
        guard parts.count == 4, octets.count == 4 else { return nil }
        self.octets = octets
        self.prefixLength = prefixLength
    }

    /// The address without its prefix length: `192.0.2.1`.
    public var address: String { octets.map(String.init).joined(separator: ".") }

    /// `a.b.c.d/n`.
    public var description: String { "\(address)/\(prefixLength)" }
}

extension Int {
    /// Reads decimal digits only: no sign, no space, no leading zero.
    init?(decimal text: some StringProtocol) {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            text.count == 1 || text.utf8.first != 0x30
        else { return nil }
        self.init(text)
    }
}
