extension ControlMessage {
    /// The bytes of one message, all of them defined: what a message does not use is zero, so that
    /// nothing of our memory leaks to a peer.
    public typealias Bytes = [128 of UInt8]

    /// The message as it travels.
    public func encoded() -> Bytes {
        var writer = MessageWriter()
        switch self {
        case .noOperation: writer.put(0 as UInt16)
        case .acknowledge: writer.put(1 as UInt16)
        case .hello(let hello): writer.put(hello)
        case .initialize(let initialize): writer.put(initialize)
        case .addRegion(let region):
            writer.put(4 as UInt16)
            writer.put(region.index)
            writer.put(region.byteCount)
        case .addRing(let ring): writer.put(ring)
        case .connect(let name):
            writer.put(6 as UInt16)
            writer.put(name, byteCount: MemifProtocol.nameByteCount)
        case .connected(let name):
            writer.put(7 as UInt16)
            writer.put(name, byteCount: MemifProtocol.nameByteCount)
        case .disconnect(let reason):
            writer.put(8 as UInt16)
            writer.put(reason.code.rawValue)
            writer.put(reason.text, byteCount: MemifProtocol.reasonByteCount)
        }
        return writer.bytes
    }

    /// Reads a message. Every field has its place in the 128 bytes, so nothing but the type can be
    /// wrong here; whether the values make sense is for the handshake to say.
    public init(decoding bytes: Bytes) throws(ControlMessageError) {
        var reader = MessageReader(bytes: bytes)
        let type: UInt16 = reader.take()
        switch type {
        case 0: self = .noOperation
        case 1: self = .acknowledge
        case 2: self = .hello(reader.takeHello())
        case 3: self = .initialize(reader.takeInitialize())
        case 4: self = .addRegion(AddRegion(index: reader.take(), byteCount: reader.take()))
        case 5: self = .addRing(reader.takeRing())
        case 6: self = .connect(interfaceName: reader.takeText(MemifProtocol.nameByteCount))
        case 7: self = .connected(interfaceName: reader.takeText(MemifProtocol.nameByteCount))
        case 8:
            let code = DisconnectReason.Code(rawValue: reader.take())
            self = .disconnect(
                DisconnectReason(code, reader.takeText(MemifProtocol.reasonByteCount)))
        default: throw .unknownType(type)
        }
    }
}

/// Writes packed little-endian fields one after the other into a zeroed message.
private struct MessageWriter {
    var bytes: ControlMessage.Bytes = .init(repeating: 0)
    private var offset = 0

    mutating func put(_ value: some FixedWidthInteger) {
        for shift in stride(from: 0, to: value.bitWidth, by: 8) {
            bytes[offset] = UInt8(truncatingIfNeeded: value >> shift)
            offset += 1
        }
    }

    mutating func put(_ field: some Collection<UInt8>, byteCount: Int) {
        for (index, byte) in field.prefix(byteCount).enumerated() { bytes[offset + index] = byte }
        offset += byteCount
    }

    mutating func put(_ text: String, byteCount: Int) {
        put(WireText.encode(text, byteCount: byteCount), byteCount: byteCount)
    }

    mutating func put(_ hello: ControlMessage.Hello) {
        put(2 as UInt16)
        put(hello.name, byteCount: MemifProtocol.nameByteCount)
        put(hello.oldestVersion)
        put(hello.newestVersion)
        put(hello.largestRegionIndex)
        put(hello.largestMasterToSlaveIndex)
        put(hello.largestSlaveToMasterIndex)
        put(hello.largestLog2RingSize)
    }

    mutating func put(_ initialize: ControlMessage.Initialize) {
        put(3 as UInt16)
        put(initialize.version)
        put(initialize.id)
        put(initialize.mode)
        put(initialize.secret.field, byteCount: MemifProtocol.secretByteCount)
        put(initialize.name, byteCount: MemifProtocol.nameByteCount)
    }

    mutating func put(_ ring: ControlMessage.AddRing) {
        put(5 as UInt16)
        put((ring.direction == .slaveToMaster ? 1 : 0) as UInt16)
        put(ring.index)
        put(ring.region)
        put(ring.offset)
        put(ring.log2Size)
        put(ring.privateHeaderByteCount)
    }
}

/// Reads packed little-endian fields one after the other.
private struct MessageReader {
    let bytes: ControlMessage.Bytes
    private var offset = 0

    init(bytes: ControlMessage.Bytes) { self.bytes = bytes }

    mutating func take<Value: FixedWidthInteger>() -> Value {
        var value: Value = 0
        for shift in stride(from: 0, to: Value.bitWidth, by: 8) {
            value |= Value(truncatingIfNeeded: bytes[offset]) << shift
            offset += 1
        }
        return value
    }

    mutating func takeField(_ byteCount: Int) -> [UInt8] {
        defer { offset += byteCount }
        return (offset..<offset + byteCount).map { bytes[$0] }
    }

    mutating func takeText(_ byteCount: Int) -> String { WireText.decode(takeField(byteCount)) }

    mutating func takeHello() -> ControlMessage.Hello {
        ControlMessage.Hello(
            name: takeText(MemifProtocol.nameByteCount), oldestVersion: take(),
            newestVersion: take(), largestRegionIndex: take(), largestMasterToSlaveIndex: take(),
            largestSlaveToMasterIndex: take(), largestLog2RingSize: take())
    }

    mutating func takeInitialize() -> ControlMessage.Initialize {
        ControlMessage.Initialize(
            version: take(), id: take(), mode: take(),
            secret: Secret(field: takeField(MemifProtocol.secretByteCount)),
            name: takeText(MemifProtocol.nameByteCount))
    }

    mutating func takeRing() -> ControlMessage.AddRing {
        let flags: UInt16 = take()
        return ControlMessage.AddRing(
            direction: flags & 1 == 1 ? .slaveToMaster : .masterToSlave, index: take(),
            region: take(), offset: take(), log2Size: take(), privateHeaderByteCount: take())
    }
}
