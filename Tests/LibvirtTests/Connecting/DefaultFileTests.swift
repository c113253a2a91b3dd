import LibvirtRPC
import Testing

@testable import Libvirt

/// Where a connection looks for files that its URI does not name.
@Suite("Default files of TLS and ssh") struct DefaultFileTests {
    private static let own = "/home/fred/.pki/libvirt"
    private static let ownIdentity = identity(in: own)
    private static let systemIdentity = TLSSettings.Identity(
        certificate: "/etc/pki/libvirt/clientcert.pem",
        key: "/etc/pki/libvirt/private/clientkey.pem")

    private static let ownFiles: Set<String> = [
        "\(own)/cacert.pem", "\(own)/cacrl.pem", "\(own)/clientcert.pem",
        "\(own)/clientkey.pem",
    ]
    private static let systemFiles: Set<String> = [
        "/etc/pki/CA/cacert.pem", "/etc/pki/CA/cacrl.pem", "/etc/pki/libvirt/clientcert.pem",
        "/etc/pki/libvirt/private/clientkey.pem",
    ]

    private static func identity(in directory: String) -> TLSSettings.Identity {
        TLSSettings.Identity(
            certificate: "\(directory)/clientcert.pem", key: "\(directory)/clientkey.pem")
    }

    /// What is found where there are these files.
    private func settings(
        _ files: Set<String>, user: UInt32 = 1000, _ parameters: String = ""
    ) throws -> TLSSettings {
        let surroundings = Surroundings(
            user: user, variables: ["HOME": "/home/fred"], files: files)
        let uri = try LibvirtURI("qemu+tls://host/system\(parameters)")
        return try TLSFiles(uri, defaultPriority: nil, in: surroundings).settings
    }

    @Test("a user's own files come before the host's, all of them")
    func ownFirst() throws {
        let settings = try settings(Self.ownFiles.union(Self.systemFiles))
        #expect(settings.authorities == "\(Self.own)/cacert.pem")
        #expect(settings.revocations == "\(Self.own)/cacrl.pem")
        #expect(settings.identity == Self.ownIdentity)
    }

    @Test(
        "whoever has no home, or one that ends with a slash, has paths with a slash between names")
    func homes() throws {
        let uri = try LibvirtURI("qemu+tls://host/system")
        // A number that the host's databases do not have.
        for (variables, home) in [
            ([:], ""), (["HOME": "/"], ""), (["HOME": "/home/fred/"], "/home/fred"),
        ] {
            let surroundings = Surroundings(
                user: 4_000_000_001, variables: variables,
                files: ["\(home)/.pki/libvirt/cacert.pem"])
            let settings = try TLSFiles(uri, defaultPriority: nil, in: surroundings).settings
            #expect(settings.authorities == "\(home)/.pki/libvirt/cacert.pem")
            #expect(surroundings.runtimeDirectory == "\(home)/.cache/libvirt")
            #expect(surroundings.configurationDirectory == "\(home)/.config/libvirt")
        }
    }

    @Test("root has none of its own")
    func root() throws {
        let settings = try settings(Self.ownFiles.union(Self.systemFiles), user: 0)
        #expect(settings.authorities == "/etc/pki/CA/cacert.pem")
        #expect(settings.revocations == "/etc/pki/CA/cacrl.pem")
        #expect(settings.identity == Self.systemIdentity)
        let nothing = try self.settings(Self.ownFiles, user: 0)
        #expect(nothing.revocations == nil && nothing.identity == nil)
    }

    @Test("each that a user does not have is the host's")
    func mixed() throws {
        let certificates = try settings(
            Self.systemFiles.union(["\(Self.own)/clientcert.pem", "\(Self.own)/clientkey.pem"]))
        #expect(certificates.authorities == "/etc/pki/CA/cacert.pem")
        #expect(certificates.revocations == "/etc/pki/CA/cacrl.pem")
        #expect(certificates.identity == Self.ownIdentity)

        let authority = try settings(Self.systemFiles.union(["\(Self.own)/cacert.pem"]))
        #expect(authority.authorities == "\(Self.own)/cacert.pem")
        #expect(authority.revocations == "/etc/pki/CA/cacrl.pem")
        #expect(authority.identity == Self.systemIdentity)
    }

    @Test(
        "a certificate goes with the key beside it, and never with one of elsewhere",
        arguments: ["clientcert.pem", "clientkey.pem"])
    func pairs(lone: String) throws {
        // As libvirt has it: half a pair is passed over for a whole one.
        let whole = try settings(Self.systemFiles.union(["\(Self.own)/\(lone)"]))
        #expect(whole.identity == Self.systemIdentity)
        // And where there is no whole one, the error can name the half that is missing.
        let half = try settings(["\(Self.own)/\(lone)"])
        #expect(half.identity == Self.ownIdentity)
        let parted = try settings(
            ["\(Self.own)/clientcert.pem", "/etc/pki/libvirt/private/clientkey.pem"])
        #expect(parted.identity == Self.ownIdentity)
    }

    @Test("nothing anywhere: the host's authorities are missed, and we have no certificate")
    func nothing() throws {
        let settings = try settings([])
        #expect(settings.authorities == "/etc/pki/CA/cacert.pem")
        #expect(settings.revocations == nil)
        #expect(settings.identity == nil)
    }

    @Test("a pkipath counts alone, unless it is empty")
    func directory() throws {
        let all = Self.ownFiles.union(Self.systemFiles)
        let missing = try settings(all, "?pkipath=/pki")
        #expect(missing.authorities == "/pki/cacert.pem")
        #expect(missing.revocations == nil && missing.identity == nil)
        let found = try settings(
            all.union(["/pki/cacrl.pem", "/pki/clientcert.pem"]), "?pkipath=/pki")
        #expect(found.revocations == "/pki/cacrl.pem")
        #expect(found.identity == Self.identity(in: "/pki"))
        let empty = try settings(all, "?pkipath=")
        #expect(empty.identity == Self.ownIdentity)
    }

    /// The files of known hosts that ssh is told of.
    private func knownHosts(
        _ uri: String, variables: [String: String] = ["HOME": "/home/fred"],
        files: Set<String>
    ) throws -> [String] {
        let surroundings = Surroundings(user: 1000, variables: variables, files: files)
        let command = try SSHCommand(
            try LibvirtURI(uri), readOnly: false, in: surroundings)
        return command.arguments.compactMap { word in
            word.hasPrefix("UserKnownHostsFile=") ? String(word.dropFirst(19)) : nil
        }
    }

    @Test("libssh knows the hosts of libvirt's own file, and then those of ssh's")
    func libssh() throws {
        let own = "/home/fred/.config/libvirt/known_hosts"
        for transport in ["libssh", "libssh2"] {
            let uri = "qemu+\(transport)://host/system"
            let found = try knownHosts(uri, files: [own])
            #expect(found == ["\(own) ~/.ssh/known_hosts"])
            let nothing = try knownHosts(uri, files: [])
            #expect(nothing == [])
            let named = try knownHosts(uri + "?known_hosts=/other", files: [own])
            #expect(named == ["/other"])
            let ignored = try knownHosts(uri + "?known_hosts_verify=ignore", files: [own])
            #expect(ignored == ["/dev/null"])
        }
        let plain = try knownHosts("qemu+ssh://host/system", files: [own])
        #expect(plain == [])
    }

    @Test("it is where the user's configuration is, spaces and all")
    func configurationDirectory() throws {
        let own = "/my files/100%/libvirt/known_hosts"
        let found = try knownHosts(
            "qemu+libssh://host/system", variables: ["XDG_CONFIG_HOME": "/my files/100%"],
            files: [own])
        #expect(found == ["\"/my files/100%%/libvirt/known_hosts\" ~/.ssh/known_hosts"])
    }
}
