/// Writes an enumeration as a structure around its number, which keeps numbers that later
/// versions add; one whose members are bits as an `OptionSet`.
struct EnumerationWriter {
    struct Value {
        var swiftName: String
        /// The name in C or on the wire.
        var name: String
        var number: Int64
        var doc: String
    }

    let name: String
    let values: [Value]
    var isOnWire = false

    /// A structure with a constant for each member.
    func text(doc: String) -> SourceText {
        var text = SourceText()
        text.doc(doc)
        let coding = isOnWire ? "XDREnumeration, " : "RawRepresentable, "
        text.line(
            "public struct \(name): \(coding)Hashable, Sendable, CaseIterable {")
        text.doc("The number.", indent: 1)
        text.line("public let rawValue: Int32", indent: 1)
        text.line()
        text.doc("The value with this number, which need not be known.", indent: 1)
        text.line("public init(rawValue: Int32) { self.rawValue = rawValue }", indent: 1)
        text.line()
        for value in values {
            text.doc(value.doc, indent: 1)
            text.line(
                "public static let \(value.swiftName) = \(name)(rawValue: \(value.number))",
                indent: 1)
        }
        text.line()
        text.doc("Every known value.", indent: 1)
        text.list(
            "public static let allCases: [\(name)] = [", unique.map { ".\($0.swiftName)" }, "]",
            indent: 1)
        text.line("}")
        text.line()
        text.append(description)
        return text
    }

    /// The values without second names for a number.
    private var unique: [Value] {
        var seen: Set<Int64> = []
        return values.filter { seen.insert($0.number).inserted }
    }

    private var description: SourceText {
        var text = SourceText()
        text.line("extension \(name): CustomStringConvertible {")
        text.doc("The name in libvirt's C, or the number where it is not known.", indent: 1)
        text.line("public var description: String {", indent: 1)
        text.line("switch rawValue {", indent: 2)
        for value in unique { text.line("case \(value.number): \"\(value.name)\"", indent: 2) }
        text.line("default: \"\(name)(\\(rawValue))\"", indent: 2)
        text.line("}", indent: 2)
        text.line("}", indent: 1)
        text.line("}")
        return text
    }

    /// A set of options with a constant for each bit; a member of value 0 is the empty set.
    func optionSet(doc: String) -> SourceText {
        var text = SourceText()
        text.doc(doc)
        text.line("public struct \(name): OptionSet, Hashable, Sendable {")
        text.doc("The bits.", indent: 1)
        text.line("public let rawValue: UInt32", indent: 1)
        text.line()
        text.doc("The set with these bits, which need not be known.", indent: 1)
        text.line("public init(rawValue: UInt32) { self.rawValue = rawValue }", indent: 1)
        text.line()
        for value in values where value.number != 0 {
            text.doc(value.doc, indent: 1)
            text.line(
                "public static let \(value.swiftName) = \(name)(rawValue: \(hex(value.number)))",
                indent: 1)
        }
        text.line("}")
        return text
    }

    private func hex(_ number: Int64) -> String { "0x" + String(number, radix: 16) }
}
