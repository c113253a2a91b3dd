import Testing

@testable import MemifController

@Suite("Ports that the host gives", .timeLimit(.minutes(4)))
struct SelectorTests {
    private let one = Sample.vm(1)

    private static func selector(
        _ name: String, _ domains: String, _ ports: String...
    ) throws -> PortSelector {
        try PortSelector(name: name, domains: [NamePattern(domains)], declarations: ports)
    }

    @Test("a domain gets what is selected for its name beside what it declares itself")
    func joined() throws {
        var policy = HostPolicy()
        policy.selectors = [
            try Self.selector("all", "*", "a queues=2", "b"),
            try Self.selector("vnfs", "vnf-*", "b queues=4", "c"),
        ]
        var declared = DeclaredPorts()
        let own = [PortDeclaration(name: "a")]
        let ports = declared.joined(own, with: policy, forDomain: "vnf-1")
        #expect(ports.map { "\($0.name) \($0.queues)" } == ["a 1", "b 1", "c 1"])
        #expect(declared.joined([], with: policy, forDomain: "db").map(\.name) == ["a", "b"])
        #expect(declared.findings.isEmpty)
        // The policy holds for them as for all others.
        policy.fallback.ports = 2
        let few = declared.joined(own, with: policy, forDomain: "vnf-1")
        #expect(few.map(\.name) == ["a", "b"])
        #expect(declared.findings.map(\.element) == ["selector 'vnfs'"])
    }

    @Test(
        "their sockets stand from the definition on, and follow the settings while the daemon runs")
    func stand() async throws {
        let vnfs = try Self.selector("vnfs", "vm-*", "lan0", "lan1")
        try await ControllerHarness.run(
            in: try Scratch(), { $0.policy.selectors = [vnfs] }
        ) { it in
            it.source.define(one, "<memif:port name='own'/>")
            #expect(await eventually { it.stands([one: ["lan0", "lan1", "own"]]) })
            var policy = HostPolicy()
            policy.selectors = [try Self.selector("vnfs", "vm-*", "lan1", "lan2")]
            it.controller.adopt(policy)
            #expect(await eventually { it.stands([one: ["lan1", "lan2", "own"]]) })
            it.controller.adopt(HostPolicy())
            #expect(await eventually { it.stands([one: ["own"]]) })
        }
    }

    @Test(
        "a domain without any metadata gets its sockets, has them after a restart, and loses them")
    func bare() async throws {
        let scratch = try Scratch()
        let source = FakeSource()
        let vnfs = try Self.selector("vnfs", "vm-*", "lan0")
        try await ControllerHarness.run(source, in: scratch, { $0.policy.selectors = [vnfs] }) {
            it in
            source.define(one, "")
            #expect(await eventually { it.stands([one: ["lan0"]]) })
        }
        source.disconnect()
        try await ControllerHarness.run(source, in: scratch, { $0.policy.selectors = [vnfs] }) {
            it in
            #expect(await eventually { it.port(one, "lan0") != nil })
            source.connect()
            source.undefine(one)
            #expect(await eventually { it.stands([:]) })
        }
    }

    @Test("a port of the settings can be neither added nor removed over the control socket")
    func fixed() async throws {
        let vnfs = try Self.selector("vnfs", "vm-*", "lan0")
        try await ControllerHarness.run(
            in: try Scratch(), { $0.policy.selectors = [vnfs] }
        ) { it in
            it.source.define(one, "")
            #expect(await eventually { it.condition(one, "lan0") != nil })
            let request = PortRequest(attributes: ["name": "lan0", "queues": "2"], lifetime: nil)
            await #expect(throws: ChangeError.self) {
                _ = try await it.controller.add(request, to: "vm-1")
            }
            await #expect(throws: ChangeError.self) {
                try await it.controller.remove("lan0", of: "vm-1")
            }
            #expect(it.port(one, "lan0")?.specification.declaration.queues == 1)
        }
    }
}
