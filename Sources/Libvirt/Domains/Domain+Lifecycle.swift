public import LibvirtProtocol

extension Domain {
    /// Starts a domain that is defined and inactive, and returns it with its new id.
    ///
    /// Source: `virDomainCreateWithFlags`.
    @discardableResult
    public func create(flags: virDomainCreateFlags = []) async throws(LibvirtError) -> Domain {
        let result = try await call(
            Remote.DOMAIN_CREATE_WITH_FLAGS,
            remote_domain_create_with_flags_args(dom: raw, flags: flags.rawValue))
        return Domain(connection, result.dom)
    }

    /// Ends a domain at once, as if its power were cut. Source: `virDomainDestroyFlags`.
    public func destroy(
        flags: virDomainDestroyFlagsValues = []
    ) async throws(LibvirtError) {
        _ = try await call(
            Remote.DOMAIN_DESTROY_FLAGS,
            remote_domain_destroy_flags_args(dom: raw, flags: flags.rawValue))
    }

    /// Asks the guest to shut down. Source: `virDomainShutdownFlags`.
    public func shutdown(
        flags: virDomainShutdownFlagValues = []
    ) async throws(LibvirtError) {
        _ = try await call(
            Remote.DOMAIN_SHUTDOWN_FLAGS,
            remote_domain_shutdown_flags_args(dom: raw, flags: flags.rawValue))
    }

    /// Asks the guest to reboot. Source: `virDomainReboot`.
    public func reboot(
        flags: virDomainRebootFlagValues = []
    ) async throws(LibvirtError) {
        _ = try await call(
            Remote.DOMAIN_REBOOT, remote_domain_reboot_args(dom: raw, flags: flags.rawValue))
    }

    /// Pauses the guest's processors. Source: `virDomainSuspend`.
    public func suspend() async throws(LibvirtError) {
        _ = try await call(Remote.DOMAIN_SUSPEND, remote_domain_suspend_args(dom: raw))
    }

    /// Lets the guest's processors go on. Source: `virDomainResume`.
    public func resume() async throws(LibvirtError) {
        _ = try await call(Remote.DOMAIN_RESUME, remote_domain_resume_args(dom: raw))
    }

    /// Forgets the definition; an active domain runs on, and is gone when it ends.
    ///
    /// Source: `virDomainUndefineFlags`.
    public func undefine(
        flags: virDomainUndefineFlagsValues = []
    ) async throws(LibvirtError) {
        _ = try await call(
            Remote.DOMAIN_UNDEFINE_FLAGS,
            remote_domain_undefine_flags_args(dom: raw, flags: flags.rawValue))
    }

    /// What the domain is doing, and why. Source: `virDomainGetState`.
    public func state() async throws(LibvirtError) -> DomainStateReport {
        let result = try await call(
            Remote.DOMAIN_GET_STATE, remote_domain_get_state_args(dom: raw, flags: 0))
        return DomainStateReport(
            state: virDomainState(rawValue: result.state), reason: result.reason)
    }

    /// State, memory, processors and processor time. Source: `virDomainGetInfo`.
    public func info() async throws(LibvirtError) -> DomainInfo {
        DomainInfo(
            try await call(Remote.DOMAIN_GET_INFO, remote_domain_get_info_args(dom: raw)))
    }

    /// Whether it runs, or is about to. Source: `virDomainIsActive`.
    public func isActive() async throws(LibvirtError) -> Bool {
        try await call(Remote.DOMAIN_IS_ACTIVE, remote_domain_is_active_args(dom: raw)).active != 0
    }

    /// Whether it has a definition that outlives its run. Source: `virDomainIsPersistent`.
    public func isPersistent() async throws(LibvirtError) -> Bool {
        try await call(
            Remote.DOMAIN_IS_PERSISTENT, remote_domain_is_persistent_args(dom: raw)
        ).persistent != 0
    }
}
