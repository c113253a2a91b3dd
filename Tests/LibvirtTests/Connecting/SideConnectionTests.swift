import LibvirtProtocol
import LibvirtTesting
import Testing
import XDR

@testable import Libvirt

/// What a connection beside another costs whoever can do without it.
@Suite("Connections beside a connection", .timeLimit(.minutes(4))) struct SideConnectionTests {
    private static let raw = remote_nonnull_domain(name: "vm", uuid: remote_uuid(), id: 1)

    private func withDomain(_ body: (FakeLibvirtd, Domain) async throws -> Void) async throws {
        try await withFakeDomain(Self.raw) { daemon, domain in
            daemon.serve(Remote.DOMAIN_MANAGED_SAVE) { _ in XDRVoid() }
            // The caller's time is what counts here.
            try await SideAttempts.$patience.withValue(.seconds(240)) {
                try await body(daemon, domain)
            }
        }
    }

    /// Makes a long call that has so much time.
    private func save(_ domain: Domain, within time: Duration) async throws {
        _ = try await domain.connection.call(
            Remote.DOMAIN_MANAGED_SAVE, .init(dom: Self.raw, flags: 0), deadline: .now + time)
    }

    private func authentications(_ daemon: FakeLibvirtd) -> Int {
        daemon.calls.filter { $0 == Remote.AUTH_LIST.name }.count
    }

    @Test("a failure at once keeps calls with deadlines from trying again, but no migration")
    func failing() async throws {
        try await withDomain { daemon, domain in
            daemon.inject(.close, into: Remote.AUTH_LIST)
            for _ in 0..<2 { try await save(domain, within: .seconds(120)) }
            #expect(authentications(daemon) == 2)
            let connection = domain.connection
            let isAside = try await connection.aside { (other) throws(LibvirtError) in
                other !== connection
            }
            #expect(isAside)
            #expect(authentications(daemon) == 3)
        }
    }

    @Test("a daemon that hangs has half of a call's time: the shared connection has the rest")
    func hanging() async throws {
        try await withDomain { daemon, domain in
            daemon.inject(.hold, into: Remote.AUTH_LIST)
            try await save(domain, within: .seconds(8))
            #expect(authentications(daemon) == 2)
            daemon.releaseHeldCalls()
        }
    }
}
