internal import LinuxIO

/// The socket of a daemon's administration, and the URI that names it.
///
/// Source: libvirt's `libvirt-admin.c`, getSocketPath and virAdmGetDefaultURI.
struct AdminSocket {
    let uri: String
    let path: String

    /// Reads a URI or one of its aliases; without either, what the environment and `libvirt-admin.conf`
    /// say, in this order, and else libvirtd's.
    init(_ given: String?, in surroundings: Surroundings = .current) throws(LibvirtError) {
        let given = given ?? ""
        let configuration = try ClientConfiguration.read(Self.file, in: surroundings, for: given)
        let text = given.isEmpty ? Self.defaultURI(configuration, surroundings) : given
        uri =
            try configuration.uri(ofAlias: text, advice: ("libvirtd:///system", Self.file))?.value
            ?? text
        do throws(LibvirtURIError) {
            path = try Self.path(of: LibvirtURI(uri), surroundings: surroundings)
        } catch {
            throw LibvirtError(.invalidURI(error.description), uri: uri)
        }
    }

    private static let file = "libvirt-admin.conf"

    private static func defaultURI(
        _ configuration: ClientConfiguration, _ surroundings: Surroundings
    ) -> String {
        surroundings.variable("LIBVIRT_ADMIN_DEFAULT_URI") ?? configuration.defaultURI?.value
            ?? (surroundings.isRoot ? "libvirtd:///system" : "libvirtd:///session")
    }

    func connect(
        loop: EventLoop, deadline: ContinuousClock.Instant
    ) async throws(LibvirtError) -> UnixSocket {
        let selection = SocketSelection(
            path: path, reason: "it is the daemon's own", passedOver: [], sessionDaemon: nil)
        do throws(ConnectionFailure) {
            return try await SocketConnector(
                selection: selection, daemon: nil, loop: loop, deadline: deadline
            ).connect { _ in }
        } catch {
            throw LibvirtError(.unreachable(error.attempts), uri: uri)
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
