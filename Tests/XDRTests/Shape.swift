import XDR

/// A type of XDR's, made up by chance; its values are read and written by the codec's own calls.
indirect enum Shape {
    case int, unsigned, hyper, unsignedHyper, bool, float, double, quadruple
    case char, unsignedChar, short, unsignedShort
    case string(limit: Int), opaque(limit: Int), chars(limit: Int), fixedOpaque(count: Int)
    case array(Shape, limit: Int), fixedArray(Shape, count: Int), optional(Shape)
    case structure([Shape]), union([Shape])
}

/// A value of a shape.
indirect enum Value: Equatable {
    case number(Int64)
    case bits(UInt64)
    case quadruple(XDRQuadruple)
    case bool(Bool)
    case string(XDRString)
    case bytes([UInt8])
    case list([Value])
    case optional(Value?)
    case union(Int32, Value)
}

extension Shape {
    /// A shape of at most `depth` levels.
    static func random(depth: Int, using random: inout SeededGenerator) -> Shape {
        let limit = Int.random(in: 0...9, using: &random)
        let scalars: [Shape] = [
            .int, .unsigned, .hyper, .unsignedHyper, .bool, .float, .double, .quadruple, .char,
            .unsignedChar, .short, .unsignedShort, .string(limit: limit), .opaque(limit: limit),
            .chars(limit: limit), .fixedOpaque(count: limit),
        ]
        let isScalar = depth == 0 || Int.random(in: 0..<3, using: &random) == 0
        if isScalar { return scalars[Int.random(in: 0..<scalars.count, using: &random)] }
        func part() -> Shape { Shape.random(depth: depth - 1, using: &random) }
        switch Int.random(in: 0..<5, using: &random) {
        case 0: return .array(part(), limit: limit)
        case 1: return .fixedArray(part(), count: limit)
        case 2: return .optional(part())
        case 3: return .union((0...limit).map { _ in part() })
        default: return .structure((0...limit).map { _ in part() })
        }
    }

    /// The fewest bytes that a value takes.
    var minimumByteCount: Int {
        switch self {
        case .hyper, .unsignedHyper, .double: 8
        case .quadruple: 16
        case .fixedOpaque(let count): (count + 3) & ~3
        case .fixedArray(let shape, let count): shape.minimumByteCount * count
        case .structure(let shapes): shapes.map(\.minimumByteCount).reduce(0, +)
        case .union(let shapes): 4 + (shapes.map(\.minimumByteCount).min() ?? 0)
        default: 4
        }
    }

    /// A value of this shape.
    func value(using random: inout SeededGenerator) -> Value {
        func bytes(_ count: Int) -> [UInt8] {
            (0..<count).map { _ in .random(in: 0...255, using: &random) }
        }
        func count(_ limit: Int) -> Int { .random(in: 0...limit, using: &random) }
        let bits = random.next()
        switch self {
        case .int: return .number(Int64(Int32(truncatingIfNeeded: bits)))
        case .unsigned: return .number(Int64(UInt32(truncatingIfNeeded: bits)))
        case .char: return .number(Int64(Int8(truncatingIfNeeded: bits)))
        case .unsignedChar: return .number(Int64(UInt8(truncatingIfNeeded: bits)))
        case .short: return .number(Int64(Int16(truncatingIfNeeded: bits)))
        case .unsignedShort: return .number(Int64(UInt16(truncatingIfNeeded: bits)))
        case .hyper: return .number(Int64(bitPattern: bits))
        case .float: return .bits(UInt64(UInt32(truncatingIfNeeded: bits)))
        case .unsignedHyper, .double: return .bits(bits)
        case .quadruple: return .quadruple(XDRQuadruple(bitPattern: UInt128(bits) << 64 | 5))
        case .bool: return .bool(bits & 1 == 1)
        case .string(let limit): return .string(XDRString(bytes: bytes(count(limit))))
        case .opaque(let limit), .chars(let limit): return .bytes(bytes(count(limit)))
        case .fixedOpaque(let count): return .bytes(bytes(count))
        case .array(let shape, let limit):
            return .list((0..<count(limit)).map { _ in shape.value(using: &random) })
        case .fixedArray(let shape, let count):
            return .list((0..<count).map { _ in shape.value(using: &random) })
        case .optional(let shape):
            return .optional(bits & 1 == 1 ? shape.value(using: &random) : nil)
        case .structure(let shapes): return .list(shapes.map { $0.value(using: &random) })
        case .union(let shapes):
            let arm = count(shapes.count - 1)
            return .union(Int32(arm), shapes[arm].value(using: &random))
        }
    }
}
