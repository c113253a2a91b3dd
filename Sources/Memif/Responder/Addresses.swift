/// A 48-bit hardware address.
public struct MACAddress: Hashable, Sendable, CustomStringConvertible {
    /// The six bytes.
    public let bytes: [UInt8]

    /// Makes an address of six bytes; nil for another number.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 6 else { return nil }
        self.bytes = bytes
    }

    /// Reads `52:54:00:aa:bb:01`.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let bytes = parts.compactMap { $0.count == 2 ? UInt8($0, radix: 16) : nil }
        guard parts.count == 6 else { return nil }
        self.init(bytes: bytes)
    }

    /// A locally administered unicast address that is made from four bytes, such as an IPv4 address:
    /// the same bytes give the same address.
    public init(local tail: IPv4Address) {
        bytes = [0x02, 0xFE] + tail.bytes
    }

    /// The six bytes in hexadecimal with colons.
    public var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}

/// An IPv4 address.
public struct IPv4Address: Hashable, Sendable, CustomStringConvertible {
    /// The four bytes, in the order of the network.
    public let bytes: [UInt8]

    /// Makes an address of four bytes; nil for another number.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 4 else { return nil }
        self.bytes = bytes
    }

    /// Reads `192.168.1.1`. A prefix length as in `192.168.1.1/24` is allowed, and checked, for a
    /// responder answers for one address whatever the network's size.
    public init?(_ text: String) {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        if halves.count == 2 {
            guard let length = UInt8(halves[1]), length <= 32 else { return nil }
        } else if halves.count != 1 {
            return nil
        }
        let parts = halves[0].split(separator: ".", omittingEmptySubsequences: false)
        let isDecimal = parts.allSatisfy { $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
        guard parts.count == 4, isDecimal else { return nil }
        self.init(bytes: parts.compactMap { UInt8($0) })
    }

    /// The four numbers with dots.
    public var description: String { bytes.map(String.init).joined(separator: ".") }
}

/// An IPv6 address.
public struct IPv6Address: Hashable, Sendable {
    /// The sixteen bytes, in the order of the network.
    public let bytes: [UInt8]

    /// Makes an address of sixteen bytes; nil for another number.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    /// The link-local address that a hardware address gives.
    ///
    /// Source: RFC 4291, 2.5.6 and appendix A.
    public init(linkLocalFor hardware: MACAddress) {
        let mac = hardware.bytes
        bytes =
            [0xFE, 0x80, 0, 0, 0, 0, 0, 0, mac[0] ^ 2, mac[1], mac[2], 0xFF, 0xFE]
            + mac[3...5]
    }
}
