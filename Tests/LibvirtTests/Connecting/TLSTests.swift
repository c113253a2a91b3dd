import Foundation
import Libvirt
import LibvirtTesting
import LinuxIO
import Testing

@Suite("Connecting over TLS", .timeLimit(.minutes(2))) struct TLSTests {
    /// An authority, and a daemon that it has certified for its own loopback address.
    private func withTLS(
        serverNames: String? = nil, isRevoked: Bool = false,
        _ body: (TestAuthority, String) async throws -> Void
    ) async throws {
        try await withAuthority { authority in
            let address = TestLibvirtd.Network.loopbackAddress()
            try await authority.issue(.server, names: serverNames ?? "IP:\(address)")
            try await authority.issue(.client)
            if isRevoked { try await authority.revoke(.server) }
            try await withDaemon(network: .tls(authority, address: address)) { _ in
                try await body(authority, "test+tls://\(address)/default?pkipath=")
            }
        }
    }

    private func withAuthority(_ body: (TestAuthority) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
            "ca-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        ).path
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await body(TestAuthority(in: directory))
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

    @Test("calls, a long reply and the end, with a client certificate") func works() async throws {
        try await withTLS { authority, uri in
            let pki = authority.directory
            let connection = try await Connection.open(uri + pki)
            let padding = String(repeating: "x", count: 1 << 18)
            let domain = try await connection.defineDomain(
                xml: testDomainXML("long", metadata: "<description>\(padding)</description>"))
            #expect(try await domain.xml().contains(padding))
            await connection.close()
            #expect(!connection.isAlive)

            let old = try await Connection.open(
                uri + pki + "&tls_priority=NORMAL:-VERS-TLS1.3:-RSA")
            #expect(try await old.lookUpDomain(name: "test").name == "test")
            await old.close()
            let refusal = await problem(uri + pki + "&tls_priority=SECURE256")
            #expect(refusal.contains("cannot be honoured, for its \"SECURE256\""))
        }
    }

    @Test("a name is looked up in the certificate") func name() async throws {
        try await withAuthority { authority in
            try await authority.issue(.server, names: "DNS:localhost,IP:127.0.0.1")
            try await authority.issue(.client)
            let port = UInt16.random(in: 20_000...30_000)
            let network = TestLibvirtd.Network.tls(authority, address: "127.0.0.1", port: port)
            try await withDaemon(network: network) { _ in
                let connection = try await Connection.open(
                    "test+tls://localhost:\(port)/default?pkipath=\(authority.directory)")
                #expect(try await connection.lookUpDomain(name: "test").name == "test")
                await connection.close()
            }
        }
    }

    @Test("a certificate for another host is refused, unless nothing is verified")
    func wrongHost() async throws {
        try await withTLS(serverNames: "DNS:elsewhere.example") { authority, uri in
            let refusal = await problem(uri + authority.directory)
            #expect(refusal.contains("its certificate is not for 127."), "\(refusal)")
            let connection = try await Connection.open(uri + authority.directory + "&no_verify=1")
            #expect(connection.isAlive)
            await connection.close()
        }
    }

    @Test("a client without a certificate, or with a stranger's, is told so")
    func clientCertificates() async throws {
        try await withTLS { authority, uri in
            let bare = try await authority.pkiDirectory("bare", with: ["cacert.pem"])
            let none = await problem(uri + bare)
            #expect(none.contains("the server wants a client certificate"), "\(none)")

            try await withAuthority { stranger in
                try await stranger.issue(.client)
                let mixed = try await stranger.pkiDirectory(
                    "mixed", with: ["clientcert.pem", "clientkey.pem"])
                try FileManager.default.copyItem(
                    atPath: authority.directory + "/cacert.pem", toPath: mixed + "/cacert.pem")
                let refused = await problem(uri + mixed)
                #expect(
                    refused.contains("refused our certificate \(mixed)/clientcert.pem"),
                    "\(refused)")
                let untrusted = await problem(uri + stranger.directory)
                #expect(
                    untrusted.contains("not vouched for by \(stranger.directory)/cacert.pem"),
                    "\(untrusted)")
            }
        }
    }

    @Test("a server certificate that has been revoked is refused") func revoked() async throws {
        try await withTLS(isRevoked: true) { authority, uri in
            let refusal = await problem(uri + authority.directory)
            #expect(
                refusal.contains("has been revoked (\(authority.directory)/cacrl.pem)"),
                "\(refusal)")
            let without = try await authority.pkiDirectory(
                "without", with: ["cacert.pem", "clientcert.pem", "clientkey.pem"])
            let connection = try await Connection.open(uri + without)
            #expect(connection.isAlive)
            await connection.close()
        }
    }

    @Test("files of ours that cannot serve are named before anything is sent")
    func ownFiles() async throws {
        try await withAuthority { authority in
            let uri = "test+tls://127.9.8.7:1/default?pkipath="
            let missing = await problem(uri + "/nowhere")
            #expect(missing.contains("/nowhere/cacert.pem: it cannot be read"), "\(missing)")

            try await authority.issue(.client, isExpired: true)
            let expired = await problem(uri + authority.directory)
            #expect(expired.contains("clientcert.pem: a certificate in it has expired"))
            let unchecked = await problem(uri + authority.directory + "&no_sanity=1")
            #expect(unchecked.contains("127.9.8.7:1: nobody listens"), "\(unchecked)")

            let lone = try await authority.pkiDirectory(
                "lone", with: ["cacert.pem", "clientcert.pem"])
            let keyless = await problem(uri + lone + "&no_sanity=1")
            #expect(keyless.contains("lone/clientkey.pem: it cannot be read"), "\(keyless)")
        }
    }

    @Test("a server that speaks no TLS is told apart") func plainServer() async throws {
        try await withAuthority { authority in
            try await authority.issue(.client)
            try await withDaemon(network: .tcp()) { daemon in
                let network = try #require(daemon.network)
                let refusal = await problem(
                    "test+tls://\(network.address):16509/default?pkipath=\(authority.directory)")
                #expect(
                    refusal.contains("in the middle of the TLS handshake")
                        || refusal.contains("does not speak TLS"), "\(refusal)")
            }
        }
    }

    @Test("a server that speaks TLS and is no libvirt server is told apart")
    func otherServer() async throws {
        try await withAuthority { authority in
            let address = TestLibvirtd.Network.loopbackAddress()
            try await authority.issue(.server, names: "IP:\(address)")
            let uri = "test+tls://\(address):16514/default?pkipath=\(authority.directory)"
            let server = try await ChildProcess([
                "sh", "-c",
                "cd '\(authority.directory)'; echo hello | openssl s_server -quiet -naccept 1 "
                    + "-accept \(address):16514 -cert servercert.pem -key serverkey.pem",
            ])
            var said = ""
            try await eventually("the server listens") {
                said = await problem(uri)
                return !said.contains("nobody listens")
            }
            #expect(said.contains("it speaks TLS, but is no libvirt server"), "\(said)")
            server.kill()
        }
    }

    @Test("a server that never answers is given up, and so is one that nobody waits for")
    func silence() async throws {
        try await withAuthority { authority in
            let address = TestLibvirtd.Network.loopbackAddress()
            let server = try await ChildProcess(["nc", "-l", "-k", address, "16514"])
            let uri = "test+tls://\(address)/default?pkipath=\(authority.directory)"
            var said = ""
            try await eventually("the server listens") {
                do {
                    _ = try await Connection.open(uri, deadline: .now + .milliseconds(500))
                } catch {
                    said = "\(error)"
                }
                return !said.contains("nobody listens")
            }
            #expect(said.contains("\(address):16514: no answer in time"), "\(said)")
            let waiting = Task { await problem(uri) }
            waiting.cancel()
            let cancelled = await waiting.value
            #expect(cancelled.contains("it was cancelled"), "\(cancelled)")
            server.kill()
        }
    }
}
