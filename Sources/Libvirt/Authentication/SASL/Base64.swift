/// Base 64 as SCRAM wants it: padded, one spelling for each value, nothing else between.
///
/// Source: RFC 4648 section 4; strict as its section 3.5 allows.
enum Base64 {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private static let values: [UInt8: UInt32] = Dictionary(
        uniqueKeysWithValues: alphabet.enumerated().map { ($1, UInt32($0)) })

    private static let padding = UInt8(ascii: "=")

    static func encode(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var rest = bytes[...]
        while !rest.isEmpty {
            let group = rest.prefix(3)
            rest = rest.dropFirst(3)
            var bits: UInt32 = 0
            for byte in group { bits = bits << 8 | UInt32(byte) }
            bits <<= 8 * UInt32(3 - group.count)
            for digit in 0..<4 {
                let value = Int(bits >> (18 - 6 * UInt32(digit)) & 63)
                text.append(digit <= group.count ? alphabet[value] : padding)
            }
        }
        return text
    }

    /// The bytes; nil for anything that `encode` would not have written.
    static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        var rest = text[...]
        while !rest.isEmpty {
            let group = rest.prefix(4)
            rest = rest.dropFirst(4)
            let digits = group.prefix { $0 != padding }
            let isPadded = digits.count < 4
            guard digits.count >= 2, rest.isEmpty || !isPadded,
                group.dropFirst(digits.count).allSatisfy({ $0 == padding })
            else { return nil }
            var bits: UInt32 = 0
            for digit in digits {
                guard let value = values[digit] else { return nil }
                bits = bits << 6 | value
            }
            bits <<= 6 * UInt32(4 - digits.count)
            let count = digits.count - 1
            // Bits that carry nothing must be zero, or one value would have several spellings.
            guard bits & (0xFF_FFFF >> (8 * UInt32(count))) == 0 else { return nil }
            for index in 0..<count {
                bytes.append(UInt8(truncatingIfNeeded: bits >> (16 - 8 * UInt32(index))))
            }
        }
        return bytes
    }
}
