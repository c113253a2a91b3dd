internal import LibvirtRPC
internal import LinuxIO

/// Answers the daemon's two control sockets: libvirt's RPC, with a program of our own.
///
/// One is for whoever administers the daemon, the other, as libvirt's own read-only one, for any user
/// of the host: procedures that change something are refused there.
///
/// The sockets are there when the daemon has put back what its records tell of, so whoever waits for
/// the daemon waits for one to answer VERSION. Source: `virtwire_protocol.x`.
struct ControlServer {
    private let sockets: [ControlSocket]

    /// Starts to answer.
    ///
    /// - Parameter inherited: begins with the listeners of a process in whose place this one goes on.
    init(
        _ host: Host, _ procedures: ControlProcedures, _ inherited: PassedDescriptors? = nil,
        loop: EventLoop
    ) throws(PortError) {
        let administrative = try ControlSocket(
            .administrative, host, procedures, inherited?.takeFirst(), loop: loop)
        do throws(PortError) {
            sockets = [
                administrative,
                try ControlSocket(
                    .readOnly, host, procedures, inherited?.takeFirst(), loop: loop),
            ]
        } catch {
            administrative.stop()
            throw error
        }
    }

    /// Ends every client's link and removes the sockets.
    func stop() {
        for socket in sockets { socket.stop() }
    }

    /// Puts back what somebody has taken away.
    func restore() {
        for socket in sockets { socket.restore() }
    }

    /// Other descriptors of both listeners, for a process that goes on in this one's place.
    func duplicateListeners() throws(SystemError) -> DescriptorQueue {
        var descriptors = DescriptorQueue()
        for socket in sockets { descriptors.append(try socket.duplicateListener()) }
        return descriptors
    }

    /// Ends every client's link and leaves the sockets to another process.
    func leave() {
        for socket in sockets { socket.leave() }
    }
}

/// What a control socket's clients may do.
enum ControlAccess: Sendable, Hashable {
    /// Everything.
    case administrative
    /// Ask, and change nothing.
    case readOnly

    /// The mode and the group of the socket; nil leaves the group as it comes. Domains' names, ports and
    /// peers are no secret on a host; libvirt's read-only socket tells as much.
    ///
    /// - Parameter administrators: the group that may do everything, beside the daemon's own user.
    func permissions(_ administrators: UInt32?) -> (mode: UInt32, group: UInt32?) {
        switch self {
        case .administrative: (administrators == nil ? 0o600 : 0o660, administrators)
        case .readOnly: (0o666, nil)
        }
    }

    func path(_ layout: RuntimeLayout) -> String {
        switch self {
        case .administrative: layout.controlSocket
        case .readOnly: layout.readOnlyControlSocket
        }
    }
}
