import Libvirt
import LibvirtProtocol
import LibvirtTesting
import Testing

/// What a real daemon tells of networks, pools, devices and secrets.
@Suite("Events of a real daemon's other objects", .serialized, .timeLimit(.minutes(4)))
struct ObjectEventTests {
    @Test("networks: their lives are told, one's own or all") func networks() async throws {
        try await withDaemon { daemon in
            let connection = try await Connection.open(daemon.uri())
            var all = try await connection.networkEvents().makeAsyncIterator()
            let network = try await connection.defineNetwork(
                xml: "<network><name>told</name></network>")
            var own = try await connection.networkEvents(of: network).makeAsyncIterator()
            let other = try await connection.lookUpNetwork(name: "default")
            try await other.destroy()
            try await network.create()
            try await network.destroy()
            try await network.undefine()
            var lives: [String] = []
            while lives.count < 5, case .event(let event) = try await all.next() {
                guard case .lifecycle(let type, _) = event.content else { continue }
                lives.append("\(event.name) \(type.rawValue)")
            }
            #expect(lives == ["told 0", "default 3", "told 2", "told 3", "told 1"])
            for type in [virNetworkEventLifecycleType.started, .stopped, .undefined] {
                guard case .event(let event) = try await own.next() else {
                    Issue.record("no event where \(type) should be")
                    return
                }
                #expect(event.uuid == network.uuid)
                #expect(event.content == .lifecycle(type, detail: 0))
            }
        }
    }

    @Test("storage pools: their lives, and that they were looked through")
    func pools() async throws {
        try await withDaemon { daemon in
            let connection = try await Connection.open(daemon.uri())
            var events = try await connection.storagePoolEvents([.lifecycle, .refresh])
                .makeAsyncIterator()
            let pool = try await connection.defineStoragePool(
                xml: """
                    <pool type='dir'><name>told</name><target><path>/nowhere</path></target></pool>
                    """)
            try await pool.create()
            try await pool.refresh()
            try await pool.destroy()
            try await pool.undefine()
            var contents: [StoragePoolEvent.Content] = []
            while contents.count < 5, case .event(let event) = try await events.next() {
                #expect(event.name == "told" && event.uuid == pool.uuid)
                contents.append(event.content)
            }
            #expect(
                contents == [
                    .lifecycle(.defined, detail: 0), .lifecycle(.started, detail: 0), .refresh,
                    .lifecycle(.stopped, detail: 0), .lifecycle(.undefined, detail: 0),
                ])
        }
    }

    @Test("devices of the host: made and unmade") func devices() async throws {
        try await withDaemon { daemon in
            let connection = try await Connection.open(daemon.uri())
            var events = try await connection.nodeDeviceEvents().makeAsyncIterator()
            let device = try await connection.createNodeDevice(
                xmlDesc: """
                    <device><parent>scsi_host1</parent><capability type='scsi_host'>
                    <capability type='fc_host'><wwnn>2000000012341234</wwnn>
                    <wwpn>1000000012341234</wwpn></capability></capability></device>
                    """)
            try await device.destroy()
            for type in [virNodeDeviceEventLifecycleType.created, .deleted] {
                guard case .event(let event) = try await events.next() else {
                    Issue.record("no event where \(type) should be")
                    return
                }
                #expect(event.name == device.name)
                #expect(event.content == .lifecycle(type, detail: 0))
            }
        }
    }

    @Test("secrets: defined, given a value, and undefined") func secrets() async throws {
        try await withDaemon { daemon in
            // The test driver has no secrets; those of the daemon itself will do.
            let connection = try await Connection.open(daemon.uri("secret", "/system"))
            var events = try await connection.secretEvents([.lifecycle, .valueChanged])
                .makeAsyncIterator()
            let secret = try await connection.defineSecret(
                xml: """
                    <secret><usage type='ceph'><name>told</name></usage></secret>
                    """)
            try await secret.setValue([1, 2, 3])
            try await secret.undefine()
            var contents: [SecretEvent.Content] = []
            while contents.count < 3, case .event(let event) = try await events.next() {
                #expect(event.uuid == secret.uuid && event.usageID == "told")
                contents.append(event.content)
            }
            #expect(
                contents == [
                    .lifecycle(.defined, detail: 0), .valueChanged,
                    .lifecycle(.undefined, detail: 0),
                ])
        }
    }

    @Test("a supervised connection renews every family, and says that there was a gap")
    func supervised() async throws {
        try await withDaemon { daemon in
            let supervised = SupervisedConnection(
                daemon.uri(),
                events: [.domains(), .networks(), .storagePools([.refresh]), .nodeDevices()],
                backOff: .init(first: .milliseconds(10), longest: .milliseconds(50)))
            let (notices, sink) = AsyncStream.makeStream(of: SupervisedConnection.Notice.self)
            let task = Task { await supervised.run { sink.yield($0) } }
            defer { task.cancel() }
            var iterator = notices.makeAsyncIterator()
            guard case .connected = await iterator.next() else {
                Issue.record("not connected")
                return
            }
            daemon.kill()
            try await daemon.start()
            var connection: Connection?
            while let notice = await iterator.next() {
                if case .connected(let new) = notice { connection = new }
                if case .gap = notice, connection != nil { break }
            }
            let new = try #require(connection)
            try await new.lookUpStoragePool(name: "default-pool").refresh()
            try await new.lookUpNetwork(name: "default").destroy()
            _ = try await new.defineDomain(xml: testDomainXML("again"))
            var kinds: [EventKind] = []
            while kinds.count < 3, let notice = await iterator.next() {
                if case .event(let event) = notice { kinds.append(event.kind) }
            }
            #expect(
                kinds == [.storagePool(.refresh), .network(.lifecycle), .domain(.lifecycle)])
        }
    }
}
