public import LibvirtProtocol
internal import XDR

extension AdminConnection {
    /// The version of libvirt that the daemon is of.
    ///
    /// Source: `virAdmConnectGetLibVersion`.
    public func libraryVersion() async throws(LibvirtError) -> LibvirtVersion {
        LibvirtVersion(
            number: try await call(Admin.CONNECT_GET_LIB_VERSION, XDRVoid()).libVer)
    }

    /// The servers that the daemon runs: such as `libvirtd` for what clients ask, and `admin` for
    /// this program.
    ///
    /// Source: `virAdmConnectListServers`.
    public func listServers() async throws(LibvirtError) -> [AdminServer] {
        try await call(
            Admin.CONNECT_LIST_SERVERS, admin_connect_list_servers_args(need_results: 1, flags: 0)
        ).servers.map { AdminServer(self, $0) }
    }

    /// The server of a name.
    ///
    /// Source: `virAdmConnectLookupServer`.
    public func lookUpServer(_ name: String) async throws(LibvirtError) -> AdminServer {
        AdminServer(
            self,
            try await call(
                Admin.CONNECT_LOOKUP_SERVER,
                admin_connect_lookup_server_args(name: XDRString(name), flags: 0)
            ).srv)
    }

    // MARK: - The log

    /// Where the daemon writes its log, in the form of its configuration: `1:file:/var/log/x.log`,
    /// several with spaces between them.
    ///
    /// Source: `virAdmConnectGetLoggingOutputs`.
    public func loggingOutputs() async throws(LibvirtError) -> String {
        try await call(
            Admin.CONNECT_GET_LOGGING_OUTPUTS, admin_connect_get_logging_outputs_args(flags: 0)
        ).outputs.text
    }

    /// Which parts of the daemon log from which level on: `3:rpc 1:qemu`. Empty without any.
    ///
    /// Source: `virAdmConnectGetLoggingFilters`.
    public func loggingFilters() async throws(LibvirtError) -> String {
        try await call(
            Admin.CONNECT_GET_LOGGING_FILTERS, admin_connect_get_logging_filters_args(flags: 0)
        ).filters?.text ?? ""
    }

    /// Sets where the daemon writes its log until it ends; nil for its default.
    ///
    /// Source: `virAdmConnectSetLoggingOutputs`.
    public func setLoggingOutputs(_ outputs: String?) async throws(LibvirtError) {
        _ = try await call(
            Admin.CONNECT_SET_LOGGING_OUTPUTS,
            admin_connect_set_logging_outputs_args(
                outputs: outputs.map { XDRString($0) }, flags: 0))
    }

    /// Sets which parts of the daemon log from which level on, until it ends; nil for none.
    ///
    /// Source: `virAdmConnectSetLoggingFilters`.
    public func setLoggingFilters(_ filters: String?) async throws(LibvirtError) {
        _ = try await call(
            Admin.CONNECT_SET_LOGGING_FILTERS,
            admin_connect_set_logging_filters_args(
                filters: filters.map { XDRString($0) }, flags: 0))
    }

    // MARK: - The daemon's life

    /// Ends the daemon after it has had no client and nothing to manage for so many seconds; 0 for
    /// never.
    ///
    /// Source: `virAdmConnectSetDaemonTimeout`.
    public func setDaemonTimeout(seconds: UInt32) async throws(LibvirtError) {
        _ = try await call(
            Admin.CONNECT_SET_DAEMON_TIMEOUT,
            admin_connect_set_daemon_timeout_args(timeout: seconds, flags: 0))
    }

    /// Ends the daemon in order. Since libvirt 11.2.
    ///
    /// - Parameter flags: `.preserve` saves or shuts down what the daemon manages, as configured.
    ///
    /// Source: `virAdmConnectDaemonShutdown`.
    public func shutDownDaemon(
        flags: virAdmConnectDaemonShutdownFlags = []
    ) async throws(LibvirtError) {
        _ = try await call(
            Admin.CONNECT_DAEMON_SHUTDOWN,
            admin_connect_daemon_shutdown_args(flags: flags.rawValue))
    }
}
