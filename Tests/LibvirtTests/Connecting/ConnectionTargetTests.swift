import Testing

@testable import Libvirt

@Suite("What is opened") struct ConnectionTargetTests {
    /// Surroundings whose configuration directory holds a libvirt.conf.
    private func with<Result>(
        _ text: String?, variables: [String: String] = [:], files: Set<String> = [],
        user: UInt32 = 1000, _ body: (Surroundings) throws -> Result
    ) throws -> Result {
        try withConfiguredUser(
            "libvirt.conf", text, variables: variables, files: files, user: user, body)
    }

    private let text = """
        # how the hosts are called
        uri_aliases = [
          "hail=qemu+ssh://root@hail.example/system",  # far
          'sleet=test:///default',
        ]
        uri_default = "sleet"
        remote_mode = "legacy"
        remote_proxy="netcat"
        tls_priority = "NORMAL:-VERS-TLS1.2"
        some_number = 17
        """

    @Test func aliasesAreResolved() throws {
        try with(text) { surroundings in
            let target = try ConnectionTarget("hail", in: surroundings)
            #expect(target.uri.description == "qemu+ssh://root@hail.example/system")
            #expect(target.origin.hasPrefix("as given, the alias hail in /"))
            #expect(target.configuration.mode == "legacy")
            #expect(target.configuration.tlsPriority == "NORMAL:-VERS-TLS1.2")
            let error = #expect(throws: LibvirtError.self) {
                try ConnectionTarget("rain", in: surroundings)
            }
            #expect(error?.description.contains("\"rain\" is neither a URI") == true)
        }
    }

    @Test func theEnvironmentComesBeforeTheFileAndTheFileBeforeTheHost() throws {
        let variables = ["LIBVIRT_DEFAULT_URI": "hail"]
        try with(text, variables: variables) { surroundings in
            let target = try ConnectionTarget(nil, in: surroundings)
            #expect(target.uri.host == "hail.example")
            #expect(target.origin.hasPrefix("from LIBVIRT_DEFAULT_URI, the alias hail"))
        }
        try with(text) { surroundings in
            let target = try ConnectionTarget("", in: surroundings)
            #expect(target.uri.description == "test:///default")
            #expect(target.origin.hasPrefix("uri_default in /"))
        }
        try with(nil) { surroundings in
            let target = try ConnectionTarget(nil, in: surroundings)
            #expect(target.uri.path == "/session")
        }
        let socket = "/var/run/libvirt/virtlxcd-sock"
        try with(nil, files: [socket], user: 0) { surroundings in
            let target = try ConnectionTarget(nil, in: surroundings)
            #expect(target.uri.description == "lxc:///system")
        }
        try with(nil, user: 0) { surroundings in
            let target = try ConnectionTarget(nil, in: surroundings)
            #expect(target.uri.serverName == "")
        }
    }

    @Test(arguments: [
        ("uri_default = 7", "libvirt.conf, line 1: uri_default should be a text"),
        ("\nuri_aliases = [\"odd\"]", "line 2: the alias \"odd\" should be"),
        ("uri_aliases = [ \"a=b\" \"c=d\" ]", "line 1: a list's items are parted"),
        ("uri_default = \"x", "line 1: a text does not end"),
        ("uri_default \"x\"", "line 1: there should be a name and ="),
        ("uri_default = \"x\" y", "line 1: there is more behind the value of uri_default"),
    ])
    func aFileThatCannotBeUnderstoodIsNamed(text: String, problem: String) throws {
        try with(text) { surroundings in
            let error = #expect(throws: LibvirtError.self) {
                try ConnectionTarget("test:///default", in: surroundings)
            }
            #expect(error?.description.contains(problem) == true, "\(String(describing: error))")
        }
    }

    @Test func theRouteIsExplained() throws {
        try with(text, files: ["/etc/pki/CA/cacert.pem"]) { surroundings in
            func actions(_ uri: String) throws -> [String] {
                try Route(try ConnectionTarget(uri, in: surroundings), readOnly: true).actions
            }
            let hail = try LibvirtURI("qemu+ssh://root@hail.example/system")
            let far = try RemoteCommand(hail, readOnly: true, defaultProxy: "netcat").text
            #expect(
                try actions("hail") == [
                    "run ssh -l root -T -e none -- hail.example \(RemoteCommand.quoted(far))",
                    "authenticate, and open qemu:///system read-only",
                ])
            #expect(
                try actions("qemu+tls://[::1]/system").first
                    == "connect to [::1]:16514 over TLS, trusting /etc/pki/CA/cacert.pem, "
                    + "without a certificate of ours")
            #expect(
                try actions("qemu:///session?mode=auto").dropLast() == [
                    "look for the UNIX socket /run/user/1000/libvirt/virtqemud-sock",
                    "connect to the UNIX socket /run/user/1000/libvirt/libvirt-sock (no other is "
                        + "there either), and where nobody listens run libvirtd --daemon "
                        + "--timeout=120",
                ])
            #expect(
                try actions("qemu+tcp://host/system").first
                    == "connect to host:16509 over TCP, in the clear")
        }
    }

    @Test(arguments: [
        ("qemu+tcp://host/system?mode=direct", "mode=direct is for sockets of this host"),
        ("qemu+ssh://host/system?mode=direct", "mode=direct is for sockets of this host"),
        ("qemu+tls://host/system?mode=odd", "mode=odd is none of"),
        ("qemu+ssh:///system", "names no host"),
        ("qemu+ssh://host/system?proxy=odd", "proxy=odd is none of"),
        ("qemu+ssh://host/system?proxy=native&netcat=/bin/nc", "netcat= is for a netcat"),
        ("qemu+ssh://host/session?proxy=netcat", "finds no session's socket"),
        ("qemu+libssh://host/system?sshauth=magic", "has \"magic\""),
        ("qemu+libssh2://host/system?known_hosts_verify=odd", "is none of normal"),
        ("qemu+ssh://host/system?no_verify=yes", "is not an integer"),
        ("qemu+tls://host/system?tls_priority=SECURE192", "cannot be honoured"),
        ("qemu+tls://host/system?tls_priority=NORMAL:-VERS-ALL", "no version of TLS"),
        ("qemu+ext:///system", "command=PATH"),
    ])
    func whatCannotBeHonouredIsRefused(uri: String, problem: String) throws {
        try with(nil) { surroundings in
            let target = try ConnectionTarget(uri, in: surroundings)
            let error = #expect(throws: LibvirtURIError.self) {
                try Route(target, readOnly: false)
            }
            #expect(error?.description.contains(problem) == true, "\(String(describing: error))")
        }
    }

    @Test func sshIsToldWhatTheURISays() throws {
        try with(nil) { surroundings in
            func words(_ uri: String) throws -> [String] {
                let all = try SSHCommand(
                    try LibvirtURI(uri), readOnly: false, in: surroundings
                ).arguments
                return Array(all.dropLast(3))
            }
            let plain = try words("qemu+ssh://h/system")
            #expect(plain == ["ssh", "-T", "-e", "none"])
            #expect(
                try words(
                    "qemu+ssh://a@h:22/system?command=/s&keyfile=/k&no_tty=1&no_verify=1&known_hosts=/a%20b"
                ) == [
                    "/s", "-p", "22", "-l", "a", "-i", "/k", "-T", "-e", "none", "-o",
                    "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o",
                    "UserKnownHostsFile=\"/a b\"",
                ])
            #expect(
                try words("qemu+libssh://h/system?sshauth=agent,password&known_hosts_verify=auto")
                    == [
                        "ssh", "-l", "root", "-T", "-e", "none", "-o",
                        "StrictHostKeyChecking=accept-new", "-o",
                        "PreferredAuthentications=publickey,password", "-o", "IdentityFile=none",
                    ])
        }
    }
}
