public import LibvirtProtocol
internal import XDR

/// A client of a server within one of libvirt's daemons.
///
/// Source: `virAdmClientPtr`.
public struct AdminClient: Sendable {
    /// The connection that calls go over.
    public let connection: AdminConnection
    /// As the protocol names it, for ``AdminConnection/call(_:_:deadline:)``.
    public let raw: admin_nonnull_client

    init(_ connection: AdminConnection, _ raw: admin_nonnull_client) {
        self.connection = connection
        self.raw = raw
    }

    /// Its number among all that have connected to the server. Source: `virAdmClientGetID`.
    public var id: UInt64 { raw.id }
    /// When it connected, in seconds since 1970. Source: `virAdmClientGetTimestamp`.
    public var connectedAt: Int64 { raw.timestamp }
    /// How it is connected. Source: `virAdmClientGetTransport`.
    public var transport: virClientTransport {
        virClientTransport(rawValue: Int32(truncatingIfNeeded: raw.transport))
    }
    /// The server that it is a client of.
    public var server: AdminServer { AdminServer(connection, raw.srv) }
}

extension AdminClient: Hashable {
    /// Whether both name the same one on the same connection.
    public static func == (left: Self, right: Self) -> Bool {
        left.connection === right.connection && left.raw.srv == right.raw.srv
            && left.raw.id == right.raw.id
    }

    /// Hashes the id.
    public func hash(into hasher: inout Hasher) { hasher.combine(raw.id) }
}

/// Who a client is; what its transport does not tell is nil.
public struct AdminClientInfo: Hashable, Sendable {
    /// Whether it may look only.
    public let isReadOnly: Bool
    /// Its address: host and port for a network's transport.
    public let socketAddress: String?
    /// The name under which it authenticated by SASL.
    public let saslUserName: String?
    /// The name in its TLS certificate.
    public let distinguishedName: String?
    /// The user that its process runs as.
    public let userID: Int?
    /// That user's name.
    public let userName: String?
    /// The group that its process runs as.
    public let groupID: Int?
    /// That group's name.
    public let groupName: String?
    /// Its process.
    public let processID: Int?
    /// Its process's SELinux context.
    public let selinuxContext: String?
    /// Everything that the daemon said, with what newer daemons may add.
    public let parameters: TypedParameters

    init(_ parameters: TypedParameters) {
        func text(_ name: String) -> String? {
            if case .string(let text) = parameters[name] { text } else { nil }
        }
        isReadOnly = parameters["readonly"] == .boolean(true)
        socketAddress = text("sock_addr")
        saslUserName = text("sasl_user_name")
        distinguishedName = text("tls_x509_dname")
        userID = parameters["unix_user_id"]?.integer
        userName = text("unix_user_name")
        groupID = parameters["unix_group_id"]?.integer
        groupName = text("unix_group_name")
        processID = parameters["unix_process_id"]?.integer
        selinuxContext = text("selinux_context")
        self.parameters = parameters
    }
}

extension AdminClient {
    /// Who it is.
    ///
    /// Source: `virAdmClientGetInfo`.
    public func info() async throws(LibvirtError) -> AdminClientInfo {
        AdminClientInfo(
            TypedParameters(
                try await connection.call(
                    Admin.CLIENT_GET_INFO, admin_client_get_info_args(clnt: raw, flags: 0)
                ).params))
    }

    /// Ends its connection, whatever it is doing.
    ///
    /// Source: `virAdmClientClose`.
    public func close() async throws(LibvirtError) {
        _ = try await connection.call(
            Admin.CLIENT_CLOSE, admin_client_close_args(clnt: raw, flags: 0))
    }
}

extension TypedParameters {
    /// From the administration's program, which has the same parameters under types of its own.
    init(_ raw: [admin_typed_param]) {
        self.init()
        for parameter in raw {
            append(parameter.field.text, TypedParameterValue(parameter.value))
        }
    }

    /// For the administration's program.
    var administrative: [admin_typed_param] {
        map { admin_typed_param(field: XDRString($0.name), value: $0.value.administrative) }
    }
}

extension TypedParameterValue {
    fileprivate init(_ raw: admin_typed_param_value) {
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

    fileprivate var administrative: admin_typed_param_value {
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
}
