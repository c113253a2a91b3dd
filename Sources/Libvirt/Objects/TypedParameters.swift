internal import LibvirtProtocol
internal import LibvirtRPC
internal import XDR

/// The value of a typed parameter, of one of libvirt's seven types.
///
/// Source: `virTypedParameterType`.
public enum TypedParameterValue: Hashable, Sendable {
    /// `VIR_TYPED_PARAM_INT`.
    case int(Int32)
    /// `VIR_TYPED_PARAM_UINT`.
    case unsignedInt(UInt32)
    /// `VIR_TYPED_PARAM_LLONG`.
    case longLong(Int64)
    /// `VIR_TYPED_PARAM_ULLONG`.
    case unsignedLongLong(UInt64)
    /// `VIR_TYPED_PARAM_DOUBLE`.
    case double(Double)
    /// `VIR_TYPED_PARAM_BOOLEAN`.
    case boolean(Bool)
    /// `VIR_TYPED_PARAM_STRING`.
    case string(String)
    /// `VIR_TYPED_PARAM_STRING` with bytes that are no valid UTF-8, as they came.
    case bytes([UInt8])

    init(_ raw: remote_typed_param_value) {
        self =
            switch raw {
            case .i(let value): .int(value)
            case .ui(let value): .unsignedInt(value)
            case .l(let value): .longLong(value)
            case .ul(let value): .unsignedLongLong(value)
            case .d(let value): .double(value)
            case .b(let value): .boolean(value != 0)
            case .s(let value): value.validText.map { .string($0) } ?? .bytes(value.bytes)
            }
    }

    var raw: remote_typed_param_value {
        switch self {
        case .int(let value): .i(value)
        case .unsignedInt(let value): .ui(value)
        case .longLong(let value): .l(value)
        case .unsignedLongLong(let value): .ul(value)
        case .double(let value): .d(value)
        case .boolean(let value): .b(value ? 1 : 0)
        case .string(let value): .s(XDRString(value))
        case .bytes(let value): .s(XDRString(bytes: value))
        }
    }

    /// Any of the whole numbers; nil for the other types, and for one that does not fit.
    public var integer: Int? {
        switch self {
        case .int(let value): Int(value)
        case .unsignedInt(let value): Int(value)
        case .longLong(let value): Int(value)
        case .unsignedLongLong(let value): Int(exactly: value)
        case .double, .boolean, .string, .bytes: nil
        }
    }

    /// The text; nil for the other types, and for bytes that are none.
    public var text: String? {
        if case .string(let value) = self { value } else { nil }
    }
}

/// Named values in the order in which libvirt has them. A name may stand there several times.
///
/// Source: `virTypedParameterPtr`.
public struct TypedParameters: Hashable, Sendable {
    /// A name and its value.
    public struct Element: Hashable, Sendable {
        /// The name, such as `cpu_shares`.
        public var name: String
        /// The value.
        public var value: TypedParameterValue

        /// A name and its value.
        public init(name: String, value: TypedParameterValue) {
            self.name = name
            self.value = value
        }
    }

    private var elements: [Element] = []

    /// None.
    public init() {}

    init(_ raw: [remote_typed_param]) {
        elements = raw.map { Element(name: $0.field.text, value: TypedParameterValue($0.value)) }
    }

    /// The longest name in bytes: `VIR_TYPED_PARAM_FIELD_LENGTH` counts a NUL too.
    private static let longestName = 79

    /// As they go to a daemon.
    ///
    /// - Throws: `LibvirtError` for a name that is longer than libvirt has room for.
    var raw: [remote_typed_param] {
        get throws(LibvirtError) {
            if let name = elements.first(where: { $0.name.utf8.count > Self.longestName })?.name {
                let problem =
                    "the typed parameter \"\(name.prefix(Self.longestName))…\" was not sent: its name has "
                    + "\(name.utf8.count) bytes, and libvirt takes at most \(Self.longestName)"
                throw LibvirtError(
                    .server(.init(CallRefusal(.invalidArg, problem).error)), uri: "")
            }
            return elements.map {
                remote_typed_param(field: XDRString($0.name), value: $0.value.raw)
            }
        }
    }

    /// The first value of a name. Setting it puts the value in its place or at the end; nil removes
    /// every value of the name.
    public subscript(name: String) -> TypedParameterValue? {
        get { elements.first { $0.name == name }?.value }
        set {
            guard let newValue else {
                elements.removeAll { $0.name == name }
                return
            }
            if let index = elements.firstIndex(where: { $0.name == name }) {
                elements[index].value = newValue
            } else {
                elements.append(Element(name: name, value: newValue))
            }
        }
    }

    /// Adds a value, although there may be one of that name.
    public mutating func append(_ name: String, _ value: TypedParameterValue) {
        elements.append(Element(name: name, value: value))
    }
}

extension TypedParameters: RandomAccessCollection {
    /// The first one's index.
    public var startIndex: Int { elements.startIndex }
    /// The index behind the last one.
    public var endIndex: Int { elements.endIndex }
    /// The parameter at an index.
    public subscript(position: Int) -> Element { elements[position] }
}

extension TypedParameters: ExpressibleByDictionaryLiteral {
    /// The parameters in the order in which they are written.
    public init(dictionaryLiteral parameters: (String, TypedParameterValue)...) {
        elements = parameters.map { Element(name: $0, value: $1) }
    }
}

extension Connection {
    /// The bit by which a getter asks for parameters of type string too; none for a server that
    /// does not know it.
    var stringParametersFlag: UInt32 {
        features.contains(.typedParameterStrings) ? virTypedParameterFlags.stringOkay.rawValue : 0
    }
}
