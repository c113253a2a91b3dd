/// A domain's UUID: the one name that a domain keeps for life, on every host.
public struct VMIdentifier: Hashable, Sendable, Comparable, LosslessStringConvertible {
    // Not an array: there are as many as domains, in sets and dictionaries.
    private let high: UInt64
    private let low: UInt64

    /// No domain's: for measuring paths.
    static let zero = VMIdentifier(high: 0, low: 0)

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Takes sixteen bytes; nil for any other count.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        high = bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }
        low = bytes[8...].reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Its sixteen bytes, in the order in which they are written.
    public var bytes: [UInt8] {
        (0..<16).map { index in
            UInt8(truncatingIfNeeded: (index < 8 ? high : low) >> UInt64(56 - index % 8 * 8))
        }
    }

    /// Reads the usual form, in either case: `11111111-2222-3333-4444-555555555555`.
    public init?(_ text: String) {
        guard text.utf8.count == 36 else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8?
        for (index, character) in text.utf8.enumerated() {
            if [8, 13, 18, 23].contains(index) {
                guard character == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let digit = Character(UnicodeScalar(character)).hexDigitValue else { return nil }
            if let first = high {
                bytes.append(first << 4 | UInt8(digit))
                high = nil
            } else {
                high = UInt8(digit)
            }
        }
        self.init(bytes: bytes)
    }

    /// The usual form, in lower case.
    public var description: String {
        // Every path has one, and every line about a port.
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for (index, byte) in bytes.enumerated() {
            if index == 4 || index == 6 || index == 8 || index == 10 {
                text.append(UInt8(ascii: "-"))
            }
            text.append(Self.digit(byte >> 4))
            text.append(Self.digit(byte & 15))
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + (value - 10)
    }

    /// Order by bytes, which is the order of the written form.
    public static func < (left: VMIdentifier, right: VMIdentifier) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}
