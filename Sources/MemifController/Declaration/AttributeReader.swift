internal import LibvirtRPC

/// Reads single attributes, each with its own rule.
struct AttributeReader {
    private let attributes: [String: String]

    init(_ attributes: [String: String]) {
        self.attributes = attributes
    }

    private func text(_ attribute: PortAttribute) -> String? {
        attributes[attribute.rawValue]
    }

    private func refuse(
        _ attribute: PortAttribute, _ value: String, _ problem: String, _ remedy: String
    ) -> AttributeError {
        AttributeError(
            attribute: attribute, problem: "'\(value.printable)' \(problem)", remedy: remedy)
    }

    func name() throws(AttributeError) -> String {
        guard let name = text(.name) else {
            throw AttributeError(
                attribute: .name, problem: "is missing",
                remedy: "give the port a name of its own, such as name='lan0'")
        }
        guard name.isPortName else {
            throw refuse(
                .name, name, "is no port name",
                "use a letter or digit and then letters, digits, '-', '_' and '.', "
                    + "\(PortDeclaration.longestName) bytes at most")
        }
        return name
    }

    func number(
        _ attribute: PortAttribute, in range: ClosedRange<Int>
    ) throws(AttributeError) -> Int? {
        guard let text = text(attribute) else { return nil }
        guard let number = Int(decimal: text), range.contains(number) else {
            throw refuse(
                attribute, text, "is out of place",
                "write a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func powerOfTwo(
        _ attribute: PortAttribute, in range: ClosedRange<Int>
    ) throws(AttributeError) -> Int? {
        guard let text = text(attribute) else { return nil }
        guard let number = Int(decimal: text), range.contains(number),
            number.nonzeroBitCount == 1
        else {
            throw refuse(
                attribute, text, "is out of place",
                "write a power of two from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ attribute: PortAttribute
    ) throws(AttributeError) -> Choice? {
        guard let text = text(attribute) else { return nil }
        guard let choice = Choice(rawValue: text) else {
            throw refuse(
                attribute, text, "is not known",
                "write one of \(Choice.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", "))"
            )
        }
        return choice
    }

    func attachment() throws(AttributeError) -> PortAttachment {
        let name = text(.attach) ?? PortAttachment.none.name
        switch name {
        case "none":
            if let address = text(.address) {
                throw refuse(
                    .address, address, "has no use on a port with attach='none'",
                    "remove it, or write attach='responder'")
            }
            return .none
        case "responder":
            guard let text = text(.address) else {
                throw AttributeError(
                    attribute: .address, problem: "is missing, and a responder needs one",
                    remedy: "write the address to answer for, such as address='192.0.2.1/24'")
            }
            guard let address = InterfaceAddress(text) else {
                throw refuse(
                    .address, text, "is no IPv4 address with a prefix length",
                    "write one such as address='192.0.2.1/24'")
            }
            return .responder(address)
        default:
            throw refuse(
                .attach, name, "is nothing that this version can attach a port to",
                "write one of \(PortAttachment.names.map { "'\($0)'" }.joined(separator: ", "))")
        }
    }

    func accountName(_ attribute: PortAttribute) throws(AttributeError) -> String? {
        guard let text = text(attribute) else { return nil }
        let fits = (1...32).contains(text.utf8.count) && text.utf8.first != UInt8(ascii: "-")
        guard fits, text.utf8.allSatisfy({ $0.isAccountByte }) else {
            throw refuse(
                attribute, text, "is no account's name",
                "write the name or the number of one that this host has")
        }
        return text
    }

    func duration(
        _ attribute: PortAttribute, upTo longest: Duration
    ) throws(AttributeError) -> Duration? {
        guard let text = text(attribute) else { return nil }
        guard let duration = Duration(shortForm: text), duration <= longest else {
            throw refuse(
                attribute, text, "is no such length of time",
                "write a whole number with ms, s or m, such as '500ms' or '10s', "
                    + "\(longest.components.seconds)s at most")
        }
        return duration
    }

    func secretName() throws(AttributeError) -> String? {
        guard let text = text(.secretReference) else { return nil }
        guard text.isPortName else {
            throw refuse(
                .secretReference, text, "is no secret's name",
                "write the name of a secret that this host has, never the secret itself")
        }
        return text
    }
}

extension String {
    /// Letters, digits, '-', '_' and '.', beginning with a letter or digit: safe as a file's name.
    var isPortName: Bool {
        guard let first = utf8.first, first.isLetterOrDigit else { return false }
        return utf8.count <= PortDeclaration.longestName
            && utf8.allSatisfy { $0.isAccountByte }
    }

    /// Fit for a log line as one word of several: shorter than a peer's whole sentence.
    package var printable: String { printable(longest: 64) }
}

extension UInt8 {
    fileprivate var isLetterOrDigit: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }

    fileprivate var isAccountByte: Bool {
        isLetterOrDigit || self == UInt8(ascii: "-") || self == UInt8(ascii: "_")
            || self == UInt8(ascii: ".")
    }
}

extension Duration {
    /// Reads a whole number with `ms`, `s` or `m` after it; zero needs no unit.
    package init?(shortForm text: String) {
        if text == "0" {
            self = .zero
            return
        }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        // Nine digits are beyond every limit and within every integer.
        guard digits.count <= 9, let number = Int(decimal: digits) else { return nil }
        switch text.dropFirst(digits.count) {
        case "ms": self = .milliseconds(number)
        case "s": self = .seconds(number)
        case "m": self = .seconds(60 * number)
        default: return nil
        }
    }

    /// What ``init(shortForm:)`` reads, in the largest unit that has no rest; milliseconds are cut off below.
    package var shortForm: String {
        let milliseconds = milliseconds
        if milliseconds == 0 { return "0" }
        if milliseconds % 60_000 == 0 { return "\(milliseconds / 60_000)m" }
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
    }
}
