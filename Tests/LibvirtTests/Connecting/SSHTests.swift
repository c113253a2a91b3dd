import Foundation
import Libvirt
import LibvirtProtocol
import LibvirtTesting
import Testing

@Suite("Connecting over ssh", .timeLimit(.minutes(2))) struct SSHTests {
    /// A daemon, and an ssh server on what is as good as the daemon's host.
    private func withServer(
        path: String? = nil, _ body: (TestLibvirtd, TestSSHServer) async throws -> Void
    ) async throws {
        try await withDaemon { daemon in
            let directory = daemon.directory + "/ssh"
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: false)
            let server = try await TestSSHServer(in: directory, beside: daemon, path: path)
            do {
                try await body(daemon, server)
            } catch {
                await server.stop()
                throw error
            }
            await server.stop()
        }
    }

    private func uri(
        _ server: TestSSHServer, transport: String = "ssh", _ more: String = ""
    )
        -> String
    {
        "test+\(transport)://root@\(server.address):\(server.port)/default?\(server.parameters)\(more)"
    }

    /// Connects, makes a call and gets an event, and leaves.
    private func use(_ uri: String) async throws {
        let connection = try await Connection.open(uri)
        let domain = try await connection.lookUpDomain(name: "test")
        var events = try await connection.domainEvents().makeAsyncIterator()
        try await domain.suspend()
        guard case .event = try await events.next() else {
            Issue.record("no event over \(uri)")
            return
        }
        try await domain.resume()
        await connection.close()
        #expect(!connection.isAlive)
    }

    /// What an attempt to connect says; it must fail.
    private func problem(_ uri: String) async -> String {
        do {
            _ = try await Connection.open(uri)
            Issue.record("it connected to \(uri)")
            return ""
        } catch {
            return error.description
        }
    }

    /// Whether another attempt must fail as well.
    private func isRefused(_ uri: String) async -> Bool {
        do throws(LibvirtError) {
            _ = try await Connection.open(uri)
            return false
        } catch {
            return error.isRefusal
        }
    }

    @Test("by the helper, by a netcat, by the socket's name, and as libssh") func ways()
        async throws
    {
        try await withServer { daemon, server in
            for way in ["", "&proxy=native", "&proxy=netcat", "&netcat=nc", "&mode=legacy"] {
                try await use(uri(server, way))
            }
            try await use(uri(server, "&socket=\(daemon.socketPath)"))
            try await use(uri(server, transport: "libssh", "&sshauth=privkey&no_verify=1"))
            try await use(uri(server, transport: "libssh2", "&known_hosts_verify=ignore"))
            try await use(
                uri(server, "").replacingOccurrences(of: "test+ssh", with: "remote+ssh")
                    + "&name=test:///default")
        }
    }

    @Test("what would be done is told, and what was") func explained() async throws {
        try await withServer { daemon, server in
            let plan = try Connection.explain(uri(server), readOnly: true)
            #expect(plan.steps.map(\.outcome) == [nil, nil])
            #expect(plan.description.contains("\n1. run ssh -p \(server.port) -l root -i "))
            #expect(
                plan.description.hasSuffix("\n2. authenticate, and open test:///default read-only"))
            let far = try await Connection.open(uri(server))
            #expect(far.explanation.steps.map(\.outcome) == ["started", "opened"])
            await far.close()
            let near = try await Connection.open(daemon.uri())
            #expect(
                near.explanation.steps.map(\.description) == [
                    "connect to the UNIX socket \(daemon.socketPath) (the URI names it): connected",
                    "authenticate, and open test:///default: opened",
                ])
            await near.close()
        }
    }

    @Test("read-only stays read-only, and a long reply comes whole") func readOnly() async throws {
        try await withServer { _, server in
            let writer = try await Connection.open(uri(server))
            let padding = String(repeating: "x", count: 1 << 18)
            _ = try await writer.defineDomain(
                xml: testDomainXML("long", metadata: "<description>\(padding)</description>"))
            for way in ["&proxy=native", "&proxy=netcat"] {
                let reader = try await Connection.open(uri(server, way), readOnly: true)
                #expect(try await reader.lookUpDomain(name: "long").xml().contains(padding))
                let domain = try await reader.lookUpDomain(name: "test")
                let error = await #expect(throws: LibvirtError.self) { try await domain.suspend() }
                #expect(error?.code == .operationDenied)
                await reader.close()
            }
            await writer.close()
        }
    }

    @Test("a host without the helper is reached by its netcat; one with neither says so")
    func fallback() async throws {
        let bin = FileManager.default.temporaryDirectory.appendingPathComponent(
            "bin-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        ).path
        try FileManager.default.createDirectory(atPath: bin, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: bin) }
        try FileManager.default.createSymbolicLink(
            atPath: bin + "/sh", withDestinationPath: "/bin/sh")
        try await withServer(path: bin) { _, server in
            let neither = await problem(uri(server))
            #expect(neither.contains("there is no virt-ssh-helper and no nc there"), "\(neither)")
            let native = await problem(uri(server, "&proxy=native"))
            #expect(native.contains("virt-ssh-helper"), "\(native)")
            try FileManager.default.createSymbolicLink(
                atPath: bin + "/nc", withDestinationPath: "/bin/nc")
            try await use(uri(server))
        }
    }

    @Test("what ssh complains is in the error, with what to do") func complaints() async throws {
        try await withServer { daemon, server in
            let stranger =
                "test+ssh://root@\(server.address):\(server.port)/default?no_tty=1"
                + "&keyfile=\(server.directory)/key&known_hosts=/dev/null"
            let unknown = await problem(stranger)
            #expect(unknown.contains("Host key verification failed"), "\(unknown)")
            #expect(unknown.contains("known_hosts="), "\(unknown)")
            #expect(await isRefused(stranger))

            let keyless =
                "test+ssh://root@\(server.address):\(server.port)/default?no_tty=1&no_verify=1"
                + "&keyfile=\(server.directory)/host_key&known_hosts=/dev/null&sshauth=privkey"
            let denied = await problem(keyless)
            #expect(denied.contains("Permission denied (publickey)"), "\(denied)")
            #expect(denied.contains("keyfile="), "\(denied)")
            #expect(await isRefused(keyless))

            let nobody = await problem("test+ssh://127.9.8.7:1/default?no_tty=1")
            #expect(nobody.contains("Connection refused"), "\(nobody)")
            #expect(await !isRefused("test+ssh://127.9.8.7:1/default?no_tty=1"))
            let missing = await problem(uri(server, "&command=/nowhere/ssh"))
            #expect(missing.contains("cannot start /nowhere/ssh"), "\(missing)")
            let place = "\(server.address):\(server.port)"
            let plain = await problem("test+tcp://\(place)/default")
            #expect(plain.contains("use the ssh transport"), "\(plain)")
            let secure = await problem("test+tls://\(place)/default?no_verify=1&pkipath=/nowhere")
            // The server may be quicker to hang up than its banner is to be read.
            #expect(
                secure.contains("\(place): the server does not speak TLS")
                    || secure.contains("in the middle of the TLS handshake"), "\(secure)")
            let noSocket = await problem(uri(server, "&socket=\(daemon.directory)/none"))
            #expect(noSocket.contains("No such file"), "\(noSocket)")
        }
    }

    @Test("the program has gone when the connection has") func reaped() async throws {
        try await withServer { _, server in
            let before = children()
            let connection = try await Connection.open(uri(server))
            #expect(children().count == before.count + 1)
            await connection.close()
            #expect(children() == before)
            _ = await problem(uri(server, "&proxy=netcat&netcat=/nowhere/nc"))
            #expect(children() == before)
        }
    }

    /// The processes of this one's that are called ssh.
    private func children() -> Set<String> {
        let own = String(ProcessInfo.processInfo.processIdentifier)
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return Set(
            all.filter { process in
                guard Int(process) != nil,
                    let status = try? String(
                        contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
                else { return false }
                return status.contains("Name:\tssh\n") && status.contains("PPid:\t\(own)\n")
            })
    }

    @Test("a server that dies ends the connection") func death() async throws {
        try await withServer { daemon, server in
            let connection = try await Connection.open(uri(server))
            daemon.kill()
            try await eventually("the connection has ended") { !connection.isAlive }
            await #expect(throws: LibvirtError.self) { _ = try await connection.hostname() }
            await connection.close()
        }
    }

    @Test("an ext program carries the connection") func external() async throws {
        try await withDaemon { daemon in
            let script = daemon.directory + "/carry"
            try write("exec nc -U '\(daemon.socketPath)'", to: script)
            try await use("test+ext:///default?command=\(script)")
            let bare = await problem("test+ext:///default")
            #expect(bare.contains("command=PATH"), "\(bare)")
            try write("echo the tunnel is closed >&2; exit 3", to: script)
            let closed = await problem("test+ext:///default?command=\(script)")
            #expect(closed.contains("the tunnel is closed"), "\(closed)")
        }
    }

    @Test("a program carries no login by SASL, and the refusal says what does")
    func externalLogin() async throws {
        try await withFake { daemon in
            _ = FakeSASL(daemon, mechanisms: "SCRAM-SHA-256,GSSAPI")
            try await withScript("exec nc -U '\(daemon.socketPath)'") { script in
                let error = await #expect(throws: LibvirtError.self) {
                    try await Connection.open(
                        "test+ext:///default?command=\(script)",
                        authentication: AuthenticationTests.options())
                }
                let text = error?.description ?? ""
                #expect(
                    text.hasSuffix(
                        "offers SCRAM-SHA-256, GSSAPI, and over the ext transport there is no login by "
                            + "SASL, as nothing says that the program keeps to itself what passes "
                            + "through it: use the tls, ssh or unix transport"), "\(text)")
                #expect(!daemon.calls.contains("AUTH_SASL_START"))
            }
        }
    }

    @Test("a deadline that passes is told as such, with what the program said")
    func silentProgram() async throws {
        try await withScript("echo still trying >&2; exec sleep 100") { script in
            let error = await #expect(throws: LibvirtError.self) {
                try await Connection.open(
                    "test+ext:///default?command=\(script)", deadline: .now + .seconds(2))
            }
            let text = error?.description ?? ""
            #expect(
                text.hasSuffix(
                    "no answer came in time while waiting for AUTH_LIST; its last words: still trying"
                ), "\(text)")
            #expect(error?.isRefusal == false)
        }
    }

    @Test("the program's last words say why a connection ended that stood")
    func lastWords() async throws {
        try await withFake { daemon in
            let command = "nc -U '\(daemon.socketPath)'; echo the line went down >&2"
            try await withScript(command) { script in
                let connection = try await Connection.open(
                    "test+ext:///default?command=\(script)")
                daemon.disconnectClients()
                let end = try #require(await connection.waitUntilClosed())
                #expect(end.reason == .eof)
                let text = end.error?.description ?? ""
                #expect(text.contains("the line went down"), "\(text)")
            }
        }
    }

    @Test("a banner is not what the connection ended of, and of much the last words are kept")
    func greeting() async throws {
        try await withFake { daemon in
            let connect = "nc -U '\(daemon.socketPath)'"
            try await withScript("echo Welcome >&2; \(connect)") { script in
                let connection = try await Connection.open(
                    "test+ext:///default?command=\(script)")
                daemon.disconnectClients()
                let end = try #require(await connection.waitUntilClosed())
                #expect(end.error?.description.contains("Welcome") == false)
            }
            let chatter = "yes debug | head -n 20000 >&2; echo Permission denied, they said >&2"
            try await withScript(chatter) { script in
                let error = await #expect(throws: LibvirtError.self) {
                    try await Connection.open("test+ext:///default?command=\(script)")
                }
                let text = error?.description ?? ""
                #expect(text.contains("debug; Permission denied, they said"), "\(text)")
            }
        }
    }

    private func withScript(
        _ command: String, _ body: (String) async throws -> Void
    ) async throws {
        let name = "carry-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        let script = FileManager.default.temporaryDirectory.appendingPathComponent(name).path
        try write(command, to: script)
        defer { try? FileManager.default.removeItem(atPath: script) }
        try await body(script)
    }

    private func write(_ command: String, to script: String) throws {
        try "#!/bin/sh\n\(command)\n".write(
            toFile: script, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
    }
}
