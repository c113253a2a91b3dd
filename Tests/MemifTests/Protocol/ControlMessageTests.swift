import Memif
import Testing

@Suite("Control messages")
struct ControlMessageTests {
    /// The bytes of a message: those given, the rest zero.
    private func message(_ bytes: [UInt8]) -> [UInt8] {
        bytes + Array(repeating: 0, count: MemifProtocol.messageByteCount - bytes.count)
    }

    private func bytes(of message: ControlMessage) -> [UInt8] {
        let bytes = message.encoded()
        return bytes.indices.map { bytes[$0] }
    }

    private func name(_ text: String, _ count: Int = 32) -> [UInt8] {
        Array(text.utf8) + Array(repeating: 0, count: count - text.utf8.count)
    }

    @Test("HELLO has the limits of the rings to the slave before those from it")
    func hello() {
        let hello = ControlMessage.hello(
            ControlMessage.Hello(
                name: "M", largestRegionIndex: 1, largestMasterToSlaveIndex: 2,
                largestSlaveToMasterIndex: 3, largestLog2RingSize: 14))
        let expected =
            [0x02, 0x00]  // HELLO
            + name("M")
            + [0x00, 0x02]  // oldest version 2.0
            + [0x00, 0x02]  // newest version 2.0
            + [0x01, 0x00]  // largest region index
            + [0x02, 0x00]  // largest master-to-slave ring index
            + [0x03, 0x00]  // largest slave-to-master ring index
            + [0x0E]  // largest log2 of a ring's size
        #expect(bytes(of: hello) == message(expected))
    }

    @Test("INIT has the id, the mode, the secret and the name")
    func initialize() throws {
        let initialize = ControlMessage.initialize(
            ControlMessage.Initialize(
                id: 0x0403_0201, mode: 1, secret: try Secret("open sesame"), name: "S"))
        let expected =
            [0x03, 0x00]  // INIT
            + [0x00, 0x02]  // version 2.0
            + [0x01, 0x02, 0x03, 0x04]  // id
            + [0x01]  // mode IP
            + name("open sesame", 24)
            + name("S")
        #expect(bytes(of: initialize) == message(expected))
    }

    @Test("ADD_REGION has the index and a 64-bit size")
    func addRegion() {
        let region = ControlMessage.addRegion(
            ControlMessage.AddRegion(index: 0x0102, byteCount: 0x1122_3344_5566_7788))
        let expected: [UInt8] =
            [0x04, 0x00]  // ADD_REGION
            + [0x02, 0x01]  // index
            + [0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11]  // size
        #expect(bytes(of: region) == message(expected))
    }

    @Test("ADD_RING has no padding before its last field")
    func addRing() {
        let ring = ControlMessage.addRing(
            ControlMessage.AddRing(
                direction: .slaveToMaster, index: 2, region: 3, offset: 0x0A0B_0C0D, log2Size: 10,
                privateHeaderByteCount: 0x0102))
        let expected: [UInt8] =
            [0x05, 0x00]  // ADD_RING
            + [0x01, 0x00]  // flags: slave to master
            + [0x02, 0x00]  // index
            + [0x03, 0x00]  // region
            + [0x0D, 0x0C, 0x0B, 0x0A]  // offset
            + [0x0A]  // log2 of the size
            + [0x02, 0x01]  // private header
        #expect(bytes(of: ring) == message(expected))
    }

    @Test("ACK, CONNECT, CONNECTED and DISCONNECT")
    func others() {
        #expect(bytes(of: .acknowledge) == message([0x01, 0x00]))
        #expect(bytes(of: .connect(interfaceName: "a")) == message([0x06, 0x00] + name("a")))
        #expect(bytes(of: .connected(interfaceName: "b")) == message([0x07, 0x00] + name("b")))
        let reason = DisconnectReason(DisconnectReason.Code(rawValue: 0x0102_0304), "why")
        #expect(
            bytes(of: .disconnect(reason))
                == message([0x08, 0x00, 0x04, 0x03, 0x02, 0x01] + name("why", 96)))
    }

    static let samples: [ControlMessage] = [
        .noOperation, .acknowledge, .hello(ControlMessage.Hello(name: "master")),
        .initialize(ControlMessage.Initialize(id: 7, mode: 2, name: "slave")),
        .addRegion(ControlMessage.AddRegion(index: 255, byteCount: .max)),
        .addRing(
            ControlMessage.AddRing(
                direction: .masterToSlave, index: 65_535, region: 65_535, offset: .max,
                log2Size: 255, privateHeaderByteCount: 65_535)),
        .connect(interfaceName: "größe"), .connected(interfaceName: ""),
        .disconnect(DisconnectReason(.wrongSecret, "wrong secret")),
    ]

    @Test("a message decodes to what was encoded", arguments: samples)
    func roundTrip(_ sample: ControlMessage) throws {
        #expect(try ControlMessage(decoding: sample.encoded()) == sample)
    }

    @Test("an unknown type is an error, whatever follows it")
    func unknownType() {
        for type in [9, 255, 65_535] as [UInt16] {
            var bytes = ControlMessage.Bytes(repeating: 0xFF)
            bytes[0] = UInt8(type & 0xFF)
            bytes[1] = UInt8(type >> 8)
            #expect(throws: ControlMessageError.unknownType(type)) {
                try ControlMessage(decoding: bytes)
            }
        }
    }

    @Test("every byte pattern of a known type decodes")
    func anything() throws {
        var generator = SeededGenerator()
        for _ in 0..<2000 {
            var bytes = ControlMessage.Bytes(repeating: 0)
            for index in bytes.indices {
                bytes[index] = UInt8.random(in: 0...255, using: &generator)
            }
            bytes[0] = UInt8.random(in: 0...8, using: &generator)
            bytes[1] = 0
            let message = try ControlMessage(decoding: bytes)
            #expect(message.name.isEmpty == false, "seed \(generator.seed)")
        }
    }

    @Test(
        "a name without a NUL ends with its field, and one that is too long is cut between characters"
    )
    func names() throws {
        var full = ControlMessage.connect(interfaceName: "").encoded()
        for index in 2..<full.count { full[index] = 0x61 }
        #expect(
            try ControlMessage(decoding: full)
                == .connect(interfaceName: String(repeating: "a", count: 32)))

        let long = String(repeating: "a", count: 30) + "ü"
        #expect(
            try ControlMessage(decoding: ControlMessage.connect(interfaceName: long).encoded())
                == .connect(interfaceName: String(repeating: "a", count: 30)))
    }

    @Test("a peer's text cannot steer a terminal")
    func controlCharacters() throws {
        let reason = DisconnectReason(.unspecified, "\u{1B}[2Jgone\u{7F}")
        #expect(
            try ControlMessage(decoding: ControlMessage.disconnect(reason).encoded())
                == .disconnect(DisconnectReason(.unspecified, "?[2Jgone?")))
    }

    @Test("only what announces something carries a descriptor")
    func descriptors() {
        let carriers = Self.samples.filter { $0.descriptorCount == 1 }.map(\.name)
        #expect(carriers == ["ADD_REGION", "ADD_RING"])
    }
}
