/// Writes the types of a protocol in Swift, under the names that they have on the wire.
struct TypeWriter {
    let schema: Schema

    /// - Throws: `LanguageError` for what the schema does not define or Swift's side has not.
    func text(of definition: Definition, doc: String) throws(LanguageError) -> SourceText {
        switch definition.body {
        case .constant(let value):
            var text = SourceText()
            text.doc(doc)
            text.line("public let \(definition.name): Int = \(try schema.value(value))")
            return text
        case .alias(let declaration): return try alias(declaration, doc)
        case .enumeration(let members): return try enumeration(definition.name, members, doc)
        case .structure(let fields): return try structure(definition.name, fields, doc)
        case .union(_, let arms): return try union(definition.name, arms, doc)
        }
    }

    private func alias(
        _ declaration: Declaration, _ doc: String
    ) throws(LanguageError) -> SourceText {
        var text = SourceText()
        text.doc(doc)
        text.line(
            "public typealias \(declaration.name) = \(try schema.coding(of: declaration).type)")
        return text
    }

    private func structure(
        _ name: String, _ fields: [Declaration], _ doc: String
    ) throws(LanguageError) -> SourceText {
        var text = SourceText()
        text.doc(doc)
        // Values that stand for objects serve as keys; arguments and results do not.
        let equality = name.contains("_nonnull_") ? "Hashable" : "Equatable"
        text.line("public struct \(name): XDRCodable, \(equality), Sendable {")
        var codings: [(name: String, coding: Coding)] = []
        for field in fields {
            let coding = try schema.coding(of: field)
            let name = SwiftNames.escaped(field.name)
            text.doc(field.comment ?? "`\(field)`", indent: 1)
            text.line("public var \(name): \(coding.type)", indent: 1)
            codings.append((name, coding))
        }
        text.line()
        text.doc("Sets every field, in the order of the wire.", indent: 1)
        text.call(
            "public init(", codings.map { "\($0.name): \($0.coding.type)" }, ") {", indent: 1)
        for field in codings { text.line("self.\(field.name) = \(field.name)", indent: 2) }
        text.line("}", indent: 1)
        text.append(minimum(try schema.minimumByteCount(ofTypeNamed: name)))
        text.append(decoding(codings.map { "\($0.name) = \($0.coding.decode)" }))
        text.append(encoding(codings.map { $0.coding.encode($0.name) }))
        text.line("}")
        return text
    }

    private func minimum(_ count: Int) -> SourceText {
        var text = SourceText()
        text.line()
        text.doc("The fewest bytes that a value takes.", indent: 1)
        text.line("public static var minimumByteCount: Int { \(count) }", indent: 1)
        return text
    }

    private func decoding(_ statements: [String]) -> SourceText {
        var text = SourceText()
        text.line()
        text.doc("Reads a value.", indent: 1)
        text.line("public init(from decoder: inout XDRDecoder) throws(XDRError) {", indent: 1)
        for statement in statements { text.line(statement, indent: 2) }
        text.line("}", indent: 1)
        return text
    }

    private func encoding(_ statements: [String]) -> SourceText {
        var text = SourceText()
        text.line()
        text.doc("Writes the value.", indent: 1)
        text.line(
            "public func encode(to encoder: inout XDREncoder) throws(XDRError) {", indent: 1)
        for statement in statements { text.line(statement, indent: 2) }
        text.line("}", indent: 1)
        return text
    }
}

extension TypeWriter {
    private func enumeration(
        _ name: String, _ members: [Definition.Member], _ doc: String
    ) throws(LanguageError) -> SourceText {
        var values: [EnumerationWriter.Value] = []
        for member in members {
            let value = try schema.value(member.value)
            values.append(
                .init(
                    swiftName: SwiftNames.escaped(member.name), name: member.name, number: value,
                    doc: member.comment ?? "`\(member.name)`: \(value)."))
        }
        return EnumerationWriter(name: name, values: values, isOnWire: true).text(doc: doc)
    }

    private func union(
        _ name: String, _ arms: [Definition.Arm], _ doc: String
    ) throws(LanguageError) -> SourceText {
        var text = SourceText()
        var reads: [String] = ["let discriminant = try decoder.decodeInt32()"]
        reads.append("switch discriminant {")
        var writes: [String] = ["switch self {"]
        text.doc(doc)
        text.line("public enum \(name): XDRCodable, Equatable, Sendable {")
        for arm in arms {
            guard arm.labels.count == 1, let label = arm.labels.first,
                arm.declaration.type != .void
            else {
                throw schema.error("\(name): an arm needs one label and a value of its own")
            }
            let coding = try schema.coding(of: arm.declaration)
            let caseName = SwiftNames.escaped(arm.declaration.name)
            let number = try schema.value(label)
            text.doc("`\(label)` (\(number)): `\(arm.declaration)`.", indent: 1)
            text.line("case \(caseName)(\(coding.type))", indent: 1)
            reads.append("case \(number): self = .\(caseName)(\(coding.decode))")
            writes.append("case .\(caseName)(let value):")
            writes.append("    try encoder.encode(\(number) as Int32)")
            writes.append("    " + coding.encode("value"))
        }
        reads.append(
            "default: throw decoder.invalidDiscriminant(discriminant, of: \"\(name)\")")
        text.append(minimum(try schema.minimumByteCount(ofTypeNamed: name)))
        text.append(decoding(reads + ["}"]))
        text.append(encoding(writes + ["}"]))
        text.line("}")
        return text
    }
}
