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
