/// How a declaration looks in Swift: its type, and the calls that read and write it.
struct Coding: Hashable {
    var type: String
    /// The expression that reads a value from `decoder`.
    var decode: String
    /// The call on `encoder` that writes a value; `$` stands for the value.
    var encode: String

    func encode(_ value: String) -> String { encode.replacing("$", with: value) }
}

extension Schema {
    /// - Throws: `LanguageError` for a type that is not defined, or a form that Swift's side has
    ///   no call for.
    func coding(of declaration: Declaration) throws(LanguageError) -> Coding {
        switch declaration.type {
        case .string: return try stringCoding(declaration)
        case .opaque: return try opaqueCoding(declaration)
        case .char: return try charCoding(declaration)
        case .named(let name): return try coding(of: declaration, named: name)
        default:
            guard let scalar = Self.scalars[declaration.type] else {
                throw error("\(declaration) is no field")
            }
            if declaration.shape == .single {
                return Coding(
                    type: scalar, decode: "try decoder.decode\(scalar)()",
                    encode: "try encoder.encode($)")
            }
            return try coding(of: scalar, declaration)
        }
    }

    private static let scalars: [Declaration.TypeSpecifier: String] = [
        .int: "Int32", .unsignedInt: "UInt32", .hyper: "Int64", .unsignedHyper: "UInt64",
        .float: "Float", .double: "Double", .bool: "Bool",
        .unsignedChar: "UInt8", .short: "Int16", .unsignedShort: "UInt16",
    ]

    /// A type that encodes and decodes itself, in any shape.
    private func coding(
        of type: String, _ declaration: Declaration
    ) throws(LanguageError) -> Coding {
        if declaration.shape != .single, ["UInt8", "Int16", "UInt16"].contains(type) {
            throw error("\(declaration): only single values of this type are supported")
        }
        switch declaration.shape {
        case .single:
            return Coding(
                type: type, decode: "try \(type)(from: &decoder)",
                encode: "try $.encode(to: &encoder)")
        case .optional:
            return Coding(
                type: "\(type)?", decode: "try decoder.decodeOptional(\(type).self)",
                encode: "try encoder.encodeOptional($)")
        case .fixed(let count):
            let count = try expression(count)
            return Coding(
                type: "[\(type)]",
                decode: "try decoder.decodeFixedArray(of: \(type).self, count: \(count))",
                encode: "try encoder.encodeFixedArray($, count: \(count))")
        case .variable(let limit):
            let limit = try self.limit(limit)
            return Coding(
                type: "[\(type)]",
                decode: "try decoder.decodeArray(of: \(type).self, limit: \(limit))",
                encode: "try encoder.encodeArray($, limit: \(limit))")
        }
    }

    private func limit(_ value: Declaration.Value?) throws(LanguageError) -> String {
        guard let value else { return ".max" }
        return try expression(value)
    }

    private func stringCoding(_ declaration: Declaration) throws(LanguageError) -> Coding {
        guard case .variable(let limit) = declaration.shape else {
            throw error("\(declaration): a string needs '<'")
        }
        let text = try self.limit(limit)
        return Coding(
            type: "XDRString", decode: "try decoder.decodeString(limit: \(text))",
            encode: "try encoder.encodeString($, limit: \(text))")
    }

    private func opaqueCoding(_ declaration: Declaration) throws(LanguageError) -> Coding {
        switch declaration.shape {
        case .fixed(let count):
            // The length of the type must be a literal.
            let type = "XDRFixedOpaque<\(try value(count))>"
            return try coding(of: type, Declaration(type: .opaque, name: declaration.name))
        case .variable(let limit):
            let text = try self.limit(limit)
            return Coding(
                type: "[UInt8]", decode: "try decoder.decodeOpaque(limit: \(text))",
                encode: "try encoder.encodeOpaque($, limit: \(text))")
        default: throw error("\(declaration): opaque data need '[' or '<'")
        }
    }

    private func charCoding(_ declaration: Declaration) throws(LanguageError) -> Coding {
        switch declaration.shape {
        case .single:
            return Coding(
                type: "Int8", decode: "try decoder.decodeInt8()", encode: "try encoder.encode($)")
        case .fixed(let count):
            let text = try expression(count)
            return Coding(
                type: "[UInt8]", decode: "try decoder.decodeFixedChars(count: \(text))",
                encode: "try encoder.encodeFixedChars($, count: \(text))")
        case .variable(let limit):
            let text = try self.limit(limit)
            return Coding(
                type: "[UInt8]", decode: "try decoder.decodeChars(limit: \(text))",
                encode: "try encoder.encodeChars($, limit: \(text))")
        case .optional: throw error("\(declaration): an optional char is not supported")
        }
    }
}

extension Schema {
    private func coding(
        of declaration: Declaration, named name: String
    ) throws(LanguageError) -> Coding {
        guard case .alias(let target) = try body(of: name) else {
            return try coding(of: name, declaration)
        }
        if target.type == .string, case .variable(let limit) = target.shape {
            return try stringsCoding(declaration, elementLimit: try self.limit(limit))
        }
        if target.type == .opaque, case .fixed = target.shape {
            return try coding(of: name, declaration)
        }
        if declaration.shape == .single { return try coding(of: target) }
        guard target.shape == .single else {
            throw error("\(declaration): \(name) is an array or optional itself")
        }
        var direct = declaration
        direct.type = target.type
        return try coding(of: direct)
    }

    /// One string, perhaps one, or several, of an alias of `string`.
    private func stringsCoding(
        _ declaration: Declaration, elementLimit: String
    ) throws(LanguageError) -> Coding {
        switch declaration.shape {
        case .single:
            return Coding(
                type: "XDRString", decode: "try decoder.decodeString(limit: \(elementLimit))",
                encode: "try encoder.encodeString($, limit: \(elementLimit))")
        case .optional:
            return Coding(
                type: "XDRString?",
                decode: "try decoder.decodeOptionalString(limit: \(elementLimit))",
                encode: "try encoder.encodeOptionalString($, limit: \(elementLimit))")
        case .variable(let limit):
            let limits = "limit: \(try self.limit(limit)), elementLimit: \(elementLimit)"
            return Coding(
                type: "[XDRString]", decode: "try decoder.decodeStringArray(\(limits))",
                encode: "try encoder.encodeStringArray($, \(limits))")
        case .fixed: throw error("\(declaration): a fixed number of strings is not supported")
        }
    }
}
