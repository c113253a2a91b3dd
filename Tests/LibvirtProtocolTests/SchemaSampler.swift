@testable import ProtocolGenerator

/// Makes bytes of random values straight from the declarations, without the codec under test.
struct SchemaSampler {
    let schema: Schema
    var random: SeededGenerator

    /// The bytes of a value of the named type.
    mutating func bytes(ofTypeNamed name: String) throws(LanguageError) -> [UInt8] {
        switch try schema.body(of: name) {
        case .constant: throw schema.error("\(name) is no type")
        case .alias(let declaration): return try bytes(of: declaration)
        case .enumeration: return word(.random(in: 0...UInt32.max, using: &random))
        case .structure(let fields):
            var bytes: [UInt8] = []
            for field in fields { bytes += try self.bytes(of: field) }
            return bytes
        case .union(_, let arms):
            let arm = arms[Int.random(in: 0..<arms.count, using: &random)]
            let label = try schema.value(arm.labels[0])
            let discriminant = word(UInt32(bitPattern: Int32(label)))
            return discriminant + (try bytes(of: arm.declaration))
        }
    }

    private mutating func bytes(of declaration: Declaration) throws(LanguageError) -> [UInt8] {
        switch declaration.shape {
        case .single: return try bytes(ofOne: declaration.type)
        case .optional:
            guard Bool.random(using: &random) else { return word(0) }
            return word(1) + (try bytes(ofOne: declaration.type))
        case .fixed(let count):
            return try bytes(ofMany: declaration.type, count: Int(try schema.value(count)))
        case .variable(let limit):
            let limit = try limit.map(schema.value) ?? 100
            let isBlob = [.string, .opaque].contains(declaration.type)
            let count = Int.random(in: 0...min(Int(limit), isBlob ? 20 : 3), using: &random)
            let count32 = word(UInt32(count))
            return count32 + (try bytes(ofMany: declaration.type, count: count))
        }
    }

    private mutating func bytes(
        ofMany type: Declaration.TypeSpecifier, count: Int
    ) throws(LanguageError) -> [UInt8] {
        var bytes: [UInt8] = []
        if type == .string || type == .opaque {
            // Some strings are text and some are not.
            let range: ClosedRange<UInt8> = Bool.random(using: &random) ? 32...126 : 0...255
            for _ in 0..<count { bytes.append(.random(in: range, using: &random)) }
            return bytes + [UInt8](repeating: 0, count: -count & 3)
        }
        for _ in 0..<count { bytes += try self.bytes(ofOne: type) }
        return bytes
    }

    private mutating func bytes(
        ofOne type: Declaration.TypeSpecifier
    ) throws(LanguageError) -> [UInt8] {
        let bits = UInt32.random(in: 0...UInt32.max, using: &random)
        switch type {
        case .int, .unsignedInt: return word(bits)
        case .hyper, .unsignedHyper: return word(bits) + word(bits &* 31)
        // A number with a small exponent: one that is not a number does not equal itself.
        case .float: return word(bits & 0xBFFF_FFFF)
        case .double: return word(bits & 0xBFFF_FFFF) + word(bits &* 31)
        case .bool: return word(bits & 1)
        case .char: return word(UInt32(bitPattern: Int32(Int8(truncatingIfNeeded: bits))))
        case .unsignedChar: return word(bits & 0xFF)
        case .short: return word(UInt32(bitPattern: Int32(Int16(truncatingIfNeeded: bits))))
        case .unsignedShort: return word(bits & 0xFFFF)
        case .named(let name): return try bytes(ofTypeNamed: name)
        case .quadruple: return (0..<4).flatMap { word(bits &+ $0) }
        case .void: return []
        case .string, .opaque: throw schema.error("\(type) needs a length")
        }
    }

    private func word(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
    }
}
