/// What a connection is opened to, and how that was found.
struct ConnectionTarget: Sendable {
    let uri: LibvirtURI
    /// Where the URI comes from.
    let origin: String
    let configuration: ClientConfiguration
    let surroundings: Surroundings

    /// A URI that has been read.
    init(_ uri: LibvirtURI, in surroundings: Surroundings = .current) throws(LibvirtError) {
        configuration = try ClientConfiguration.read(in: surroundings, for: uri.description)
        self.uri = uri
        self.surroundings = surroundings
        origin = "as given"
    }

    /// Reads a URI or one of its aliases; without either, what the environment, the client's files and
    /// the host suggest, in this order.
    ///
    /// Source: `libvirt.c`, virConnectOpenInternal; `remote_driver.c`, remoteConnectOpen.
    init(_ text: String?, in surroundings: Surroundings = .current) throws(LibvirtError) {
        let given = text ?? ""
        let configuration = try ClientConfiguration.read(in: surroundings, for: given)
        var (uri, origin) = Self.choice(given, configuration, surroundings)
        if let alias = try configuration.uri(
            ofAlias: uri, advice: ("qemu:///system", "libvirt.conf"))
        {
            origin += ", the alias \(uri) in \(alias.file)"
            uri = alias.value
        }
        do throws(LibvirtURIError) {
            self.uri = try LibvirtURI(uri)
        } catch {
            let place = given.isEmpty ? " (\(origin))" : ""
            throw LibvirtError(.invalidURI(error.description + place), uri: uri)
        }
        self.origin = origin
        self.configuration = configuration
        self.surroundings = surroundings
    }

    private static func choice(
        _ given: String, _ configuration: ClientConfiguration, _ surroundings: Surroundings
    ) -> (uri: String, origin: String) {
        if !given.isEmpty { return (given, "as given") }
        if let uri = surroundings.variable("LIBVIRT_DEFAULT_URI") {
            return (uri, "from LIBVIRT_DEFAULT_URI")
        }
        if let setting = configuration.defaultURI {
            return (setting.value, "uri_default in \(setting.file)")
        }
        return probe(surroundings)
    }

    /// Goes by the daemons that there are.
    private static func probe(_ surroundings: Surroundings) -> (uri: String, origin: String) {
        let isRoot = surroundings.isRoot
        let directory = isRoot ? "/var/run/libvirt" : surroundings.runtimeDirectory
        let drivers = isRoot ? ["xen", "qemu", "lxc", "vbox", "bhyve", "vz"] : ["qemu", "vbox"]
        let path = isRoot ? "/system" : "/session"
        for driver in drivers {
            guard let daemon = SocketSelection.daemons[driver] else { continue }
            let socket = "\(directory)/\(daemon)-sock"
            if surroundings.fileExists(socket) {
                return ("\(driver)://\(path)", "because \(socket) is there")
            }
        }
        // A daemon with all drivers knows best which of them it has.
        return isRoot
            ? ("remote:///", "the daemon's own choice") : ("qemu:///session", "the user's session")
    }
}
