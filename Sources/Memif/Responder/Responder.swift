/// Answers ARP requests, neighbour solicitations and echo requests for one address.
///
/// A pure function from a frame to its reply, which is made in place: no reply is longer than its request.
/// Frames with a VLAN tag, fragments, and anything with a wrong checksum get no answer.
///
/// Source: RFC 826, RFC 792, RFC 4443, RFC 4861.
public struct Responder: Hashable, Sendable {
    /// The IPv4 address that it answers for.
    public let address: IPv4Address
    /// The hardware address that it answers with.
    public let hardwareAddress: MACAddress
    /// The IPv6 addresses that it answers for.
    public let addressesV6: [IPv6Address]

    /// A responder for an address.
    ///
    /// - Parameters:
    ///   - hardwareAddress: nil makes one from the IPv4 address.
    ///   - addressesV6: nil gives the link-local address of the hardware address.
    public init(
        address: IPv4Address, hardwareAddress: MACAddress? = nil,
        addressesV6: [IPv6Address]? = nil
    ) {
        let hardware = hardwareAddress ?? MACAddress(local: address)
        self.address = address
        self.hardwareAddress = hardware
        self.addressesV6 = addressesV6 ?? [IPv6Address(linkLocalFor: hardware)]
    }

    /// Turns a request into its reply.
    ///
    /// - Returns: the reply's length; nil where there is none, and the frame is as it was.
    public func answer(_ frame: inout MutableRawSpan) -> Int? {
        guard frame.byteCount >= Ethernet.headerByteCount else { return nil }
        let isAnswered =
            switch frame.word(Ethernet.type) {
            case 0x0806: answerARP(&frame)
            case 0x0800: answerEcho(&frame)
            case 0x86DD: answerV6(&frame)
            default: false
            }
        return isAnswered ? frame.byteCount : nil
    }

    /// The reply to a request, as new bytes.
    public func answer(to request: [UInt8]) -> [UInt8]? {
        var frames = FrameBatch(frameCapacity: 1, byteCapacity: max(request.count, 64))
        frames.append(request)
        let length = frames.withMutableFrame(at: 0) { answer(&$0) }
        guard let length else { return nil }
        return frames.bytes(of: 0, count: length)
    }

    /// Whether the frame was sent to us alone.
    func isOurs(_ frame: borrowing MutableRawSpan) -> Bool {
        frame.matches(hardwareAddress.bytes, at: Ethernet.destination)
    }

    /// Sends the frame back to where it came from.
    func turn(_ frame: inout MutableRawSpan) {
        frame.copy(from: Ethernet.source, to: Ethernet.destination, count: 6)
        frame.set(hardwareAddress.bytes, at: Ethernet.source)
    }

    private func answerARP(_ frame: inout MutableRawSpan) -> Bool {
        // Ethernet and IPv4, request, for our address.
        guard frame.byteCount >= ARP.end,
            frame.matches([0, 1, 8, 0, 6, 4, 0, 1], at: ARP.start),
            frame.matches(address.bytes, at: ARP.targetAddress)
        else { return false }
        turn(&frame)
        frame.set(2 as UInt16, at: ARP.operation)
        frame.copy(from: ARP.senderHardware, to: ARP.targetHardware, count: 10)
        frame.set(hardwareAddress.bytes, at: ARP.senderHardware)
        frame.set(address.bytes, at: ARP.senderAddress)
        return true
    }

    private func answerEcho(_ frame: inout MutableRawSpan) -> Bool {
        guard frame.byteCount >= IPv4.start + 20, isOurs(frame),
            frame.byte(IPv4.start) >> 4 == 4
        else { return false }
        let header = Int(frame.byte(IPv4.start) & 0x0F) * 4
        let total = Int(frame.word(IPv4.totalLength))
        let message = IPv4.start + header
        let isFragment = frame.word(IPv4.fragment) & 0x3FFF != 0
        guard header >= 20, total >= header + 8, IPv4.start + total <= frame.byteCount,
            !isFragment, frame.byte(IPv4.protocol) == 1,
            frame.matches(address.bytes, at: IPv4.destination),
            frame.byte(message) == 8, frame.byte(message + 1) == 0,
            frame.onesComplementSum(from: IPv4.start, count: header) == 0xFFFF,
            frame.onesComplementSum(from: message, count: total - header) == 0xFFFF
        else { return false }
        turn(&frame)
        frame.swap(IPv4.source, IPv4.destination, count: 4)
        frame.set(64 as UInt8, at: IPv4.timeToLive)
        frame.set(0 as UInt16, at: IPv4.checksum)
        frame.set(~frame.onesComplementSum(from: IPv4.start, count: header), at: IPv4.checksum)
        frame.set(0 as UInt8, at: message)
        frame.set(0 as UInt16, at: message + 2)
        frame.set(
            ~frame.onesComplementSum(from: message, count: total - header), at: message + 2)
        return true
    }
}

/// Offsets in an Ethernet frame.
enum Ethernet {
    static let destination = 0
    static let source = 6
    static let type = 12
    static let headerByteCount = 14
}

/// Offsets of ARP for Ethernet and IPv4, in the frame.
private enum ARP {
    static let start = 14
    static let operation = 20
    static let senderHardware = 22
    static let senderAddress = 28
    static let targetHardware = 32
    static let targetAddress = 38
    static let end = 42
}

/// Offsets of the IPv4 header, in the frame.
private enum IPv4 {
    static let start = 14
    static let totalLength = 16
    static let fragment = 20
    static let timeToLive = 22
    static let `protocol` = 23
    static let checksum = 24
    static let source = 26
    static let destination = 30
}
