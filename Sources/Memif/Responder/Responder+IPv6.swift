extension Responder {
    /// Answers a neighbour solicitation or an ICMPv6 echo request for one of our addresses.
    func answerV6(_ frame: inout MutableRawSpan) -> Bool {
        guard frame.byteCount >= IPv6.message + 8, frame.byte(IPv6.start) >> 4 == 6,
            frame.byte(IPv6.nextHeader) == 58
        else { return false }
        let length = Int(frame.word(IPv6.payloadLength))
        guard length >= 8, IPv6.message + length <= frame.byteCount,
            checksumSum(frame, length) == 0xFFFF
        else { return false }
        switch frame.byte(IPv6.message) {
        case 128: return answerEchoV6(&frame, length)
        case 135: return answerSolicitation(&frame, length)
        default: return false
        }
    }

    private func answerEchoV6(_ frame: inout MutableRawSpan, _ length: Int) -> Bool {
        guard isOurs(frame), frame.byte(IPv6.message + 1) == 0,
            addressesV6.contains(where: { frame.matches($0.bytes, at: IPv6.destination) })
        else { return false }
        turn(&frame)
        frame.swap(IPv6.source, IPv6.destination, count: 16)
        frame.set(64 as UInt8, at: IPv6.hopLimit)
        frame.set(129 as UInt8, at: IPv6.message)
        setChecksum(&frame, length)
        return true
    }

    /// A solicitation whose option tells the asker's hardware address becomes an advertisement whose
    /// option tells ours; one without, as an asker sends that knows ours, one without.
    private func answerSolicitation(_ frame: inout MutableRawSpan, _ length: Int) -> Bool {
        let unspecified = [UInt8](repeating: 0, count: 16)
        let hasOption = length >= 32 && frame.matches([1, 1], at: IPv6.option)
        // Without a source it is an address duplicate test, which is not for us to fail.
        guard length >= 24, length == 24 || hasOption, frame.byte(IPv6.hopLimit) == 255,
            !frame.matches(unspecified, at: IPv6.source),
            let target = addressesV6.first(where: { frame.matches($0.bytes, at: IPv6.target) })
        else { return false }
        turn(&frame)
        frame.copy(from: IPv6.source, to: IPv6.destination, count: 16)
        frame.set(target.bytes, at: IPv6.source)
        frame.set(136 as UInt8, at: IPv6.message)
        // Solicited, and it overrides what the asker believes.
        frame.set([0x60, 0, 0, 0], at: IPv6.message + 4)
        if hasOption {
            frame.set(2 as UInt8, at: IPv6.option)
            frame.set(hardwareAddress.bytes, at: IPv6.option + 2)
        }
        setChecksum(&frame, length)
        return true
    }

    /// The sum over the pseudo header and the message; 0xFFFF when the checksum in it is right.
    ///
    /// Source: RFC 8200, 8.1.
    private func checksumSum(_ frame: borrowing MutableRawSpan, _ length: Int) -> UInt16 {
        let addresses = frame.onesComplementSum(from: IPv6.source, count: 32, adding: 58)
        let (sum, carry) = addresses.addingReportingOverflow(UInt16(length))
        return frame.onesComplementSum(
            from: IPv6.message, count: length, adding: carry ? sum + 1 : sum)
    }

    private func setChecksum(_ frame: inout MutableRawSpan, _ length: Int) {
        frame.set(0 as UInt16, at: IPv6.message + 2)
        frame.set(~checksumSum(frame, length), at: IPv6.message + 2)
    }
}

/// Offsets of the IPv6 header and of ICMPv6 straight behind it, in the frame.
private enum IPv6 {
    static let start = 14
    static let payloadLength = 18
    static let nextHeader = 20
    static let hopLimit = 21
    static let source = 22
    static let destination = 38
    static let message = 54
    static let target = 62
    static let option = 78
}
