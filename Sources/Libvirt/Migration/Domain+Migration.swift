public import LibvirtProtocol
internal import LibvirtRPC
internal import LinuxIO
internal import XDR

extension Domain {
    /// Moves the domain to another daemon, with this program between the two: both daemons are asked
    /// in turn, and QEMU's data goes from host to host.
    ///
    /// Cancelling the task aborts the migration, and so does its deadline; the domain then goes on here.
    ///
    /// - Parameters:
    ///   - destination: a connection to the daemon that takes the domain.
    ///   - parameters: such as `migrate_uri`, `destination_name` and `bandwidth`
    ///     (`VIR_MIGRATE_PARAM_*`).
    ///   - flags: such as `.live`; not `.peer2peer` and `.tunnelled`, for which see
    ///     ``migrate(toURI:parameters:flags:)``: a tunnel is the daemons' own, and libvirt's client has
    ///     none either that leads through this program.
    /// - Returns: the domain at its destination.
    /// - Throws: `LibvirtError`. The domain goes on here then, or is left paused where the daemons
    ///   could not be asked to the end: one that has not answered a minute after the cancellation or
    ///   the deadline is waited for no longer.
    ///
    /// Source: `virDomainMigrate3`, in the form of libvirt 1.1 and later.
    public func migrate(
        to destination: Connection, parameters: TypedParameters = [:],
        flags: virDomainMigrateFlags = []
    ) async throws(LibvirtError) -> Domain {
        guard flags.isDisjoint(with: [.peer2peer, .tunnelled]) else {
            throw refusal(
                .invalidArg, "a migration from peer to peer takes a URI, and not a connection")
        }
        try await connection.requireMigration(.parameters)
        try await destination.requireMigration(.parameters)
        if flags.contains(.offline) {
            try await connection.requireMigration(.offline)
            try await destination.requireMigration(.offline)
        }
        let isProtected = try await connection.supports(.changeProtection)
        let cancellation = MigrationCancellation()
        let arrived = try await abortingWhenCancelled(cancellation) { () throws(LibvirtError) in
            // The source gives the migration up with the connection over which it was begun.
            try await connection.aside { (here) throws(LibvirtError) in
                try await destination.aside { (there) throws(LibvirtError) in
                    try await ManagedMigration(
                        domain: Domain(here, raw), destination: there, parameters: parameters,
                        flags: flags, isProtected: isProtected, cancellation: cancellation
                    ).run()
                }
            }
        }
        return Domain(destination, arrived)
    }

    /// Moves the domain to another daemon, to which this one connects by itself.
    ///
    /// Cancelling the task aborts the migration, and so does its deadline; the domain then goes on here.
    ///
    /// - Parameters:
    ///   - uri: of the daemon that takes the domain, as this daemon sees it.
    ///   - parameters: as for ``migrate(to:parameters:flags:)``.
    ///   - flags: such as `.live` and `.tunnelled`; `.peer2peer` is added.
    /// - Throws: `LibvirtError`. The domain goes on here then.
    ///
    /// Source: `virDomainMigrateToURI3`, in the form of libvirt 1.1 and later.
    public func migrate(
        toURI uri: String, parameters: TypedParameters = [:], flags: virDomainMigrateFlags = []
    ) async throws(LibvirtError) {
        try await connection.requireMigration(.parameters)
        let arguments = remote_domain_migrate_perform3_params_args(
            dom: raw, dconnuri: XDRString(uri), params: try parameters.raw, cookie_in: [],
            flags: flags.union(.peer2peer).rawValue)
        try await abortingWhenCancelled { [connection] () throws(LibvirtError) in
            _ = try await connection.call(Remote.DOMAIN_MIGRATE_PERFORM3_PARAMS, arguments)
        }
    }

    /// Works on when the task is cancelled or its deadline has passed, as a migration must be ended in order,
    /// and asks the daemon to give up until it does: before the data flow there is nothing that it could
    /// end. A daemon that answers nothing is left after a while: both ends give a migration up with the
    /// connections that carried it.
    private func abortingWhenCancelled<Value: Sendable>(
        _ cancellation: MigrationCancellation = MigrationCancellation(),
        _ work: @escaping @Sendable () async throws(LibvirtError) -> Value
    ) async throws(LibvirtError) -> Value {
        let task = Task { () -> Result<Value, LibvirtError> in
            defer { cancellation.end() }
            // The deadline is the migration's: its last steps are done all the same.
            return await CallDeadline.$current.withValue(nil) { () -> Result<Value, LibvirtError> in
                do throws(LibvirtError) {
                    return .success(try await work())
                } catch {
                    return .failure(error)
                }
            }
        }
        let patience = MigrationCancellation.patience
        let giveUp: @Sendable () -> Void = {
            guard cancellation.request() else { return }
            connection.timers.schedule(after: patience) { task.cancel() }
            Task.detached { await abort(until: cancellation) }
        }
        let alarm = CallDeadline.current.map { deadline in
            connection.timers.schedule(
                after: ContinuousClock.now.duration(to: deadline), giveUp)
        }
        defer { if let alarm { connection.timers.cancel(alarm) } }
        let outcome = await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            giveUp()
        }
        return try outcome.get()
    }

    private func abort(until cancellation: MigrationCancellation) async {
        while !cancellation.hasEnded {
            do throws(LibvirtError) {
                return try await Connection.withDeadline(.now + .seconds(5)) {
                    () async throws(LibvirtError) in try await abortJob()
                }
            } catch {
                if case .unsupported = error.kind { return }
                if error.isConnectionLost { return }
            }
            try? await Task.sleep(for: .milliseconds(100))
        }
    }

    func refusal(_ code: virErrorNumber, _ problem: String) -> LibvirtError {
        LibvirtError(
            RPCError(.refused(CallRefusal(code, problem).error), procedure: "migrating"),
            uri: connection.uri.description)
    }
}

extension Connection {
    /// What a daemon's driver can do in migrations. Source: `libvirt_internal.h`.
    enum MigrationFeature: Int32 {
        case changeProtection = 7
        case offline = 12
        case parameters = 13
    }

    func supports(_ feature: MigrationFeature) async throws(LibvirtError) -> Bool {
        try await call(
            Remote.CONNECT_SUPPORTS_FEATURE,
            remote_connect_supports_feature_args(feature: feature.rawValue)
        ).supported != 0
    }

    func requireMigration(_ feature: MigrationFeature) async throws(LibvirtError) {
        guard try await !supports(feature) else { return }
        let what = feature == .offline ? "of inactive domains" : "with parameters"
        throw LibvirtError(
            RPCError(
                .refused(
                    CallRefusal(.noSupport, "the daemon's driver has no migration \(what)").error),
                procedure: "migrating"),
            uri: uri.description)
    }
}
