internal import LinuxIO

/// Finds the socket of a daemon's administration.
///
/// Source: libvirt's `libvirt-admin.c`, getSocketPath.
enum AdminSocket {
    /// What is meant where no URI is given.
    static func defaultURI(_ surroundings: SocketSelection.Surroundings = .current) -> String {
        if let uri = Environment.value("LIBVIRT_ADMIN_DEFAULT_URI"), !uri.isEmpty { return uri }
        return surroundings.user == 0 ? "libvirtd:///system" : "libvirtd:///session"
    }

    static func connect(_ text: String) async throws(LibvirtError) -> UnixSocket {
        let uri: LibvirtURI
        let path: String
        do throws(LibvirtURIError) {
            uri = try LibvirtURI(text)
            path = try Self.path(of: uri)
        } catch {
            throw LibvirtError(.invalidURI(error.description), uri: text)
        }
        return try await SocketConnector(uri: uri, readOnly: false).connect(toFirstOf: [path])
    }

    /// The socket's path for a URI such as `libvirtd:///system`.
    static func path(
        of uri: LibvirtURI, surroundings: SocketSelection.Surroundings = .current
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
            let runtime = surroundings.runtimeDirectory ?? "\(surroundings.home ?? "")/.cache"
            return "\(runtime)/libvirt/\(name)"
        default:
            throw LibvirtURIError(uri.description, "its path is neither /system nor /session")
        }
    }
}
