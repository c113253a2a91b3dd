import Libvirt
import LibvirtProtocol
import LibvirtTesting
import Testing
import XDR

@Suite("Domains of a real daemon") struct DomainTests {
    @Test func livesItsLife() async throws {
        try await withDaemon { daemon in
            let connection = try await Connection.open(daemon.uri())
            #expect(try await connection.hypervisorType() == "TEST")
            #expect(try await connection.libraryVersion() > LibvirtVersion(number: 8_000_000))
            #expect(try await connection.openedURI() == "test:///default")

            let domain = try await connection.defineDomain(xml: testDomainXML("one"))
            #expect(domain.name == "one")
            #expect(domain.id == nil)
            #expect(try await domain.state().state == .shutoff)
            let running = try await domain.create()
            #expect(running.id != nil)
            #expect(running == domain)
            #expect(try await domain.state().state == .running)
            try await domain.suspend()
            #expect(try await domain.state().state == .paused)
            try await domain.resume()
            #expect(try await connection.lookUpDomain(name: "one") == domain)
            #expect(try await connection.lookUpDomain(uuid: domain.uuid) == domain)
            // The identity alone leads to it, and to nothing where there is none.
            let named = Domain(domain.uuid, on: connection)
            #expect(named == domain)
            #expect(try await named.xml().contains("<name>\(domain.name)</name>"))
            let nobody = try #require(LibvirtUUID(String(repeating: "7", count: 32)))
            let error = await #expect(throws: LibvirtError.self) {
                try await Domain(nobody, on: connection).xml()
            }
            #expect(error?.code == .noDomain)
            #expect(try await connection.lookUpDomain(id: running.id ?? -1) == domain)
            #expect(try await connection.listAllDomains(flags: .active).contains(domain))
            #expect(try await domain.xml().contains("<name>one</name>"))
            try await domain.destroy()
            #expect(try await !domain.isActive())
            #expect(try await domain.isPersistent())
            try await domain.undefine()
            #expect(try await !connection.listAllDomains().contains(domain))
            await connection.close()
            #expect(!connection.isAlive)
        }
    }

    @Test func keepsMetadata() async throws {
        try await withDaemon { daemon in
            let connection = try await Connection.open(daemon.uri())
            let domain = try await connection.defineDomain(xml: testDomainXML("meta"))
            let namespace = "https://example.org/ns/1"
            #expect(try await domain.metadata(namespace: namespace) == nil)
            try await domain.setMetadata(
                "<ports><port name='a'/></ports>", prefix: "m", namespace: namespace,
                impact: .config)
            #expect(try await domain.metadata(namespace: namespace)?.contains("port name") == true)
            try await domain.setMetadata(
                nil, prefix: "m", namespace: namespace, impact: .config)
            #expect(try await domain.metadata(namespace: namespace) == nil)
            try await domain.setMetadata("A title", .title, impact: .config)
            #expect(try await domain.metadata(.title) == "A title")
        }
    }

    @Test func errorsAreDecodedWhole() async throws {
        try await withDaemon { daemon in
            let connection = try await Connection.open(daemon.uri())
            let error = await #expect(throws: LibvirtError.self) {
                try await connection.lookUpDomain(name: "nobody")
            }
            #expect(error?.code == .noDomain)
            #expect(error?.procedure == "DOMAIN_LOOKUP_BY_NAME")
            guard case .server(let server) = error?.kind else {
                Issue.record("not the server's error: \(String(describing: error))")
                return
            }
            #expect(server.domain == .test)
            #expect(server.level == .error)
            #expect(server.message.hasPrefix("Domain not found"))
            #expect(server.strings.contains { $0 != nil })
            #expect(server.integers == [-1, -1])
        }
    }

    @Test func anOlderServersIgnoranceIsTyped() async throws {
        try await withDaemon { daemon in
            let connection = try await Connection.open(daemon.uri())
            guard try await connection.libraryVersion() < LibvirtVersion(number: 11_002_000) else {
                return  // The server at hand knows all that we know.
            }
            let domain = try await connection.lookUpDomain(name: "test")
            let error = await #expect(throws: LibvirtError.self) {
                _ = try await connection.call(
                    Remote.DOMAIN_GET_AUTOSTART_ONCE,
                    remote_domain_get_autostart_once_args(
                        dom: remote_nonnull_domain(
                            name: "test", uuid: remote_uuid(domain.uuid.bytes) ?? remote_uuid(),
                            id: 1)))
            }
            guard case .unsupported = error?.kind else {
                Issue.record("not unsupported: \(String(describing: error))")
                return
            }
            #expect(connection.isAlive)
        }
    }

    @Test func aReadOnlyConnectionChangesNothing() async throws {
        try await withDaemon { daemon in
            let uri = daemon.uri().replacing("libvirt-sock", with: "libvirt-sock-ro")
            let connection = try await Connection.open(uri, readOnly: true)
            let domain = try await connection.lookUpDomain(name: "test")
            let error = await #expect(throws: LibvirtError.self) { try await domain.suspend() }
            #expect(error?.code == .operationDenied)
        }
    }
}
