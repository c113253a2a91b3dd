internal import LibvirtRPC

/// Where the certificates are that a connection over TLS is made with.
///
/// Source: `virnettlscontext.c`, virNetTLSContextLocateCredentials; libvirt's
/// `docs/kbase/tlscerts.rst`.
struct TLSFiles {
    /// The files that there are, in their order of preference for each.
    let settings: TLSSettings

    /// - Throws: `LibvirtURIError` for parameters that cannot be honoured.
    init(
        _ uri: LibvirtURI, defaultPriority: String?, in surroundings: Surroundings
    )
        throws(LibvirtURIError)
    {
        var settings: TLSSettings
        if let directory = uri.parameter("pkipath"), !directory.isEmpty {
            settings = Self.find([.init(in: directory)], surroundings)
        } else {
            let own = surroundings.isRoot ? [] : [Places(in: "\(surroundings.home)/.pki/libvirt")]
            settings = Self.find(own + [.system], surroundings)
        }
        settings.verifiesServer = try !uri.flag("no_verify")
        settings.verifiesOwnCertificates = try !uri.flag("no_sanity")
        do throws(TLSPriorityError) {
            if let priority = uri.parameter("tls_priority") ?? defaultPriority {
                settings.priority = try TLSPriority(priority)
            }
        } catch {
            throw LibvirtURIError(uri.description, error.description)
        }
        self.settings = settings
    }

    private struct Places {
        let authorities: String
        let revocations: String
        let identity: TLSSettings.Identity

        init(in directory: String) {
            authorities = "\(directory)/cacert.pem"
            revocations = "\(directory)/cacrl.pem"
            identity = TLSSettings.Identity(
                certificate: "\(directory)/clientcert.pem", key: "\(directory)/clientkey.pem")
        }

        private init() {
            authorities = "/etc/pki/CA/cacert.pem"
            revocations = "/etc/pki/CA/cacrl.pem"
            identity = TLSSettings.Identity(
                certificate: "/etc/pki/libvirt/clientcert.pem",
                key: "/etc/pki/libvirt/private/clientkey.pem")
        }

        static let system = Places()
    }

    /// Takes each file from the first place that has it, and certificate and key from the first one that has
    /// both; where none has, from one that has either, so that the error names the other.
    private static func find(_ places: [Places], _ surroundings: Surroundings) -> TLSSettings {
        let exists = surroundings.fileExists
        // One that is nowhere is the last, whose absence the error names.
        let authorities = places.map(\.authorities)
        var settings = TLSSettings(
            authorities: authorities.first(where: exists) ?? authorities.last ?? "")
        settings.revocations = places.map(\.revocations).first(where: exists)
        let identities = places.map(\.identity)
        settings.identity =
            identities.first { exists($0.certificate) && exists($0.key) }
            ?? identities.first { exists($0.certificate) || exists($0.key) }
        return settings
    }
}
