import Libvirt
import LibvirtProtocol
import LibvirtTesting
import Testing
import XDR

@Suite("Daemons that know no newer procedures", .timeLimit(.minutes(4))) struct OlderDaemonTests {
    @Test("without flags the older procedure is called, with flags the newer one")
    func olderProcedures() async throws {
        try await withFake { daemon in
            let network = remote_nonnull_network(name: "net", uuid: remote_uuid())
            let domain = remote_nonnull_domain(name: "vm", uuid: remote_uuid(), id: 1)
            daemon.serve(Remote.NETWORK_DEFINE_XML) { _ in .init(net: network) }
            daemon.serve(Remote.NETWORK_CREATE_XML) { _ in .init(net: network) }
            daemon.serve(Remote.NWFILTER_DEFINE_XML) { _ in
                .init(nwfilter: remote_nonnull_nwfilter(name: "filter", uuid: remote_uuid()))
            }
            daemon.serve(Remote.DOMAIN_LOOKUP_BY_NAME) { _ in .init(dom: domain) }
            daemon.serve(Remote.DOMAIN_ABORT_JOB) { _ in XDRVoid() }
            daemon.serve(Remote.STORAGE_VOL_LOOKUP_BY_PATH) { _ in
                .init(vol: remote_nonnull_storage_vol(pool: "pool", name: "vol", key: "key"))
            }
            daemon.serve(Remote.STORAGE_VOL_GET_INFO) { _ in
                .init(type: 0, capacity: 2, allocation: 1)
            }
            let connection = try await Connection.open(daemon.uri)
            #expect(try await connection.defineNetwork(xml: "<network/>").name == "net")
            #expect(try await connection.createNetwork(xml: "<network/>").name == "net")
            #expect(try await connection.defineNWFilter(xml: "<filter/>").name == "filter")
            let found = try await connection.lookUpDomain(name: "vm")
            try await found.abortJob()
            let volume = try await connection.lookUpStorageVolume(path: "/vol")
            #expect(try await volume.info().capacity == 2)

            let error = await #expect(throws: LibvirtError.self) {
                try await found.abortJob(flags: .postcopy)
            }
            #expect(error?.procedure == Remote.DOMAIN_ABORT_JOB_FLAGS.name)
        }
    }
}
