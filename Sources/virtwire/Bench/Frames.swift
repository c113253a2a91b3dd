internal import Memif

/// An echo request: who asks whom, and which request it is.
struct Echo {
    let from: IPv4Address
    let to: IPv4Address
    let at: MACAddress
    let number: UInt16
}

/// The few frames that a bench sends and knows again.
///
/// Source: RFC 826 (ARP), RFC 791 (IP), RFC 792 (ICMP).
enum Frames {
    private static let identifier: [UInt8] = [0x56, 0x57]

    /// A frame with an experimental EtherType (IEEE 802, 0x88B5) and a number.
    static func plain(byteCount: Int, number: UInt16) -> [UInt8] {
        let start: [UInt8] =
            [0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2, 0x88, 0xB5] + big(number)
        let rest = [UInt8](repeating: 0x2E, count: max(byteCount - start.count, 0))
        return Array((start + rest).prefix(byteCount))
    }

    /// An ARP request.
    static func whoHas(_ target: IPv4Address, _ own: IPv4Address) -> [UInt8] {
        let mac = MACAddress(local: own).bytes
        let header = [UInt8](repeating: 0xFF, count: 6) + mac + [0x08, 0x06]
        let request = [0, 1, 8, 0, 6, 4, 0, 1] + mac + own.bytes
        return header + request + [0, 0, 0, 0, 0, 0] + target.bytes
    }

    /// The hardware address that an ARP reply tells for an address.
    static func hardwareAddress(inReply frame: [UInt8], for target: IPv4Address) -> MACAddress? {
        guard frame.count >= 42, Array(frame[12..<22]) == [8, 6, 0, 1, 8, 0, 6, 4, 0, 2],
            Array(frame[28..<32]) == target.bytes
        else { return nil }
        return MACAddress(bytes: Array(frame[22..<28]))
    }

    /// An echo request, as long as asked for where that is long enough.
    static func echoRequest(_ echo: Echo, byteCount: Int) -> [UInt8] {
        let payload = [UInt8](repeating: 0x2E, count: max(byteCount - 42, 0))
        var message: [UInt8] = [8, 0, 0, 0] + identifier + big(echo.number) + payload
        message.replaceSubrange(2..<4, with: big(checksum(message)))
        var header: [UInt8] =
            [0x45, 0] + big(UInt16(20 + message.count)) + [0, 0, 0, 0, 64, 1, 0, 0]
        header += echo.from.bytes + echo.to.bytes
        header.replaceSubrange(10..<12, with: big(checksum(header)))
        return echo.at.bytes + MACAddress(local: echo.from).bytes + [8, 0] + header + message
    }

    /// Whether a frame is the reply to an echo request.
    static func isReply(_ frame: [UInt8], to echo: Echo) -> Bool {
        guard frame.count >= 42, frame[12] == 8, frame[13] == 0, frame[14] == 0x45,
            frame[23] == 1, frame[34] == 0
        else { return false }
        return Array(frame[26..<30]) == echo.to.bytes && Array(frame[30..<34]) == echo.from.bytes
            && Array(frame[38..<42]) == identifier + big(echo.number)
    }

    private static func big(_ number: UInt16) -> [UInt8] {
        [UInt8(number >> 8), UInt8(number & 0xFF)]
    }

    /// The Internet checksum (RFC 1071).
    static func checksum(_ bytes: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for index in stride(from: 0, to: bytes.count, by: 2) {
            let low = index + 1 < bytes.count ? UInt32(bytes[index + 1]) : 0
            sum += UInt32(bytes[index]) << 8 | low
        }
        while sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
        return ~UInt16(sum)
    }
}
