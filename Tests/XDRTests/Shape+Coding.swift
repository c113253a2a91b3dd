import XDR

extension Value {
    /// Writes the value, which is of that shape, and notes where the counts stand.
    func encode(
        as shape: Shape, to encoder: inout XDREncoder, counts: inout [Int]
    ) throws(XDRError) {
        switch (shape, self) {
        case (.array(let shape, let limit), .list(let values)):
            counts.append(encoder.byteOffset)
            try encoder.encodeCount(values.count, limit: limit)
            for value in values { try value.encode(as: shape, to: &encoder, counts: &counts) }
        case (.fixedArray(let shape, _), .list(let values)):
            for value in values { try value.encode(as: shape, to: &encoder, counts: &counts) }
        case (.structure(let shapes), .list(let values)):
            for (shape, value) in zip(shapes, values) {
                try value.encode(as: shape, to: &encoder, counts: &counts)
            }
        case (.optional(let shape), .optional(let value)):
            try encoder.encode(value != nil)
            try value?.encode(as: shape, to: &encoder, counts: &counts)
        case (.union(let shapes), .union(let arm, let value)):
            try encoder.encode(arm)
            try value.encode(as: shapes[Int(arm)], to: &encoder, counts: &counts)
        case (.string(let limit), .string(let string)):
            counts.append(encoder.byteOffset)
            try encoder.encodeString(string, limit: limit)
        case (.opaque(let limit), .bytes(let bytes)):
            counts.append(encoder.byteOffset)
            try encoder.encodeOpaque(bytes, limit: limit)
        case (.chars(let limit), .bytes(let bytes)):
            counts.append(encoder.byteOffset)
            try encoder.encodeChars(bytes, limit: limit)
        case (.fixedOpaque(let count), .bytes(let bytes)):
            try encoder.encodeFixedOpaque(bytes, count: count)
        default: try encodeScalar(as: shape, to: &encoder)
        }
    }

    private func encodeScalar(
        as shape: Shape, to encoder: inout XDREncoder
    ) throws(XDRError) {
        switch (shape, self) {
        case (.int, .number(let number)): try encoder.encode(Int32(truncatingIfNeeded: number))
        case (.unsigned, .number(let number)):
            try encoder.encode(UInt32(truncatingIfNeeded: number))
        case (.char, .number(let number)): try encoder.encode(Int8(truncatingIfNeeded: number))
        case (.unsignedChar, .number(let number)):
            try encoder.encode(UInt8(truncatingIfNeeded: number))
        case (.short, .number(let number)): try encoder.encode(Int16(truncatingIfNeeded: number))
        case (.unsignedShort, .number(let number)):
            try encoder.encode(UInt16(truncatingIfNeeded: number))
        case (.hyper, .number(let number)): try encoder.encode(number)
        case (.unsignedHyper, .bits(let bits)): try encoder.encode(bits)
        case (.float, .bits(let bits)):
            try encoder.encode(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
        case (.double, .bits(let bits)): try encoder.encode(Double(bitPattern: bits))
        case (.bool, .bool(let value)): try encoder.encode(value)
        case (.quadruple, .quadruple(let value)): try value.encode(to: &encoder)
        default:
            throw XDRError(.outOfRange, at: encoder.byteOffset, found: 0, subject: "\(shape)")
        }
    }
}

extension Shape {
    /// Reads a value of this shape.
    func decode(from decoder: inout XDRDecoder) throws(XDRError) -> Value {
        switch self {
        case .array(let shape, let limit):
            let count = try decoder.decodeCount(
                limit: limit, minimumByteCount: shape.minimumByteCount)
            return try shape.decodeList(count, from: &decoder)
        case .fixedArray(let shape, let count):
            return try shape.decodeList(count, from: &decoder)
        case .structure(let shapes):
            var values: [Value] = []
            for shape in shapes { values.append(try shape.decode(from: &decoder)) }
            return .list(values)
        case .optional(let shape):
            return .optional(try decoder.decodeBool() ? try shape.decode(from: &decoder) : nil)
        case .union(let shapes):
            let arm = try decoder.decodeInt32()
            guard shapes.indices.contains(Int(arm)) else {
                throw decoder.invalidDiscriminant(arm, of: "shape")
            }
            return .union(arm, try shapes[Int(arm)].decode(from: &decoder))
        case .string(let limit): return .string(try decoder.decodeString(limit: limit))
        case .opaque(let limit): return .bytes(try decoder.decodeOpaque(limit: limit))
        case .chars(let limit): return .bytes(try decoder.decodeChars(limit: limit))
        case .fixedOpaque(let count): return .bytes(try decoder.decodeFixedOpaque(count: count))
        default: return try decodeScalar(from: &decoder)
        }
    }

    private func decodeList(
        _ count: Int, from decoder: inout XDRDecoder
    ) throws(XDRError) -> Value {
        var values: [Value] = []
        for _ in 0..<count { values.append(try decode(from: &decoder)) }
        return .list(values)
    }

    private func decodeScalar(from decoder: inout XDRDecoder) throws(XDRError) -> Value {
        switch self {
        case .int: .number(Int64(try decoder.decodeInt32()))
        case .unsigned: .number(Int64(try decoder.decodeUInt32()))
        case .char: .number(Int64(try decoder.decodeInt8()))
        case .unsignedChar: .number(Int64(try decoder.decodeUInt8()))
        case .short: .number(Int64(try decoder.decodeInt16()))
        case .unsignedShort: .number(Int64(try decoder.decodeUInt16()))
        case .hyper: .number(try decoder.decodeInt64())
        case .unsignedHyper: .bits(try decoder.decodeUInt64())
        case .float: .bits(UInt64(try decoder.decodeFloat().bitPattern))
        case .double: .bits(try decoder.decodeDouble().bitPattern)
        case .bool: .bool(try decoder.decodeBool())
        default: .quadruple(try XDRQuadruple(from: &decoder))
        }
    }
}
