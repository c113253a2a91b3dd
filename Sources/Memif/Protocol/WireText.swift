/// Text in a field of fixed length, as memif's names and reasons are.
///
/// Peers fill such fields in many ways: padded with zeros, ended by one NUL with old bytes behind
/// it, or full to the last byte without any NUL. Nothing is ever read beyond the field.
enum WireText {
    /// The text of a field: up to the first NUL or to the field's end, invalid UTF-8 repaired, and
    /// control characters replaced, for a peer's name may end up on an operator's terminal.
    static func decode(_ bytes: some Sequence<UInt8>) -> String {
        let text = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        return String(
            String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? "?" : $0 }))
    }

    /// The bytes of a text that fit in a field of `byteCount` with a NUL behind them; a character
    /// is never cut in two.
    static func encode(_ text: String, byteCount: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        for character in text {
            let piece = Array(character.utf8)
            if bytes.count + piece.count > byteCount - 1 || piece.contains(0) { break }
            bytes += piece
        }
        return bytes
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
    }
}
