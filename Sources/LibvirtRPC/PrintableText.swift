extension String {
    /// The text in a form that is safe on a terminal and in a log, for what a peer has written: one
    /// line, not too long, and nothing in it that moves the cursor or changes the direction.
    package var printable: String {
        var text = ""
        var length = 0
        for scalar in unicodeScalars {
            guard length < Self.longestPrintable else { return text + "…" }
            length += 1
            switch scalar.value {
            case 0x09, 0x0A, 0x0D, 0x2028, 0x2029: text += " "
            case ..<0x20, 0x7F...0x9F, 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069:
                text += "\\u{" + String(scalar.value, radix: 16) + "}"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    /// In Unicode scalars.
    private static var longestPrintable: Int { 4096 }
}
