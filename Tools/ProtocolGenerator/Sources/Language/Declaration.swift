/// A declaration of XDR's language (RFC 4506, section 6.3): a type, a name, and how many.
struct Declaration: Hashable {
    enum TypeSpecifier: Hashable {
        case int, unsignedInt, hyper, unsignedHyper, float, double, quadruple, bool
        /// What rpcgen adds to RFC 4506; each takes four bytes.
        case char, unsignedChar, short, unsignedShort
        case string, opaque, void
        case named(String)
    }

    enum Shape: Hashable {
        case single
        /// `T *name`
        case optional
        /// `T name[count]`
        case fixed(Value)
        /// `T name<limit>`; without a limit, as many as fit.
        case variable(Value?)
    }

    /// A number, or the name of a constant.
    enum Value: Hashable {
        case number(Int64)
        case constant(String)
    }

    var type: TypeSpecifier
    /// Empty where the type is `void`.
    var name: String
    var shape: Shape = .single
    /// Our own descriptions' documentation.
    var comment: String?
}

extension Declaration.TypeSpecifier: CustomStringConvertible {
    var description: String {
        switch self {
        case .int: "int"
        case .unsignedInt: "unsigned int"
        case .hyper: "hyper"
        case .unsignedHyper: "unsigned hyper"
        case .float: "float"
        case .double: "double"
        case .quadruple: "quadruple"
        case .bool: "bool"
        case .char: "char"
        case .unsignedChar: "unsigned char"
        case .short: "short"
        case .unsignedShort: "unsigned short"
        case .string: "string"
        case .opaque: "opaque"
        case .void: "void"
        case .named(let name): name
        }
    }
}

extension Declaration.Value: CustomStringConvertible {
    var description: String {
        switch self {
        case .number(let number): "\(number)"
        case .constant(let name): name
        }
    }
}

extension Declaration: CustomStringConvertible {
    /// The declaration in XDR's language, without the semicolon.
    var description: String {
        switch shape {
        case .single: type == .void ? "void" : "\(type) \(name)"
        case .optional: "\(type) *\(name)"
        case .fixed(let count): "\(type) \(name)[\(count)]"
        case .variable(let limit): "\(type) \(name)<\(limit?.description ?? "")>"
        }
    }
}

/// One definition of a protocol description (RFC 4506, section 6.3).
struct Definition: Hashable {
    struct Member: Hashable {
        var name: String
        var value: Declaration.Value
        var comment: String?
    }

    struct Arm: Hashable {
        /// The discriminants that select the arm; none for the default arm.
        var labels: [Declaration.Value]
        var declaration: Declaration
    }

    enum Body: Hashable {
        case constant(Declaration.Value)
        case alias(Declaration)
        case enumeration([Member])
        case structure([Declaration])
        case union(discriminant: Declaration, arms: [Arm])
    }

    var name: String
    var body: Body
    var line: Int
    var comment: String?
}
