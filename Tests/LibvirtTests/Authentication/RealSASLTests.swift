import Foundation
import Libvirt
import LibvirtProtocol
import LibvirtTesting
import Synchronization
import Testing

/// With Cyrus SASL as every libvirt daemon has it.
@Suite("SASL, with a real libvirtd", .timeLimit(.minutes(3)))
struct RealSASLTests {
    private static let mechanisms = ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"]

    private static let setup = SASLSetup(
        mechanisms: mechanisms + ["DIGEST-MD5"],
        users: ["fred": "secret", "a=b,c": "pass,word=1", "jörg": "Käse"])

    @Test("every mechanism logs in, with odd names too, and refuses what is wrong")
    func mechanisms() async throws {
        try await withDaemon(sasl: Self.setup) { daemon in
            for mechanism in Self.mechanisms {
                for (name, password) in Self.setup.users {
                    let connection = try await open(daemon, mechanism, name, password)
                    #expect(try await connection.listAllDomains().count == 1)
                    await connection.close()
                }
                for (name, password) in [("fred", "Secret"), ("nobody", "secret")] {
                    let error = await #expect(throws: LibvirtError.self) {
                        try await open(daemon, mechanism, name, password)
                    }
                    let text = error?.description ?? ""
                    #expect(
                        text.contains("refused the login of \"\(name)\" by \(mechanism) "),
                        "\(text)")
                    #expect(text.contains("the name or the password is wrong"))
                    #expect(error?.code == .authFailed)
                }
            }
        }
    }

    private func open(
        _ daemon: TestLibvirtd, _ mechanism: String, _ name: String, _ password: String
    ) async throws -> Connection {
        try await Connection.open(
            daemon.uri(),
            authentication: AuthenticationOptions(method: .sasl(mechanism: mechanism)) { _ in
                Credentials(name: name, password: password)
            })
    }

    @Test("credentials come from a file, and the strongest mechanism is taken")
    func file() async throws {
        try await withDaemon(sasl: Self.setup) { daemon in
            let path = "\(daemon.directory)/auth.conf"
            func write(_ password: String) throws {
                try """
                [credentials-test]
                authname=fred
                password=\(password)
                [auth-libvirt-localhost]
                credentials=test
                """.write(toFile: path, atomically: true, encoding: .utf8)
            }
            try write("secret")
            for _ in 0..<5 {
                let connection = try await Connection.open(daemon.uri() + "&authfile=\(path)")
                #expect(try await connection.listAllDomains().count == 1)
                await connection.close()
            }
            try write("wrong")
            let error = await #expect(throws: LibvirtError.self) {
                try await Connection.open(daemon.uri() + "&authfile=\(path)")
            }
            #expect(error?.description.contains("by SCRAM-SHA-512") == true)
            let missing = await #expect(throws: LibvirtError.self) {
                try await Connection.open(daemon.uri() + "&authfile=\(path).old")
            }
            #expect(missing?.description.contains("auth.conf.old cannot be used") == true)
        }
    }

    @Test("over TLS every mechanism serves, and the URI's user is who logs in")
    func tls() async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(
            "ca-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        ).path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let authority = try await TestAuthority(in: path)
        let address = TestLibvirtd.Network.loopbackAddress()
        try await authority.issue(.server, names: "IP:\(address)")
        try await authority.issue(.client)
        let network = TestLibvirtd.Network.tls(
            authority, address: address, authentication: "sasl")
        let file = "\(path)/auth.conf"
        try "[credentials-x]\nauthname=joe\npassword=joes\n[auth-libvirt-default]\ncredentials=x\n"
            .write(toFile: file, atomically: true, encoding: .utf8)
        try await withDaemon(network: network, sasl: Self.setup) { _ in
            try await expectSecrecy("test+tls://\(address)/default?pkipath=\(path)&no_verify=1")
            for mechanism in Self.mechanisms {
                let uri = "test+tls://fred@\(address)/default?pkipath=\(path)"
                // Another user's password is of no use.
                let options = AuthenticationOptions(
                    method: .sasl(mechanism: mechanism), file: file
                ) { request in
                    #expect(request.host == address)
                    #expect(request.wanted == [.password])
                    #expect(request.known.name == "fred")
                    return Credentials(password: "secret")
                }
                let connection = try await Connection.open(uri, authentication: options)
                #expect(try await connection.listAllDomains().count == 1)
                await connection.close()
            }
        }
    }

    /// A host that need not prove who it is gets no password, unless the program says so.
    private func expectSecrecy(_ uri: String) async throws {
        for (method, isAllowed, isGiven) in [
            ("PLAIN", false, false), ("PLAIN", true, true), ("SCRAM-SHA-256", false, true),
        ] {
            let asked = Mutex(false)
            let options = AuthenticationOptions(
                method: .sasl(mechanism: method), givesPasswordToUnverifiedHosts: isAllowed
            ) { _ in
                asked.withLock { $0 = true }
                return Credentials(name: "fred", password: "secret")
            }
            do throws(LibvirtError) {
                let connection = try await Connection.open(uri, authentication: options)
                #expect(isGiven)
                await connection.close()
            } catch {
                #expect(!isGiven, "\(error)")
                #expect(error.description.contains("PLAIN gives the password to whoever answers"))
            }
            #expect(asked.withLock(\.self) == isGiven)
        }
    }
}
