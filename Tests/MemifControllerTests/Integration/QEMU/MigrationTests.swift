import Libvirt
import LibvirtProtocol
import LinuxIO
import Memif
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

extension QEMUTests {
    /// Two libvirtds on one machine, each with a daemon of ours: a domain's UUID, and so the path of its
    /// sockets, is the same on both.
    @Suite("Migration")
    struct MigrationTests {
        private struct Host {
            let libvirtd: QEMULibvirtd
            let daemon: RealDaemon

            static func with(_ body: (Host) async throws -> Void) async throws {
                try await QEMULibvirtd.with { libvirtd in
                    try await RealDaemon.run(in: libvirtd.scratch, uri: libvirtd.uri) { daemon in
                        try await body(Host(libvirtd: libvirtd, daemon: daemon))
                    }
                }
            }
        }

        private static let address = "tcp://127.0.0.1"

        @Test("there and back: each host's peers have the domain while it is theirs, and not after")
        func thereAndBack() async throws {
            let machine = EmptyMachine()
            try await Host.with { here in
                try await Host.with { there in
                    let domain = try await here.libvirtd.connection.defineDomain(xml: machine.xml)
                    _ = try await domain.create()
                    #expect(await eventually { await here.daemon.state("a") == "Ready" })
                    let local = try here.daemon.slave("a")
                    #expect(await eventually { local.link != nil })
                    let first = try #require(local.link)

                    let moved = try await domain.migrate(
                        to: there.libvirtd.connection,
                        parameters: ["migrate_uri": .string(Self.address)], flags: .live)
                    // STOPPED/MIGRATED: at once, and not after the linger of a minute.
                    #expect(await eventually { first.end?.reason.text == "domain migrated" })
                    #expect(await eventually { await here.daemon.state("a") == "Waiting" })
                    #expect(here.daemon.stands(["a"]))
                    // STARTED/MIGRATED, RESUMED/MIGRATED.
                    #expect(await eventually { await there.daemon.state("a") == "Ready" })
                    #expect(await eventually { await there.daemon.port("a")?.reason.text == "" })
                    let remote = try there.daemon.slave("a")
                    #expect(await eventually { remote.link != nil })
                    let second = try #require(remote.link)
                    #expect(local.link == nil)

                    // Without a definition there, nothing stays there.
                    _ = try await moved.migrate(
                        to: here.libvirtd.connection,
                        parameters: ["migrate_uri": .string(Self.address)], flags: .live)
                    #expect(await eventually { second.end?.reason.text == "domain migrated" })
                    #expect(await eventually { there.daemon.hasNoDirectories })
                    #expect(await eventually { local.link != nil })
                    #expect(await eventually { await here.daemon.state("a") == "Connected" })
                    try await domain.destroy()
                }
            }
        }

        @Test("an arrival that is called off was never there; its source notices nothing")
        func calledOff() async throws {
            let machine = EmptyMachine()
            try await Host.with { here in
                try await Host.with { there in
                    let domain = try await here.libvirtd.connection.createDomain(xml: machine.xml)
                    #expect(await eventually { await here.daemon.state("a") == "Ready" })
                    let local = try here.daemon.slave("a")
                    #expect(await eventually { local.link != nil })
                    let link = try #require(local.link)

                    let cookie = try await Self.prepare(domain, on: there.libvirtd.connection)
                    #expect(
                        await eventually {
                            await there.daemon.port("a")?.reason.text.contains("migrated") == true
                        })
                    let remote = try there.daemon.slave("a")
                    #expect(await eventually { remote.link != nil })
                    let early = try #require(remote.link)
                    await Self.callOff(domain, cookie, on: there.libvirtd.connection)
                    // STOPPED/FAILED, and no linger for what has never run.
                    #expect(await eventually { early.end != nil && there.daemon.hasNoDirectories })
                    #expect(link.isUp)
                    #expect(await here.daemon.state("a") == "Connected")
                    try await domain.destroy()
                }
            }
        }

        /// The first two steps of a migration, after which the destination waits for the domain's memory.
        ///
        /// - Returns: what the last step has to be told.
        private static func prepare(
            _ domain: Domain, on there: Connection
        ) async throws -> [UInt8] {
            let raw = remote_nonnull_domain(
                name: XDRString(domain.name),
                uuid: try #require(remote_uuid(domain.uuid.bytes)), id: domain.id ?? -1)
            let begun = try await domain.connection.call(
                Remote.DOMAIN_MIGRATE_BEGIN3_PARAMS,
                remote_domain_migrate_begin3_params_args(
                    dom: raw, params: [], flags: virDomainMigrateFlags.live.rawValue))
            let prepared = try await there.call(
                Remote.DOMAIN_MIGRATE_PREPARE3_PARAMS,
                remote_domain_migrate_prepare3_params_args(
                    params: [
                        remote_typed_param(field: "destination_xml", value: .s(begun.xml)),
                        remote_typed_param(field: "migrate_uri", value: .s(XDRString(address))),
                    ],
                    cookie_in: begun.cookie_out, flags: virDomainMigrateFlags.live.rawValue))
            return prepared.cookie_out
        }

        /// The last step, of a migration that has failed; libvirt answers it with no domain.
        private static func callOff(
            _ domain: Domain, _ cookie: [UInt8], on there: Connection
        ) async {
            _ = try? await there.call(
                Remote.DOMAIN_MIGRATE_FINISH3_PARAMS,
                remote_domain_migrate_finish3_params_args(
                    params: [
                        remote_typed_param(
                            field: "destination_name", value: .s(XDRString(domain.name)))
                    ],
                    cookie_in: cookie, flags: virDomainMigrateFlags.live.rawValue, cancelled: 1))
        }
    }
}
