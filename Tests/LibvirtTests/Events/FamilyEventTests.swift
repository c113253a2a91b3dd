import Libvirt
import LibvirtProtocol
import LibvirtTesting
import Testing
import XDR

/// Every family of events, from a daemon that says what a test wants.
@Suite("Events of all families, from a daemon that does as it is told", .timeLimit(.minutes(2)))
struct FamilyEventTests {
    private let uuid = remote_uuid(Array(1...16)) ?? remote_uuid()
    private var network: remote_nonnull_network { .init(name: "net", uuid: uuid) }
    private var pool: remote_nonnull_storage_pool { .init(name: "pool", uuid: uuid) }
    private var domain: remote_nonnull_domain { .init(name: "vm", uuid: uuid, id: 7) }
    private var secret: remote_nonnull_secret {
        .init(uuid: uuid, usageType: virSecretUsageType.ceph.rawValue, usageID: "key")
    }

    /// Everything that can happen to what is no domain, once, in order.
    private func emitAll(_ daemon: FakeLibvirtd) throws {
        try daemon.emit(.network, kind: 0, Remote.NETWORK_EVENT_LIFECYCLE) {
            .init(callbackID: $0, net: network, event: 2, detail: 0)
        }
        try daemon.emit(.network, kind: 1, Remote.NETWORK_EVENT_CALLBACK_METADATA_CHANGE) {
            .init(callbackID: $0, net: network, type: 2, nsuri: "urn:x")
        }
        try daemon.emit(.storagePool, kind: 0, Remote.STORAGE_POOL_EVENT_LIFECYCLE) {
            .init(callbackID: $0, pool: pool, event: 4, detail: 0)
        }
        try daemon.emit(.storagePool, kind: 1, Remote.STORAGE_POOL_EVENT_REFRESH) {
            .init(callbackID: $0, pool: pool)
        }
        try daemon.emit(.nodeDevice, kind: 0, Remote.NODE_DEVICE_EVENT_LIFECYCLE) {
            .init(callbackID: $0, dev: .init(name: "dev"), event: 1, detail: 0)
        }
        try daemon.emit(.nodeDevice, kind: 1, Remote.NODE_DEVICE_EVENT_UPDATE) {
            .init(callbackID: $0, dev: .init(name: "dev"))
        }
        try daemon.emit(.secret, kind: 0, Remote.SECRET_EVENT_LIFECYCLE) {
            .init(callbackID: $0, secret: secret, event: 0, detail: 0)
        }
        try daemon.emit(.secret, kind: 1, Remote.SECRET_EVENT_VALUE_CHANGED) {
            .init(callbackID: $0, secret: secret)
        }
        try daemon.emit(.monitor, Qemu.DOMAIN_MONITOR_EVENT) {
            .init(
                callbackID: $0, dom: domain, event: "STOP", seconds: 1, micros: 2, details: "{}")
        }
    }

    private let all: [EventSelection] = [
        .domains(), .networks([.lifecycle, .metadataChange]),
        .storagePools([.lifecycle, .refresh]), .nodeDevices([.lifecycle, .update]),
        .secrets([.lifecycle, .valueChanged]), .monitor(),
    ]

    @Test("each is told with its content, in order, although callback ids of families coincide")
    func contents() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            var events = try await connection.events(all).makeAsyncIterator()
            try daemon.emitLifecycle(of: "vm", .started)
            try emitAll(daemon)
            var kinds: [EventKind] = []
            var texts: [String] = []
            while kinds.count < 10, case .event(let event) = try await events.next() {
                kinds.append(event.kind)
                switch event {
                case .domain(let event): texts.append("\(event.name) \(event.content)")
                case .network(let event): texts.append("\(event.name) \(event.content)")
                case .storagePool(let event): texts.append("\(event.name) \(event.content)")
                case .nodeDevice(let event): texts.append("\(event.name) \(event.content)")
                case .secret(let event):
                    texts.append("\(event.usageType == .ceph) \(event.usageID) \(event.content)")
                case .monitor(let event):
                    texts.append("\(event.name) \(event.event) \(event.details ?? "")")
                    #expect(event.seconds == 1 && event.microseconds == 2)
                }
            }
            #expect(
                kinds == [
                    .domain(.lifecycle), .network(.lifecycle), .network(.metadataChange),
                    .storagePool(.lifecycle), .storagePool(.refresh), .nodeDevice(.lifecycle),
                    .nodeDevice(.update), .secret(.lifecycle), .secret(.valueChanged), .monitor,
                ])
            #expect(texts[1].hasPrefix("net lifecycle("))
            #expect(texts[2].contains("urn:x"))
            #expect(texts[4] == "pool refresh" && texts[6] == "dev update")
            #expect(texts[8] == "true key valueChanged" && texts[9] == "vm STOP {}")
        }
    }

    @Test("each family has a sequence of its own, and none tells of another's")
    func apart() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            var networks = try await connection.networkEvents([.metadataChange]).makeAsyncIterator()
            var pools = try await connection.storagePoolEvents([.refresh]).makeAsyncIterator()
            var devices = try await connection.nodeDeviceEvents([.update]).makeAsyncIterator()
            var secrets = try await connection.secretEvents([.valueChanged]).makeAsyncIterator()
            var monitor = try await connection.monitorEvents().makeAsyncIterator()
            try emitAll(daemon)
            guard case .event(let one) = try await networks.next(),
                case .event(let two) = try await pools.next(),
                case .event(let three) = try await devices.next(),
                case .event(let four) = try await secrets.next(),
                case .event(let five) = try await monitor.next()
            else {
                Issue.record("an event is missing")
                return
            }
            let uuid = LibvirtUUID(bytes: Array(1...16))
            #expect(one.content == .metadataChange(.element, namespace: "urn:x"))
            #expect(one.uuid == uuid && two.uuid == uuid && four.uuid == uuid && five.uuid == uuid)
            #expect(two.content == .refresh)
            #expect(three.name == "dev" && three.content == .update)
            #expect(four.content == .valueChanged)
            #expect(five.event == "STOP")
        }
    }

    @Test("in each family the first subscriber registers, and the last one's going deregisters")
    func counted() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            var first: EventSequence<LibvirtEvent>? = try await connection.events(all)
            #expect(daemon.registrationCount == 10)
            var second: EventSequence<LibvirtEvent>? = try await connection.events(all)
            #expect(daemon.registrationCount == 10)
            #expect(first != nil && second != nil)
            first = nil
            let networks = try await connection.networkEvents()
            second = nil
            try await eventually("one is left") { daemon.registrationCount == 1 }
            #expect(daemon.registrations.first?.family == .network)
            withExtendedLifetime(networks) {}
        }
    }

    @Test("what is selected for one object and for all is told once")
    func once() async throws {
        try await withFake { daemon in
            daemon.serve(Remote.NETWORK_LOOKUP_BY_NAME) { [network] _ in .init(net: network) }
            let connection = try await Connection.open(daemon.uri)
            let one = try await connection.lookUpNetwork(name: "net")
            let events = try await connection.events([.networks(of: one), .networks(), .networks()])
            #expect(daemon.registrationCount == 1)
            let own = try await connection.networkEvents(of: one)
            #expect(daemon.registrationCount == 2)
            withExtendedLifetime((events, own)) {}
        }
    }

    @Test("a filter of the monitor's goes to the daemon, and each filter is a registration")
    func filters() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            let filters: [MonitorEventFilter] = [
                .any, .named("STOP"), .matching("^BLOCK", ignoringCase: true), .named("STOP"),
            ]
            var sequences: [EventSequence<MonitorEvent>] = []
            for filter in filters {
                sequences.append(try await connection.monitorEvents(filter))
            }
            let asked = daemon.registrations.map { "\($0.filter ?? "-") \($0.flags)" }
            #expect(asked == ["- 0", "STOP 0", "^BLOCK 3"])
            withExtendedLifetime(sequences) {}
        }
    }

    @Test("events of every family that overtake the replies to their registrations are kept")
    func overtaking() async throws {
        try await withFake { daemon in
            daemon.whenRegistered { [weak daemon, network] registration in
                guard registration.family == .network else { return }
                for detail in 0..<50 {
                    try? daemon?.emit(.network, kind: 0, Remote.NETWORK_EVENT_LIFECYCLE) {
                        .init(callbackID: $0, net: network, event: 2, detail: Int32(detail))
                    }
                }
            }
            let connection = try await Connection.open(daemon.uri)
            var events = try await connection.events([.domains(), .networks()]).makeAsyncIterator()
            for detail in 0..<50 {
                guard case .event(.network(let event)) = try await events.next() else {
                    Issue.record("no event where \(detail) should be")
                    return
                }
                #expect(event.content == .lifecycle(.started, detail: Int32(detail)))
            }
        }
    }

    @Test("what cannot be read goes to the one whose it is, or to all of its kind")
    func undecodable() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            var events = try await connection.networkEvents().makeAsyncIterator()
            let procedure = Remote.NETWORK_EVENT_LIFECYCLE
            let short = XDRProcedure<remote_connect_supports_feature_args, XDRVoid>(
                program: procedure.program, version: 1, number: procedure.number, name: "SHORT")
            let empty = XDRProcedure<XDRVoid, XDRVoid>(
                program: procedure.program, version: 1, number: procedure.number, name: "EMPTY")
            try daemon.emit(.network, short) { .init(feature: $0) }
            try daemon.emit(.network, empty) { _ in XDRVoid() }
            for offset in [4, 0] {
                guard case .undecodable(.lifecycle, let reason) = try await events.next() else {
                    Issue.record("not told")
                    return
                }
                #expect(reason.contains("XDR error at byte \(offset)"))
            }
        }
    }

    @Test("what cannot be read and overtakes its registration is kept for it")
    func undecodableEarly() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            daemon.inject(.hold, into: Remote.CONNECT_NETWORK_EVENT_REGISTER_ANY)
            let subscribing = Task { try await connection.networkEvents() }
            try await eventually("it is registered, and the reply is held") {
                daemon.registrationCount == 1 && daemon.heldCallCount == 1
            }
            let procedure = Remote.NETWORK_EVENT_LIFECYCLE
            let short = XDRProcedure<remote_connect_supports_feature_args, XDRVoid>(
                program: procedure.program, version: 1, number: procedure.number, name: "SHORT")
            try daemon.emit(.network, short) { .init(feature: $0) }
            daemon.releaseHeldCalls()
            var events = try await subscribing.value.makeAsyncIterator()
            guard case .undecodable(.lifecycle, _) = try await events.next() else {
                Issue.record("not told")
                return
            }
        }
    }

    @Test("events of a kind that this library cannot read are not subscribed to")
    func unreadable() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            let error = await #expect(throws: LibvirtError.self) {
                try await connection.domainEvents([virDomainEventID(rawValue: 99)])
            }
            #expect(error?.description.contains("this library is too old") == true)
            #expect(daemon.registrationCount == 0)
        }
    }
}
