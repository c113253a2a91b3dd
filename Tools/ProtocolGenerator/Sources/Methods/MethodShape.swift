/// What a function of libvirt's looks like as a method: its receiver, parameters and result.
///
/// Only for functions that pass arguments and results on; the rest are written by hand.
struct MethodShape {
    struct Parameter: Hashable {
        var label: String
        var type: String
        /// The default value's text; nil without one.
        var fallback: String?
    }

    /// The Swift type whose method it is.
    var receiver: String
    var name: String
    var parameters: [Parameter] = []
    /// The arguments of the wire's structure: field and value.
    var arguments: [(field: String, value: String)] = []
    /// The parts of the result, in order; none for `Void`.
    var results: [WireValue] = []
    /// Whether the one result is a number that stands for a truth value.
    var isTruth = false

    /// Nil for what needs a hand: fields without a plain counterpart.
    ///
    /// - Parameters:
    ///   - limit: the value of a constant that bounds a list.
    ///   - isFlags: whether an enumeration is one of bits.
    init?(
        _ procedure: ProcedureModel, function: String, structures: [String: [Declaration]],
        limit: (Declaration) -> Int64?, isFlags: (String) -> Bool
    ) {
        var fields = structures[procedure.arguments ?? ""] ?? []
        let answers = structures[procedure.result ?? ""] ?? []
        let kind = Self.receiver(function, &fields)
        receiver = kind?.kind.type ?? "Connection"
        name = MethodName.of(function, on: kind?.kind)
        if let kind { arguments.append((kind.field, kind.value)) }
        let list = answers.first { if case .variable = $0.shape { true } else { false } }
        for field in fields {
            if let value = Self.fixed(field.name, list: list, limit) {
                arguments.append((field.name, value))
            } else if field.name == "flags", field.type == .unsignedInt {
                addFlags(
                    procedure.flags.flatMap { isFlags($0) ? $0 : nil },
                    adding: HandWritten.withStrings.contains(function)
                        ? (kind == nil ? "" : "connection.") + "stringParametersFlag" : nil)
            } else {
                guard let value = Self.value(field, of: function, connection: "", isFlags)
                else { return nil }
                add(value, isTruth: field.type == .int && Self.truths.contains(field.name))
            }
        }
        let connection = kind == nil ? "self" : "connection"
        for field in answers where list == nil || !Self.counts.contains(field.name) {
            guard let value = Self.value(field, of: function, connection: connection, isFlags)
            else { return nil }
            results.append(value)
        }
        isTruth =
            results.count == 1 && results[0].type == "Int32"
            && (Self.truths.contains(results[0].field) || MethodName.asks(function))
    }

    private static func value(
        _ field: Declaration, of function: String, connection: String,
        _ isFlags: (String) -> Bool
    ) -> WireValue? {
        guard let type = HandWritten.meanings[function]?[field.name] else {
            return WireValue(field, connection: connection)
        }
        return WireValue(field, meaning: type, isFlags: isFlags(type))
    }

    /// Fields that hold a truth value.
    private static let truths: Set<String> = [
        "autostart", "active", "persistent", "updated", "alive", "encrypted", "secure",
    ]

    /// Fields that tell again how long the list beside them is.
    private static let counts: Set<String> = ["ret", "nparams", "num"]

    /// The object that the function acts on, whose field is then taken off the list.
    private static func receiver(
        _ function: String, _ fields: inout [Declaration]
    ) -> (kind: ObjectKind, field: String, value: String)? {
        guard let first = fields.first, first.shape == .single else { return nil }
        if case .named(let type) = first.type, let (kind, isOptional) = ObjectKind.named(type),
            !isOptional
        {
            fields.removeFirst()
            return (kind, first.name, "raw")
        }
        // Node devices are told by their names.
        if let kind = ObjectKind.ofFunction(function), kind.type == "NodeDevice",
            first.name == "name", !function.contains("Lookup")
        {
            fields.removeFirst()
            return (kind, first.name, "raw.name")
        }
        return nil
    }

    /// The value of a field that no caller should have to think of: that the results are wanted, and
    /// how many at most, which is as many as the wire allows.
    private static func fixed(
        _ field: String, list: Declaration?, _ limit: (Declaration) -> Int64?
    ) -> String? {
        if field.hasPrefix("need_") { return "1" }
        guard let list, field == "nparams" || field.hasPrefix("max") else { return nil }
        return limit(list).map { "\($0)" }
    }

    /// - Parameter more: an expression for bits that every call sets.
    private mutating func addFlags(_ enumeration: String?, adding more: String?) {
        let type = enumeration ?? "UInt32"
        let value = enumeration == nil ? "flags" : "flags.rawValue"
        parameters.append(
            Parameter(label: "flags", type: type, fallback: enumeration == nil ? "0" : "[]"))
        arguments.append(("flags", more.map { "\(value) | \($0)" } ?? value))
    }

    private mutating func add(_ value: WireValue, isTruth: Bool) {
        if isTruth {
            parameters.append(Parameter(label: value.label, type: "Bool", fallback: nil))
            arguments.append((value.field, "\(value.label) ? 1 : 0"))
        } else {
            let fallback = value.type.hasSuffix("?") ? "nil" : value.isFlags ? "[]" : nil
            parameters.append(Parameter(label: value.label, type: value.type, fallback: fallback))
            arguments.append((value.field, value.encoded))
        }
    }
}
