import Libvirt
import LibvirtProtocol
import LibvirtTesting
import Testing

/// DIGEST-MD5 stands for the mechanisms that are not spoken in Swift: it needs no server of its own.
private let digest = SASLSetup(mechanisms: ["DIGEST-MD5"], users: ["fred": "secret"])

private func options(
    _ password: String = "secret", method: AuthenticationOptions.Method? = nil
) -> AuthenticationOptions {
    AuthenticationOptions(method: method) { _ in Credentials(name: "fred", password: password) }
}

#if CyrusSASL

    @Suite("Cyrus SASL, with a real libvirtd", .timeLimit(.minutes(3)))
    struct CyrusTests {
        @Test("a foreign mechanism logs in over a UNIX socket, without protection")
        func unix() async throws {
            try await withDaemon(sasl: digest) { daemon in
                let connection = try await Connection.open(
                    daemon.uri(), authentication: options())
                #expect(try await connection.listAllDomains().count == 1)
                await connection.close()
                let error = await #expect(throws: LibvirtError.self) {
                    try await Connection.open(daemon.uri(), authentication: options("wrong"))
                }
                let text = error?.description ?? ""
                #expect(text.contains("refused the login of \"fred\" by DIGEST-MD5"), "\(text)")
            }
        }

        @Test("plain TCP is protected, whatever the lengths, both ways")
        func tcp() async throws {
            try await withDaemon(network: .tcp(authentication: "sasl"), sasl: digest) { daemon in
                let network = try #require(daemon.network)
                let connection = try await Connection.open(
                    "test+tcp://\(network.address)/default", authentication: options())
                let padding = String(repeating: "x", count: 1 << 18)
                let xml = testDomainXML(
                    "long", metadata: "<description>\(padding)</description>")
                let domain = try await connection.defineDomain(xml: xml)
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<8 { group.addTask { try await domain.xml().utf8.count } }
                    for try await count in group { #expect(count > padding.utf8.count) }
                }
                await connection.close()
            }
        }

        @Test("mechanisms that show the password or protect nothing are not used on plain TCP")
        func unprotected() async throws {
            let setup = SASLSetup(
                mechanisms: ["PLAIN", "SCRAM-SHA-256"], users: ["fred": "secret"])
            try await withDaemon(network: .tcp(authentication: "sasl"), sasl: setup) { daemon in
                let network = try #require(daemon.network)
                let error = await #expect(throws: LibvirtError.self) {
                    try await Connection.open(
                        "test+tcp://\(network.address)/default", authentication: options())
                }
                #expect(error != nil)
            }
        }

        @Test("without credentials it is said where they go")
        func missing() async throws {
            try await withDaemon(sasl: digest) { daemon in
                let error = await #expect(throws: LibvirtError.self) {
                    try await Connection.open(daemon.uri())
                }
                let text = error?.description ?? ""
                #expect(text.contains("wants DIGEST-MD5"), "\(text)")
                #expect(text.contains("no authname"), "\(text)")
            }
        }
    }

#else

    @Suite("Without Cyrus SASL, with a real libvirtd", .timeLimit(.minutes(3)))
    struct CyrusTests {
        @Test("a foreign mechanism is named, with what to do")
        func foreign() async throws {
            try await withDaemon(sasl: digest) { daemon in
                for (method, words) in [
                    (nil, "offers DIGEST-MD5, and those spoken here are EXTERNAL, SCRAM-SHA-512"),
                    (
                        AuthenticationOptions.Method.sasl(mechanism: "DIGEST-MD5"),
                        "DIGEST-MD5, which was asked for, needs a build with the package trait"
                    ),
                ] {
                    let error = await #expect(throws: LibvirtError.self) {
                        try await Connection.open(
                            daemon.uri(), authentication: options(method: method))
                    }
                    let text = error?.description ?? ""
                    #expect(text.contains(words), "\(text)")
                }
            }
        }

        @Test("plain TCP is refused, because nothing would protect it")
        func tcp() async throws {
            try await withDaemon(network: .tcp(authentication: "sasl"), sasl: digest) { daemon in
                let network = try #require(daemon.network)
                let error = await #expect(throws: LibvirtError.self) {
                    try await Connection.open(
                        "test+tcp://\(network.address)/default", authentication: options())
                }
                let text = error?.description ?? ""
                #expect(text.contains("use the tls, ssh or unix transport"), "\(text)")
            }
        }
    }

#endif
