public import LibvirtProtocol
internal import XDR

/// A server within one of libvirt's daemons: a name for it, not its state.
///
/// Source: `virAdmServerPtr`.
public struct AdminServer: Sendable {
    /// The connection that calls go over.
    public let connection: AdminConnection
    /// As the protocol names it, for ``AdminConnection/call(_:_:deadline:)``.
    public let raw: admin_nonnull_server

    init(_ connection: AdminConnection, _ raw: admin_nonnull_server) {
        self.connection = connection
        self.raw = raw
    }

    /// The name, such as `libvirtd` or `admin`. Source: `virAdmServerGetName`.
    public var name: String { raw.name.text }
}

extension AdminServer: Hashable {
    /// Whether both name the same one on the same connection.
    public static func == (left: Self, right: Self) -> Bool {
        left.connection === right.connection && left.raw == right.raw
    }

    /// Hashes the name.
    public func hash(into hasher: inout Hasher) { hasher.combine(raw) }
}

/// The workers of a server: threads that carry out calls.
public struct AdminThreadPool: Hashable, Sendable {
    /// Workers that there are always.
    public var minimum: Int
    /// Workers that there are at most.
    public var maximum: Int
    /// Workers that there are now.
    public var current: Int
    /// Workers that have nothing to do.
    public var free: Int
    /// Workers for calls that cannot block, beside the others.
    public var priority: Int
    /// Calls that wait for a worker.
    public var queueDepth: Int

    init(_ parameters: TypedParameters) {
        func number(_ name: String) -> Int { parameters[name]?.integer ?? 0 }
        minimum = number("minWorkers")
        maximum = number("maxWorkers")
        current = number("nWorkers")
        free = number("freeWorkers")
        priority = number("prioWorkers")
        queueDepth = number("jobQueueDepth")
    }
}

/// How many clients a server takes, and has.
public struct AdminClientLimits: Hashable, Sendable {
    /// Clients at most.
    public var maximum: Int
    /// Clients now.
    public var current: Int
    /// Clients at most that have not authenticated yet.
    public var maximumUnauthenticated: Int
    /// Clients now that have not authenticated yet.
    public var currentUnauthenticated: Int

    init(_ parameters: TypedParameters) {
        func number(_ name: String) -> Int { parameters[name]?.integer ?? 0 }
        maximum = number("nclients_max")
        current = number("nclients")
        maximumUnauthenticated = number("nclients_unauth_max")
        currentUnauthenticated = number("nclients_unauth")
    }
}

extension AdminServer {
    /// The server's workers.
    ///
    /// Source: `virAdmServerGetThreadPoolParameters`.
    public func threadPool() async throws(LibvirtError) -> AdminThreadPool {
        AdminThreadPool(
            TypedParameters(
                try await connection.call(
                    Admin.SERVER_GET_THREADPOOL_PARAMETERS,
                    admin_server_get_threadpool_parameters_args(srv: raw, flags: 0)
                ).params))
    }

    /// Changes how many workers the server has; nil leaves a number as it is.
    ///
    /// Source: `virAdmServerSetThreadPoolParameters`.
    public func setThreadPool(
        minimum: UInt32? = nil, maximum: UInt32? = nil, priority: UInt32? = nil
    ) async throws(LibvirtError) {
        var parameters = TypedParameters()
        parameters["minWorkers"] = minimum.map { .unsignedInt($0) }
        parameters["maxWorkers"] = maximum.map { .unsignedInt($0) }
        parameters["prioWorkers"] = priority.map { .unsignedInt($0) }
        _ = try await connection.call(
            Admin.SERVER_SET_THREADPOOL_PARAMETERS,
            admin_server_set_threadpool_parameters_args(
                srv: raw, params: parameters.administrative, flags: 0))
    }

    /// How many clients the server takes, and has.
    ///
    /// Source: `virAdmServerGetClientLimits`.
    public func clientLimits() async throws(LibvirtError) -> AdminClientLimits {
        AdminClientLimits(
            TypedParameters(
                try await connection.call(
                    Admin.SERVER_GET_CLIENT_LIMITS,
                    admin_server_get_client_limits_args(srv: raw, flags: 0)
                ).params))
    }

    /// Changes how many clients the server takes; nil leaves a number as it is.
    ///
    /// Source: `virAdmServerSetClientLimits`.
    public func setClientLimits(
        maximum: UInt32? = nil, maximumUnauthenticated: UInt32? = nil
    ) async throws(LibvirtError) {
        var parameters = TypedParameters()
        parameters["nclients_max"] = maximum.map { .unsignedInt($0) }
        parameters["nclients_unauth_max"] = maximumUnauthenticated.map { .unsignedInt($0) }
        _ = try await connection.call(
            Admin.SERVER_SET_CLIENT_LIMITS,
            admin_server_set_client_limits_args(
                srv: raw, params: parameters.administrative, flags: 0))
    }

    /// The clients that are connected.
    ///
    /// Source: `virAdmServerListClients`.
    public func listClients() async throws(LibvirtError) -> [AdminClient] {
        try await connection.call(
            Admin.SERVER_LIST_CLIENTS,
            admin_server_list_clients_args(srv: raw, need_results: 1, flags: 0)
        ).clients.map { AdminClient(connection, $0) }
    }

    /// The client of an id.
    ///
    /// Source: `virAdmServerLookupClient`.
    public func lookUpClient(id: UInt64) async throws(LibvirtError) -> AdminClient {
        AdminClient(
            connection,
            try await connection.call(
                Admin.SERVER_LOOKUP_CLIENT,
                admin_server_lookup_client_args(srv: raw, id: id, flags: 0)
            ).clnt)
    }

    /// Reads certificates and keys anew, for clients that connect from now on.
    ///
    /// Source: `virAdmServerUpdateTlsFiles`.
    public func updateTLSFiles() async throws(LibvirtError) {
        _ = try await connection.call(
            Admin.SERVER_UPDATE_TLS_FILES, admin_server_update_tls_files_args(srv: raw, flags: 0))
    }
}
