import LinuxIO
import Testing

@testable import Libvirt

@Suite("Files of credentials")
struct AuthenticationFileTests {
    private func file(_ text: String) throws -> AuthenticationFile {
        try AuthenticationFile(text: text, path: "auth.conf")
    }

    private static let usual = """
        # who we are
        [credentials-test]
        authname = fred
        password= a b = c#d\u{20}

        [credentials-other]\r
        authname=joe
        username=root
        realm=EXAMPLE.COM
        password=pw\r
        ; another comment
          [auth-libvirt-host.example.com]
        credentials=test
        [auth-esx-host.example.com]
        credentials=other
        [auth-libvirt-default]
        credentials=other
        """

    @Test("a password is in no text that a log might print")
    func silence() {
        let credentials = Credentials(name: "fred", password: "hunter2", realm: "EXAMPLE.COM")
        var dumped = ""
        dump(credentials, to: &dumped)
        #expect(credentials.customMirror.children.isEmpty)
        for text in ["\(credentials)", credentials.debugDescription, dumped, "\([credentials])"] {
            #expect(text.contains("fred") && !text.contains("hunter2"))
        }
    }

    @Test("the group of service and host counts, else the service's default")
    func lookUp() throws {
        let file = try file(Self.usual)
        #expect(
            try file.credentials(service: "libvirt", host: "host.example.com")
                == Credentials(name: "fred", password: "a b = c#d"))
        #expect(
            try file.credentials(service: "libvirt", host: "elsewhere")
                == Credentials(
                    name: "joe", password: "pw", authorizationName: "root", realm: "EXAMPLE.COM"))
        #expect(try file.credentials(service: "ssh", host: "host.example.com") == nil)
        #expect(try self.file("").credentials(service: "libvirt", host: "x") == nil)
    }

    @Test(
        "a file that cannot be meant is refused with the place, and no line of it is quoted",
        arguments: [
            ("secret=1", "line 1 stands before"), ("[a\nsecret=1", "line 1 opens a group"),
            ("[a]\nsecret", "line 2 is no key=value"),
            ("[auth-libvirt-x]\nsecret=1", "[auth-libvirt-x] has no line credentials=NAME"),
            ("[auth-libvirt-x]\ncredentials=y", "there is no such group"),
        ])
    func wrong(_ text: String, _ problem: String) throws {
        do {
            _ = try file(text).credentials(service: "libvirt", host: "x")
            Issue.record("accepted")
        } catch let error as AuthenticationError {
            let sentence = error.sentence("test:///default")
            #expect(sentence.contains("auth.conf cannot be used"))
            #expect(sentence.contains(problem), "\(sentence)")
            #expect(!sentence.contains("secret"))
        }
    }

    @Test("one file counts: the first that is named, else the first of the usual ones")
    func choice() throws {
        let plain = try LibvirtURI("test:///default")
        let named = try LibvirtURI("test:///default?authfile=/uri")
        let all: Set = ["/home/fred/.config/libvirt/auth.conf", "/etc/libvirt/auth.conf"]
        func path(
            _ uri: LibvirtURI, _ files: Set<String>, _ variables: [String: String] = [:],
            option: String? = nil
        ) -> String? {
            AuthenticationFile.path(
                option: option, uri: uri,
                surroundings: Surroundings(
                    user: 1000, variables: variables.merging(["HOME": "/home/fred"]) { $1 }),
                isReadable: files.contains)
        }
        let environment = ["LIBVIRT_AUTH_FILE": "/env"]
        #expect(path(named, all, environment, option: "/option") == "/option")
        #expect(path(named, all, environment) == "/env")
        #expect(path(named, all) == "/uri")
        #expect(path(plain, all) == "/home/fred/.config/libvirt/auth.conf")
        #expect(path(plain, ["/etc/libvirt/auth.conf"]) == "/etc/libvirt/auth.conf")
        #expect(path(plain, []) == nil)
        let moved = path(plain, ["/xdg/libvirt/auth.conf"], ["XDG_CONFIG_HOME": "/xdg"])
        #expect(moved == "/xdg/libvirt/auth.conf")
    }

    @Test("who has no HOME is at home where the host's list of users says")
    func homeless() throws {
        let home = try #require(Accounts.home(of: 0))
        let file = "\(home == "/" ? "" : home)/.config/libvirt/auth.conf"
        let path = AuthenticationFile.path(
            uri: try LibvirtURI("test:///default"), surroundings: Surroundings(user: 0),
            isReadable: { $0 == file })
        #expect(path == file)
    }

    @Test("a password is in nobody's log")
    func secrecy() {
        let credentials = Credentials(name: "fred", password: "xyzzy", authorizationName: "joe")
        var dumped = ""
        dump(credentials, to: &dumped)
        for text in ["\(credentials)", String(reflecting: credentials), dumped] {
            #expect(!text.contains("xyzzy"))
            #expect(text.contains("fred"))
        }
        let request = CredentialRequest(
            mechanism: "PLAIN", service: "libvirt", host: "h", uri: "u", wanted: [.name],
            known: credentials)
        #expect(!"\(request)".contains("xyzzy"))
    }
}
