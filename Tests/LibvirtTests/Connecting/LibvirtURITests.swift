import Libvirt
import Testing

@Suite struct LibvirtURITests {
    @Test(arguments: [
        ("qemu:///system", "qemu", LibvirtURI.Transport.unix, "/system"),
        ("test:///default", "test", .unix, "/default"),
        ("qemu+unix:///session?socket=/x", "qemu", .unix, "/session"),
        ("QEMU+SSH://root@host:2222/system", "qemu", .ssh, "/system"),
        ("qemu://host/system", "qemu", .tls, "/system"),
        ("qemu+tcp://[fe80::1]:16509/system", "qemu", .tcp, "/system"),
        ("xen:///", "xen", .unix, "/"),
    ])
    func reads(text: String, driver: String, transport: LibvirtURI.Transport, path: String) throws {
        let uri = try LibvirtURI(text)
        #expect(uri.driver == driver)
        #expect(uri.transport == transport)
        #expect(uri.path == path)
    }

    @Test func readsTheAuthority() throws {
        let uri = try LibvirtURI("qemu+ssh://alice%40example@[fe80::1]:2222/system#part")
        #expect(uri.user == "alice@example")
        #expect(uri.host == "fe80::1")
        #expect(uri.port == 2222)
        #expect(uri.fragment == "part")
    }

    @Test(arguments: [
        ("qemu:///system", "qemu:///system"),
        ("qemu+ssh://root@host/system?keyfile=/k", "qemu:///system"),
        ("test+unix:///default?socket=/a/b&foo=b%20r", "test:///default?foo=b%20r"),
        ("test:///default?a%26b=c%26d", "test:///default?a%26b=c%26d"),
        ("remote://host/", ""),
        ("qemu+tcp://host/system?name=test:///default", "test:///default"),
    ])
    func tellsTheServerALocalName(text: String, name: String) throws {
        #expect(try LibvirtURI(text).serverName == name)
    }

    @Test(arguments: [
        ("", "no driver"), ("qemu", "no driver"), ("://x", "driver is"),
        ("qemu+carrier:///system", "transport is"), ("qemu+unix://host/system", "names the host"),
        ("qemu+tcp://host:99999/", "port"), ("qemu+tcp://[::1/system", "bracket"),
        ("test:default", "slash"), ("qemu:///sys tem", "space"), ("qemu:///%zz", "hexadecimal"),
        ("qemu:///%ff", "UTF-8"),
    ])
    func saysWhatIsWrong(text: String, problem: String) {
        let error = #expect(throws: LibvirtURIError.self) { try LibvirtURI(text) }
        #expect(error?.description.contains(problem) == true)
    }

    @Test(
        "a parameter of another transport is refused, as it would be ignored",
        arguments: [
            ("qemu+tcp://host/system?pkipath=/x", "pkipath means nothing over tcp: it is for tls"),
            ("qemu://host/system?socket=/x", "it is for unix, ssh, libssh, libssh2"),
            ("qemu+unix:///system?no_verify=1", "no_verify means nothing over unix"),
            ("qemu+tls://host/system?proxy=netcat", "it is for ssh, libssh, libssh2"),
            ("qemu+tcp://host/system?auth=odd", "auth=odd is none of polkit"),
        ])
    func refusesWhatItCannotHonour(text: String, problem: String) {
        let error = #expect(throws: LibvirtError.self) { try Connection.explain(text) }
        #expect(error?.description.contains(problem) == true, "\(String(describing: error))")
    }

    @Test(
        "what a URI names itself, and what it leaves to be found",
        arguments: [
            ("qemu:///system", false, false), ("qemu:///session", false, true),
            ("qemu+unix:///session", true, true), ("qemu://host/system", false, false),
            ("qemu+ssh://host/session", true, true),
        ])
    func leavesOpen(text: String, namesTransport: Bool, isSession: Bool) throws {
        let uri = try LibvirtURI(text)
        #expect(uri.namesTransport == namesTransport && uri.isSession == isSession)
    }

    @Test func flagsAreIntegers() throws {
        let uri = try LibvirtURI("qemu+ssh://host/system?no_verify=1&no_tty=0&no_sanity=yes")
        #expect(try uri.flag("no_verify"))
        #expect(try !uri.flag("no_tty"))
        #expect(try !uri.flag("absent"))
        #expect(throws: LibvirtURIError.self) { try uri.flag("no_sanity") }
    }
}
