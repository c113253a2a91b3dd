internal import LinuxIO

/// Finds the socket of a daemon's administration.
///
/// Source: libvirt's `libvirt-admin.c`, getSocketPath.
enum AdminSocket {
    /// What is meant where no URI is given.
    static func defaultURI(_ surroundings: Surroundings = .current) -> String {
        if let uri = surroundings.variable("LIBVIRT_ADMIN_DEFAULT_URI") { return uri }
        return surroundings.isRoot ? "libvirtd:///system" : "libvirtd:///session"
    }

    static func connect(
        _ text: String, loop: EventLoop
    ) async throws(LibvirtError) -> UnixSocket {
        let uri: LibvirtURI
        let path: String
        do throws(LibvirtURIError) {
            uri = try LibvirtURI(text)
            path = try Self.path(of: uri)
        } catch {
            throw LibvirtError(.invalidURI(error.description), uri: text)
        }
        let selection = SocketSelection(
            path: path, reason: "it is the daemon's own", passedOver: [], sessionDaemon: nil)
        do throws(ConnectionFailure) {
            return try await SocketConnector(selection: selection, daemon: nil, loop: loop)
                .connect { _ in }
        } catch {
            throw LibvirtError(.unreachable(error.attempts), uri: text)
        }
    }

    /// The socket's path for a URI such as `libvirtd:///system`.
    static func path(
        of uri: LibvirtURI, surroundings: Surroundings = .current
    ) throws(LibvirtURIError) -> String {
        guard uri.transport == .unix else {
            throw LibvirtURIError(
                uri.description, "a daemon is administered over its UNIX socket only")
        }
        if let unknown = uri.parameters.first(where: { $0.name != "socket" }) {
            throw LibvirtURIError(
                uri.description, "\(unknown.name) is no parameter here: there is socket only")
        }
        if let socket = uri.parameter("socket"), !socket.isEmpty { return socket }
        guard uri.driver.hasPrefix("virt") || uri.driver == "libvirtd" else {
            throw LibvirtURIError(
                uri.description, "it names no daemon: write libvirtd, virtqemud, …")
        }
        let name = uri.driver == "libvirtd" ? "libvirt-admin-sock" : "\(uri.driver)-admin-sock"
        switch uri.path {
        case "/system": return "/run/libvirt/\(name)"
        case "/session":
            return "\(surroundings.runtimeDirectory)/\(name)"
        default:
            throw LibvirtURIError(uri.description, "its path is neither /system nor /session")
        }
    }
}
