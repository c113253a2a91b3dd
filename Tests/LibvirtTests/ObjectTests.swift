import Libvirt
import LibvirtProtocol
import LibvirtTesting
import Testing

@Suite("Objects of a real daemon's test driver", .serialized)
struct ObjectTests {
    private func withConnection(_ body: (Connection) async throws -> Void) async throws {
        try await withDaemon { daemon in
            let connection = try await Connection.open(daemon.uri())
            try await body(connection)
            await connection.close()
        }
    }

    @Test("networks: looked up, listed, defined, started, stopped")
    func networks() async throws {
        try await withConnection { connection in
            let network = try await connection.lookUpNetwork(name: "default")
            #expect(network.name == "default")
            #expect("\(network)" == "network default (\(network.uuid))")
            #expect(try await connection.lookUpNetwork(uuid: network.uuid) == network)
            #expect(try await connection.listAllNetworks(flags: .active) == [network])
            #expect(try await network.xml().contains("<name>default</name>"))
            #expect(try await network.isActive())
            try await network.destroy()
            #expect(try await !network.isActive())
            try await network.create()
            try await network.setAutostart(true)
            #expect(try await network.autostart())
            #expect(try await connection.listNetworks() == ["default"])
            #expect(try await connection.numOfNetworks() == 1)
            let other = try await connection.defineNetwork(
                xml: "<network><name>other</name></network>")
            #expect(try await connection.listAllNetworks().count == 2)
            try await other.undefine()
        }
    }

    @Test("storage: a pool and its volumes")
    func storage() async throws {
        try await withConnection { connection in
            let pool = try await connection.lookUpStoragePool(name: "default-pool")
            let before = try await pool.info()
            #expect(before.capacity > before.allocation)
            let volume = try await pool.createStorageVolume(
                xml: "<volume><name>disk</name><capacity>1048576</capacity></volume>")
            #expect(volume.poolName == "default-pool")
            #expect("\(volume)" == "storage volume disk in default-pool")
            #expect(try await pool.lookUpStorageVolume(name: "disk") == volume)
            #expect(try await connection.lookUpStorageVolume(key: volume.key) == volume)
            #expect(try await volume.lookUpStoragePool() == pool)
            #expect(try await pool.listAllVolumes() == [volume])
            #expect(try await volume.xml().contains("1048576"))
            try await volume.delete()
            #expect(try await pool.listAllVolumes() == [])
        }
    }

    @Test("interfaces, node devices, and the node itself")
    func node() async throws {
        try await withConnection { connection in
            let interface = try await connection.lookUpInterface(name: "eth1")
            #expect(try await connection.listAllInterfaces() == [interface])
            #expect(interface.hardwareAddress.count == 17)
            let devices = try await connection.listAllNodeDevices()
            let computer = try #require(devices.first { $0.name == "computer" })
            #expect(try await computer.xml().contains("<name>computer</name>"))
            #expect(try await connection.nodeFreeMemory() > 0)
            let node = try await connection.nodeInfo()
            #expect(node.model == "i686" && node.memory == 3_145_728 && node.megahertz == 1400)
            #expect(node.processorCount == 16 && node.nodeCount == 2 && node.socketCount == 2)
            #expect(node.coreCount == 2 && node.threadCount == 2)
        }
    }

    @Test("typed parameters come back as they were set, and memory as it is asked for")
    func parameters() async throws {
        try await withConnection { connection in
            let domain = try await connection.lookUpDomain(name: "test")
            let scheduler = try await domain.schedulerType()
            #expect(scheduler.type == "fair")
            let parameters = try await domain.schedulerParameters()
            #expect(parameters.map(\.name) == ["weight"])
            #expect(parameters["weight"] == .unsignedInt(50))
            try await domain.setSchedulerParameters(params: ["weight": .unsignedInt(60)])
            try await domain.setMemory(1024, flags: .live)
            let info = try await domain.info()
            #expect(try await domain.maxMemory() == info.maximumMemory)
            #expect(info.memory == 1024 && info.maximumMemory > 1024)
        }
    }

    @Test("snapshots know their domain")
    func snapshots() async throws {
        try await withConnection { connection in
            let domain = try await connection.lookUpDomain(name: "test")
            let snapshot = try await domain.createSnapshot(
                xmlDesc: "<domainsnapshot><name>one</name></domainsnapshot>")
            #expect(snapshot.domain == domain)
            #expect(try await domain.listAllSnapshots() == [snapshot])
            #expect(try await domain.lookUpSnapshot(name: "one") == snapshot)
            #expect(try await snapshot.isCurrent())
            try await snapshot.delete()
            #expect(try await domain.hasCurrentSnapshot() == false)
        }
    }
}
