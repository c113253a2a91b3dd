/// A shared secret that a slave shows to the master in INIT.
///
/// It is compared in constant time and never appears in a description.
public struct Secret: Hashable, Sendable, CustomStringConvertible {
    /// The wire's field: 24 bytes, zero from the first NUL on.
    let field: [UInt8]

    /// A secret of 1 to 24 bytes of UTF-8 without a NUL. DPDK and C libmemif use at most 23.
    ///
    /// - Throws: `MemifError` with `.invalidConfiguration` for any other length.
    public init(_ text: String) throws(MemifError) {
        let bytes = Array(text.utf8)
        guard (1...MemifProtocol.secretByteCount).contains(bytes.count), !bytes.contains(0) else {
            throw MemifError(
                .invalidConfiguration,
                "a memif secret has 1 to \(MemifProtocol.secretByteCount) bytes and no NUL; "
                    + "this one has \(bytes.count) bytes")
        }
        field = bytes + Array(repeating: 0, count: MemifProtocol.secretByteCount - bytes.count)
    }

    /// What came in the field. C libmemif leaves old memory behind the NUL, so what follows it
    /// does not count. Runs in the same time for every content.
    init(field bytes: some Sequence<UInt8>) {
        var isInside: UInt8 = 0xFF
        field = bytes.prefix(MemifProtocol.secretByteCount).map { byte in
            // All ones for a zero byte, else zero, without a branch.
            let isZero = UInt8(truncatingIfNeeded: (UInt16(byte) &- 1) >> 8)
            isInside &= ~isZero
            return byte & isInside
        }
    }

    /// The empty field of a slave without a secret.
    public static let none = Secret(
        field: Array(repeating: 0, count: MemifProtocol.secretByteCount))

    /// Whether the field holds nothing: its sender has no secret.
    var isEmpty: Bool { field.allSatisfy { $0 == 0 } }

    /// Compares every byte, so that the time says nothing of where two secrets differ.
    public static func == (left: Secret, right: Secret) -> Bool {
        var difference = UInt8(left.field.count == right.field.count ? 0 : 1)
        for (one, other) in zip(left.field, right.field) { difference |= one ^ other }
        return difference == 0
    }

    /// Never the secret itself.
    public var description: String { "(secret)" }
}

extension Secret: CustomReflectable {
    /// Never the secret itself.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
