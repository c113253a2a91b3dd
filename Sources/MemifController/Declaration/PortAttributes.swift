/// The attributes of a `<memif:port>`: read strictly, and written in one canonical spelling.
///
/// The written schema is `memif-ports.rng` in the documentation; what both say is compared by a test.
enum PortAttribute: String, CaseIterable {
    case name
    case id
    case mode
    case queues
    case ringSize = "ring-size"
    case bufferSize = "buffer-size"
    case attach
    case address
    case owner
    case group
    case link
    case linger
    case secretReference = "secret-ref"

    /// The most rings in a direction: memif counts them in HELLO with 16 bits, peers stop at 255.
    static let mostQueues = 255
    /// Ring sizes: from 2^1 to 2^14 descriptors, as DPDK and libmemif allow.
    static let ringSizes = 2...16384
    /// Buffer sizes: 16 bits in libmemif's and DPDK's configuration.
    static let bufferSizes = 64...65535
    /// The longest linger.
    static let longestLinger = Duration.seconds(3600)
}

/// One attribute that cannot be used.
struct AttributeError: Error, Hashable {
    var attribute: PortAttribute
    var problem: String
    var remedy: String
}

extension PortDeclaration {
    /// Reads a declaration from its attributes; those that are missing have the schema's defaults.
    init(attributes: [String: String]) throws(AttributeError) {
        let reader = AttributeReader(attributes)
        self.init(name: try reader.name())
        id = try reader.number(.id, in: 0...Int(UInt32.max)).map { UInt32($0) } ?? id
        mode = try reader.choice(.mode) ?? mode
        queues = try reader.number(.queues, in: 1...PortAttribute.mostQueues) ?? queues
        ringSize = try reader.powerOfTwo(.ringSize, in: PortAttribute.ringSizes) ?? ringSize
        bufferSize = try reader.number(.bufferSize, in: PortAttribute.bufferSizes) ?? bufferSize
        attachment = try reader.attachment()
        if case .responder = attachment, mode != .ethernet {
            throw AttributeError(
                attribute: .mode, problem: "'\(mode.rawValue)' has no use on a responder",
                remedy: "a responder answers whole Ethernet frames: write mode='ethernet'")
        }
        owner = try reader.accountName(.owner)
        group = try reader.accountName(.group)
        link = try reader.choice(.link) ?? link
        linger = try reader.duration(.linger, upTo: PortAttribute.longestLinger) ?? linger
        secretReference = try reader.secretName()
    }

    /// The attributes that say the same, defaults left out.
    var attributes: [String: String] {
        let plain = PortDeclaration(name: name)
        var result: [PortAttribute: String] = [.name: name]
        if id != plain.id { result[.id] = String(id) }
        if mode != plain.mode { result[.mode] = mode.rawValue }
        if queues != plain.queues { result[.queues] = String(queues) }
        if ringSize != plain.ringSize { result[.ringSize] = String(ringSize) }
        if bufferSize != plain.bufferSize { result[.bufferSize] = String(bufferSize) }
        switch attachment {
        case .none: break
        case .responder(let address):
            result[.attach] = attachment.name
            result[.address] = address.description
        }
        result[.owner] = owner
        result[.group] = group
        if link != plain.link { result[.link] = link.rawValue }
        if linger != plain.linger { result[.linger] = "\(linger.milliseconds)ms" }
        result[.secretReference] = secretReference
        return Dictionary(uniqueKeysWithValues: result.map { ($0.key.rawValue, $0.value) })
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
