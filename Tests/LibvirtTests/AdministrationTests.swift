import Glibc
import LibvirtProtocol
import LibvirtTesting
import Testing

@testable import Libvirt

@Suite("The administration of a real daemon", .serialized, .timeLimit(.minutes(4)))
struct AdministrationTests {
    private func withAdministration(
        _ body: (TestLibvirtd, AdminConnection) async throws -> Void
    ) async throws {
        try await withDaemon { daemon in
            let admin = try await AdminConnection.open(daemon.adminURI)
            try await body(daemon, admin)
            await admin.close()
        }
    }

    @Test("servers are listed and looked up") func servers() async throws {
        try await withAdministration { _, admin in
            #expect(try await admin.libraryVersion().number >= 9_000_000)
            let servers = try await admin.listServers()
            #expect(Set(servers.map(\.name)) == ["libvirtd", "admin"])
            #expect(servers.contains(try await admin.lookUpServer("libvirtd")))
            let error = await #expect(throws: LibvirtError.self) {
                try await admin.lookUpServer("nobody")
            }
            #expect(error?.code == .noServer)
        }
    }

    @Test("workers and limits are told, and changed") func numbers() async throws {
        try await withAdministration { _, admin in
            let server = try await admin.lookUpServer("libvirtd")
            let before = try await server.threadPool()
            #expect(before.minimum == 5 && before.maximum == 20 && before.priority == 5)
            #expect(before.current >= before.free && before.queueDepth == 0)
            try await server.setThreadPool(minimum: 6, maximum: 25)
            let after = try await server.threadPool()
            #expect(after.minimum == 6 && after.maximum == 25 && after.priority == 5)

            let limits = try await server.clientLimits()
            #expect(limits.maximum == 5000 && limits.maximumUnauthenticated == 20)
            try await server.setClientLimits(maximum: 100, maximumUnauthenticated: 10)
            let smaller = try await server.clientLimits()
            #expect(smaller.maximum == 100 && smaller.maximumUnauthenticated == 10)
            #expect(smaller.current <= 1 && smaller.currentUnauthenticated <= smaller.current)
            await #expect(throws: LibvirtError.self) {
                try await server.setClientLimits(maximum: 5, maximumUnauthenticated: 10)
            }
        }
    }

    @Test("clients are known by who they are, and can be sent away") func clients() async throws {
        try await withAdministration { daemon, admin in
            let server = try await admin.lookUpServer("libvirtd")
            // Whoever looked whether the daemon is up may be counted for a moment yet.
            try await eventually("nobody is there") { try await server.listClients().isEmpty }
            let connection = try await Connection.open(daemon.uri())
            let clients = try await server.listClients()
            let client = try #require(clients.first)
            #expect(clients.count == 1)
            #expect(client.transport == .unix && client.server == server)
            #expect(abs(client.connectedAt - Int64(time(nil))) < 300)
            #expect(try await server.lookUpClient(id: client.id) == client)
            let info = try await client.info()
            #expect(info.processID == Int(getpid()) && info.userID == Int(geteuid()))
            #expect(!info.isReadOnly && info.socketAddress == nil)
            #expect(info.userName?.isEmpty == false && info.parameters.count >= 6)
            #expect(info.groupID == Int(getegid()) && info.groupName?.isEmpty == false)
            #expect(info.distinguishedName == nil && info.saslUserName == nil)
            try await client.close()
            #expect(await connection.waitUntilClosed()?.reason == .eof)
            try await eventually("it has gone") { try await server.listClients().isEmpty }
        }
    }

    @Test("the log's filters and outputs, the timeout, and what an old daemon lacks")
    func daemon() async throws {
        try await withAdministration { daemon, admin in
            #expect(try await admin.loggingFilters() == "")
            try await admin.setLoggingFilters("3:rpc 4:util.object")
            #expect(try await admin.loggingFilters().contains(#/3:\*?rpc/#))
            try await admin.setLoggingFilters(nil)
            #expect(try await admin.loggingFilters() == "")
            let path = "\(daemon.directory)/told.log"
            try await admin.setLoggingOutputs("3:file:\(path)")
            #expect(try await admin.loggingOutputs() == "3:file:\(path)")
            try await admin.setDaemonTimeout(seconds: 1000)
            try await admin.setDaemonTimeout(seconds: 0)
            await #expect(throws: LibvirtError.self) {
                try await admin.lookUpServer("libvirtd").updateTLSFiles()
            }
            if try await admin.libraryVersion().number < 11_002_000 {
                let error = await #expect(throws: LibvirtError.self) {
                    try await admin.shutDownDaemon()
                }
                guard case .unsupported = error?.kind else {
                    Issue.record("not unsupported: \(String(describing: error))")
                    return
                }
            }
        }
    }

    @Test("the end is told with its reason") func ends() async throws {
        try await withDaemon { daemon in
            let ours = try await AdminConnection.open(daemon.adminURI)
            #expect(ours.isAlive)
            await ours.close()
            #expect(await ours.waitUntilClosed()?.reason == .client)
            let theirs = try await AdminConnection.open(daemon.adminURI)
            daemon.kill()
            #expect(await theirs.waitUntilClosed()?.error?.isConnectionLost == true)
            #expect(!theirs.isAlive && theirs.closure?.isDriver == false)
        }
    }
}

@Suite("The socket of a daemon's administration") struct AdminSocketTests {
    private func path(_ text: String, user: UInt32 = 0) throws -> String {
        try AdminSocket.path(
            of: LibvirtURI(text),
            surroundings: .init(user: user, variables: ["XDG_RUNTIME_DIR": "/run/user/7"]))
    }

    @Test("a URI names the daemon, and whose") func paths() throws {
        #expect(try path("libvirtd:///system") == "/run/libvirt/libvirt-admin-sock")
        #expect(try path("virtqemud:///system") == "/run/libvirt/virtqemud-admin-sock")
        #expect(
            try path("virtqemud:///session", user: 7)
                == "/run/user/7/libvirt/virtqemud-admin-sock")
        #expect(try path("libvirtd:///system?socket=/x") == "/x")
    }

    @Test(
        "what leads nowhere is refused, with a word on what is wrong",
        arguments: [
            ("qemu:///system", "names no daemon"), ("libvirtd:///other", "neither /system nor"),
            ("libvirtd+tcp://host/system", "UNIX socket only"),
            ("libvirtd:///system?mode=direct", "mode is no parameter"),
        ])
    func refused(text: String, problem: String) {
        let error = #expect(throws: LibvirtURIError.self) { try path(text) }
        #expect(error?.description.contains(problem) == true)
    }

    @Test("an alias, the environment and the administration's own file name a daemon too")
    func configured() throws {
        let text = """
            uri_aliases = [ "net=virtnetworkd:///session", ]
            uri_default = "net"
            """
        let file = "libvirt-admin.conf"
        try withConfiguredUser(file, text) { surroundings in
            let alias = try AdminSocket("net", in: surroundings)
            #expect(alias.uri == "virtnetworkd:///session")
            #expect(alias.path == "/run/user/1000/libvirt/virtnetworkd-admin-sock")
            let standard = try AdminSocket(nil, in: surroundings)
            #expect(standard.uri == "virtnetworkd:///session")
            let error = #expect(throws: LibvirtError.self) {
                try AdminSocket("rain", in: surroundings)
            }
            #expect(error?.description.contains("uri_aliases of libvirt-admin.conf") == true)
        }
        let variables = ["LIBVIRT_ADMIN_DEFAULT_URI": "virtlogd:///session"]
        try withConfiguredUser(file, text, variables: variables) { surroundings in
            let ours = try AdminSocket(nil, in: surroundings)
            #expect(ours.uri == "virtlogd:///session")
        }
        try withConfiguredUser(file, nil) { surroundings in
            let ours = try AdminSocket("", in: surroundings)
            #expect(ours.uri == "libvirtd:///session")
        }
    }

    @Test("nobody there: the path is told") func nobody() async {
        let error = await #expect(throws: LibvirtError.self) {
            try await AdminConnection.open("libvirtd:///system?socket=/nowhere/sock")
        }
        #expect(error?.description.contains("/nowhere/sock: there is no such socket") == true)
    }
}
