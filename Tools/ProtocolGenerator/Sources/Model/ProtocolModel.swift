/// The facts of one of libvirt's protocol descriptions, as the checked-in model holds them.
///
/// Declarations are kept in XDR's own notation. Nothing of libvirt's prose is among the facts.
struct ProtocolModel: Codable, Hashable {
    struct Source: Codable, Hashable {
        var package: String
        var version: String
        var file: String
    }

    struct Program: Codable, Hashable {
        var number: UInt32
        var version: UInt32
    }

    struct Constant: Codable, Hashable {
        var name: String
        /// A decimal number or the name of another constant.
        var value: String
    }

    struct Enumeration: Codable, Hashable {
        var name: String
        var members: [Constant]
    }

    struct Structure: Codable, Hashable {
        var name: String
        var fields: [String]
    }

    struct Union: Codable, Hashable {
        struct Arm: Codable, Hashable {
            var labels: [String]
            var declaration: String
        }

        var name: String
        var discriminant: String
        var arms: [Arm]
    }

    /// What the model is called; its file is `Model/<name>.json`.
    var name: String
    var source: Source
    var program: Program?
    var constants: [Constant]
    var aliases: [String]
    var enumerations: [Enumeration]
    var structures: [Structure]
    var unions: [Union]
    var procedures: [ProcedureModel]
}

/// The facts of one procedure.
struct ProcedureModel: Codable, Hashable {
    enum Kind: String, Codable { case call, event }
    enum Priority: String, Codable { case low, high }
    /// Seen from the client.
    enum Stream: String, Codable { case read, write, duplex }
    /// Seen from the client: `send` goes with the call, `receive` comes with the reply.
    enum Descriptors: String, Codable { case send, receive, both }

    var name: String
    var number: Int32
    var kind: Kind
    var arguments: String?
    var result: String?
    /// Which stubs libvirt's own generator makes: both, client, server or none.
    var generate: String
    var priority: Priority
    var stream: Stream?
    var sparseFlag: String?
    var descriptors: Descriptors?
    /// The rights that the call needs; empty for none, nil where libvirt does not say.
    var acl: [String]?
    var aclFilter: [String]?
    /// Whether a read-only connection may call it.
    var isReadOnly: Bool?
    /// The function of libvirt's C API, its header without `.h`, the version that brought it.
    var function: String?
    var header: String?
    var since: String?
    /// The enumeration whose bits the function's `flags` are.
    var flags: String?
}
