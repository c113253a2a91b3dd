/// A domain's UUID: the one name that a domain keeps for life, on every host.
public struct VMIdentifier: Hashable, Sendable, Comparable, LosslessStringConvertible {
    /// Its sixteen bytes, in the order in which they are written.
    public let bytes: [UInt8]

    /// No domain's: for measuring paths.
    static let zero = VMIdentifier(zeroes: ())

    private init(zeroes: Void) { bytes = Array(repeating: 0, count: 16) }

    /// Takes sixteen bytes; nil for any other count.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        self.bytes = bytes
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
        var text = ""
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index) { text += "-" }
            text += String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }
        return text
    }

    /// Order by bytes, which is the order of the written form.
    public static func < (left: VMIdentifier, right: VMIdentifier) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}
