/// How a field of the wire's looks in a method: its Swift type, and the way there and back.
struct WireValue: Hashable {
    /// The field's name on the wire.
    var field: String
    /// The Swift type.
    var type: String
    /// The field's value for a parameter of that type.
    var encoded: String
    /// The Swift value of a field, for an expression that names the field.
    private var decoding: Decoding
    /// Whether it is a set of bits, which may be empty.
    var isFlags = false

    private enum Decoding: Hashable {
        case asIs
        case wrapped(before: String, after: String)
    }

    /// The Swift value of a field.
    func decoded(_ expression: String) -> String {
        switch decoding {
        case .asIs: expression
        case .wrapped(let before, let after): before + expression + after
        }
    }

    /// The parameter's name: the field's, as Swift writes names.
    var label: String { MethodName.ofField(field) }

    /// Nil for what has no plain counterpart in Swift.
    ///
    /// - Parameter connection: the expression for the connection of objects in a result.
    init?(_ field: Declaration, connection: String) {
        let name = SwiftNames.escaped(MethodName.ofField(field.name))
        switch (field.type, field.shape) {
        case (.int, .single): self.init(field.name, "Int32", name)
        case (.unsignedInt, .single): self.init(field.name, "UInt32", name)
        case (.hyper, .single): self.init(field.name, "Int64", name)
        case (.unsignedHyper, .single): self.init(field.name, "UInt64", name)
        case (.int, .variable): self.init(field.name, "[Int32]", name)
        case (.unsignedInt, .variable): self.init(field.name, "[UInt32]", name)
        case (.unsignedHyper, .variable): self.init(field.name, "[UInt64]", name)
        case (.opaque, .variable): self.init(field.name, "[UInt8]", name)
        case (.unsignedChar, .single): self.init(field.name, "UInt8", name)
        case (.named(let type), .single): self.init(field.name, type, name, connection)
        case (.named(let type), .variable): self.init(listOf: type, field.name, name, connection)
        default: return nil
        }
    }

    /// A number that stands for something else. Nil for what is no number.
    ///
    /// - Parameters:
    ///   - type: an enumeration, or `Bool`.
    ///   - isFlags: whether the enumeration is one of bits.
    init?(_ field: Declaration, meaning type: String, isFlags: Bool) {
        let name = SwiftNames.escaped(MethodName.ofField(field.name))
        guard case .single = field.shape else { return nil }
        let (number, before, after) = ("\(name).rawValue", "\(type)(rawValue: ", ")")
        switch field.type {
        case .int where type == "Bool":
            self.init(
                field.name, type, "\(name) ? 1 : 0", .wrapped(before: "", after: " != 0"))
        case .unsignedInt where !isFlags:
            self.init(
                field.name, type, "UInt32(bitPattern: \(number))",
                .wrapped(before: before + "Int32(bitPattern: ", after: ")" + after))
        case .int, .unsignedInt:
            self.init(field.name, type, number, .wrapped(before: before, after: after))
        case .unsignedChar:
            self.init(
                field.name, type, "UInt8(truncatingIfNeeded: \(number))",
                .wrapped(before: before + "Int32(", after: ")" + after))
        default: return nil
        }
        self.isFlags = isFlags
    }

    private init(
        _ field: String, _ type: String, _ encoded: String, _ decoding: Decoding = .asIs
    ) {
        self.field = field
        self.type = type
        self.encoded = encoded
        self.decoding = decoding
    }

    private init?(_ field: String, _ wire: String, _ name: String, _ connection: String) {
        switch wire {
        case "remote_nonnull_string":
            self.init(
                field, "String", "XDRString(\(name))", .wrapped(before: "", after: ".text"))
        case "remote_string":
            self.init(
                field, "String?", "\(name).map { XDRString($0) }",
                .wrapped(before: "", after: "?.text"))
        case "remote_uuid":
            self.init(
                field, "LibvirtUUID", "\(name).raw", .wrapped(before: "LibvirtUUID(", after: ")"))
        default:
            guard let (kind, isOptional) = ObjectKind.named(wire) else { return nil }
            self.init(
                field, kind.type + (isOptional ? "?" : ""), name + (isOptional ? "?" : "") + ".raw",
                isOptional
                    ? .wrapped(before: "", after: ".map { \(kind.type)(\(connection), $0) }")
                    : .wrapped(before: "\(kind.type)(\(connection), ", after: ")"))
        }
    }

    private init?(listOf wire: String, _ field: String, _ name: String, _ connection: String) {
        switch wire {
        case "remote_nonnull_string":
            self.init(
                field, "[String]", "\(name).map { XDRString($0) }",
                .wrapped(before: "", after: ".map(\\.text)"))
        case "remote_typed_param":
            self.init(
                field, "TypedParameters", "\(name).raw",
                .wrapped(before: "TypedParameters(", after: ")"))
        default:
            guard let kind = ObjectKind.named(wire)?.kind else { return nil }
            self.init(
                field, "[\(kind.type)]", "\(name).map(\\.raw)",
                .wrapped(before: "", after: ".map { \(kind.type)(\(connection), $0) }"))
        }
    }
}
