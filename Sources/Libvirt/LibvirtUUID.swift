internal import LibvirtProtocol
internal import XDR

/// The identity of one of libvirt's objects: sixteen bytes that stay when name and id change.
public struct LibvirtUUID: Hashable, Sendable, LosslessStringConvertible {
    let raw: remote_uuid

    init(_ raw: remote_uuid) { self.raw = raw }

    /// Takes sixteen bytes; nil for any other count.
    public init?(bytes: [UInt8]) {
        guard let raw = remote_uuid(bytes) else { return nil }
        self.raw = raw
    }

    /// Reads 32 hexadecimal digits, with hyphens anywhere between them, as libvirt does.
    public init?(_ text: String) {
        var digits: [UInt8] = []
        for character in text where character != "-" {
            guard let digit = character.hexDigitValue else { return nil }
            digits.append(UInt8(digit))
        }
        guard digits.count == 32 else { return nil }
        self.init(bytes: (0..<16).map { digits[2 * $0] << 4 | digits[2 * $0 + 1] })
    }

    /// The sixteen bytes.
    public var bytes: [UInt8] { raw.bytes }

    /// The usual form: lower case, in groups of 8, 4, 4, 4 and 12 digits.
    public var description: String {
        var text = ""
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index) { text += "-" }
            text += String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }
        return text
    }
}
