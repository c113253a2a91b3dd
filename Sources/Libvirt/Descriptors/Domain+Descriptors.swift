public import LibvirtProtocol
public import LinuxIO
internal import XDR

extension Domain {
    /// Connects a socket of the caller's to a graphical display of the domain's.
    ///
    /// - Parameters:
    ///   - index: the display's number, 0 for the first.
    ///   - socket: one end of a socket pair; the guest's display speaks on it from now on.
    ///   - flags: `.skipauth` asks for no password.
    /// - Throws: `LibvirtError`.
    ///
    /// Source: `virDomainOpenGraphics`, since libvirt 0.9.7. Refused on a read-only connection.
    public func openGraphics(
        index: UInt32 = 0, socket: consuming OwnedDescriptor,
        flags: virDomainOpenGraphicsFlags = []
    ) async throws(LibvirtError) {
        var descriptors = DescriptorQueue()
        descriptors.append(socket)
        _ = try await connection.call(
            Remote.DOMAIN_OPEN_GRAPHICS,
            remote_domain_open_graphics_args(dom: raw, idx: index, flags: flags.rawValue),
            passing: descriptors)
    }

    /// A socket that is connected to a graphical display of the domain's.
    ///
    /// - Parameters:
    ///   - index: the display's number, 0 for the first.
    ///   - flags: `.skipauth` asks for no password.
    /// - Throws: `LibvirtError`.
    ///
    /// Source: `virDomainOpenGraphicsFD`, since libvirt 1.2.8. Refused on a read-only connection.
    public func openGraphics(
        index: UInt32 = 0, flags: virDomainOpenGraphicsFlags = []
    ) async throws(LibvirtError) -> OwnedDescriptor {
        try await connection.callReturningDescriptor(
            Remote.DOMAIN_OPEN_GRAPHICS_FD,
            remote_domain_open_graphics_fd_args(dom: raw, idx: index, flags: flags.rawValue))
    }

    /// Starts the domain, with files for its first process.
    ///
    /// - Parameters:
    ///   - files: descriptors for the guest's first process, from 3 on (containers only).
    ///   - flags: such as `.startPaused`.
    /// - Returns: the domain with its new id.
    /// - Throws: `LibvirtError`.
    ///
    /// Source: `virDomainCreateWithFiles`, since libvirt 1.1.1. Refused on a read-only connection.
    public func create(
        files: consuming DescriptorQueue, flags: virDomainCreateFlags = []
    ) async throws(LibvirtError) -> Domain {
        let reply = try await connection.call(
            Remote.DOMAIN_CREATE_WITH_FILES,
            remote_domain_create_with_files_args(dom: raw, flags: flags.rawValue),
            passing: files)
        return Domain(connection, reply.value.dom)
    }

    /// Gives the domain descriptors that its description refers to by a name, for disks that the host's
    /// daemon could not open by itself. They stay until the connection ends.
    ///
    /// - Parameters:
    ///   - name: what `fdgroup` in the description says.
    ///   - descriptors: the group, in order.
    /// - Throws: `LibvirtError`.
    ///
    /// Source: `virDomainFDAssociate`, since libvirt 9.0.0. Refused on a read-only connection.
    public func associateDescriptors(
        _ descriptors: consuming DescriptorQueue, name: String,
        flags: virDomainFDAssociateFlags = []
    ) async throws(LibvirtError) {
        _ = try await connection.call(
            Remote.DOMAIN_FD_ASSOCIATE,
            remote_domain_fd_associate_args(
                dom: raw, name: XDRString(name), flags: flags.rawValue),
            passing: descriptors)
    }

    /// The namespaces of a container, opened: to enter them with setns(2).
    ///
    /// - Throws: `LibvirtError`.
    ///
    /// Source: `virDomainLxcOpenNamespace`, since libvirt 1.0.2. Refused on a read-only connection.
    public func openNamespaces() async throws(LibvirtError) -> DescriptorQueue {
        try await connection.call(
            Lxc.DOMAIN_OPEN_NAMESPACE, lxc_domain_open_namespace_args(dom: raw, flags: 0),
            passing: DescriptorQueue()
        ).descriptors
    }

    /// Runs a command of QEMU's monitor, with descriptors both ways.
    ///
    /// - Parameters:
    ///   - command: as JSON, or in the human monitor's words with `.hmp`.
    ///   - files: descriptors to pass to QEMU, such as for `getfd`.
    /// - Returns: QEMU's answer, and descriptors that came with it.
    /// - Throws: `LibvirtError`.
    ///
    /// Source: `virDomainQemuMonitorCommandWithFiles`, since libvirt 8.2.0. Refused on a read-only
    /// connection.
    public func qemuMonitorCommand(
        cmd command: String, files: consuming DescriptorQueue,
        flags: virDomainQemuMonitorCommandFlags = []
    ) async throws(LibvirtError) -> DescriptorReply<String> {
        let reply = try await connection.call(
            Qemu.DOMAIN_MONITOR_COMMAND_WITH_FILES,
            qemu_domain_monitor_command_with_files_args(
                dom: raw, cmd: XDRString(command), flags: flags.rawValue),
            passing: files)
        return DescriptorReply(
            value: reply.value.result.text, descriptors: reply.descriptors)
    }
}
