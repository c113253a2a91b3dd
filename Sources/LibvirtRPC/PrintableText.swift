extension String {
    /// The text in a form that is safe on a terminal and in a log, for what a peer has written: one
    /// line, not too long, and nothing in it that moves the cursor or changes the direction.
    package var printable: String { printable(longest: 4096) }

    /// As `printable`, of so many Unicode scalars and no more.
    package func printable(longest: Int) -> String {
        var text = ""
        var length = 0
        for scalar in unicodeScalars {
            guard length < longest else { return text + "…" }
            length += 1
            switch (scalar, scalar.properties.generalCategory) {
            case ("\t", _), ("\n", _), ("\r", _), (_, .lineSeparator), (_, .paragraphSeparator):
                text += " "
            case (_, .control), (_, .format):
                text += "\\u{" + String(scalar.value, radix: 16) + "}"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
