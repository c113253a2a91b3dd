import Testing

@testable import MemifController

@Suite("The host's policy")
struct PolicyTests {
    private static func rule(_ change: (inout PolicyRule) -> Void) -> PolicyRule {
        var rule = PolicyRule(name: "tenants")
        change(&rule)
        return rule
    }

    @Test(
        "a pattern is a shell's",
        arguments: [
            ("*", "", true), ("*", "anything", true), ("vm-?", "vm-1", true),
            ("vm-?", "vm-", false), ("vm-?", "vm-12", false), ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false), ("", "", true), ("", "a", false), ("*x", "xyx", true),
            ("é?", "éü", true), ("[a]", "a", false),
        ])
    func pattern(text: String, name: String, matches: Bool) {
        #expect(NamePattern(text).matches(name) == matches)
    }

    @Test("a pattern of many stars takes no time to refuse a long name")
    func manyStars() {
        let pattern = NamePattern(String(repeating: "a*", count: 200) + "b")
        let time = ContinuousClock().measure {
            #expect(!pattern.matches(String(repeating: "a", count: 4000)))
        }
        // Not a figure of speed: tried in every way, it would outlast the sun.
        #expect(time < .seconds(20))
    }

    @Test("the first rule that is for a domain decides alone; the fallback has the rest")
    func order() {
        var policy = HostPolicy()
        policy.rules = [
            PolicyRule(name: "first"), PolicyRule(name: "second"), PolicyRule(name: "third"),
        ]
        policy.rules[0].domains = [NamePattern("a-*")]
        policy.rules[1].domains = [NamePattern("b-*"), NamePattern("a-1")]
        policy.rules[2].domains = []
        #expect(policy.rule(forDomain: "a-1").name == "first")
        #expect(policy.rule(forDomain: "b-1").name == "second")
        #expect(policy.rule(forDomain: "c").name == "default")
    }

    @Test(
        "a port that a rule does not allow is refused, with attribute, rule and what it allows",
        arguments: [
            (rule { $0.portNames = [NamePattern("lan?")] }, "name='wan'", "name", "'lan?'"),
            (rule { $0.queues = 2 }, "name='a' queues='3'", "queues", "allows 2"),
            (
                rule { $0.memory = 1 << 20 }, "name='a' ring-size='1024'", "queues",
                "allows 1048576"
            ),
            (rule { $0.allowsLastingLinks = false }, "name='a' link='always'", "link", "'follow'"),
            (rule { $0.owners = [] }, "name='a' owner='root'", "owner", "allows none"),
            (rule { $0.groups = ["vpp"] }, "name='a' group='kvm'", "group", "'vpp'"),
            (rule { $0.secrets = ["s"] }, "name='a' secret-ref='t'", "secret-ref", "'s'"),
            (rule { $0.requiresSecret = true }, "name='a'", "secret-ref", "is missing"),
            (
                rule { $0.attachments = ["none"] },
                "name='a' attach='responder' address='192.0.2.1/24'", "attach", "'none'"
            ),
        ])
    func refusal(rule: PolicyRule, port: String, attribute: String, words: String) throws {
        let allowed = "<memif:port name='lan0' ring-size='2' secret-ref='s'/>"
        let xml = Sample.xml("<memif:port \(port)/>\(allowed)")
        let declared = DeclaredPorts.read(fromDomainXML: xml, under: rule)
        let finding = try #require(declared.findings.first)
        #expect(finding.severity == .error && finding.attribute == attribute)
        #expect(finding.problem.contains("'tenants'") && finding.problem.contains(words))
        #expect(declared.malformed.count == 1)
        #expect(declared.ports.map(\.name) == ["lan0"])
        // Without the rule there is nothing to say.
        #expect(DeclaredPorts.read(fromDomainXML: xml).findings == [])
    }

    @Test("only so many ports; a refused one takes no place from those after it")
    func count() {
        let rule = Self.rule { rule in
            rule.ports = 2
            rule.queues = 1
        }
        let declared = DeclaredPorts.read(
            fromDomainXML: Sample.xml(
                "<memif:port name='a'/><memif:port name='b' queues='2'/><memif:port name='c'/>"
                    + "<memif:port name='d'/>"), under: rule)
        #expect(declared.ports.map(\.name) == ["a", "c"])
        #expect(declared.malformed == ["b", "d"])
        #expect(declared.findings.last?.problem.contains("rule 'tenants' allows") == true)
    }

    @Test("what stood before stands on under a mistake, and not under a rule that forbids it")
    func lastGood() {
        let good = ["a": Sample.port("a") { $0.queues = 2 }]
        let declared = DeclaredPorts.read(
            fromDomainXML: Sample.xml("<memif:port name='a' queues='many'/>"))
        #expect(declared.resolved(lastGood: good).map(\.queues) == [2])
        #expect(declared.resolved(lastGood: good, under: Self.rule { $0.queues = 1 }) == [])
    }

    @Test("a new policy holds at once: ports go that it forbids, and come back when it allows them")
    func adopted() async throws {
        try await ControllerHarness.run(in: Scratch()) { it in
            let vm = Sample.vm(1)
            it.source.define(vm, "<memif:port name='a'/><memif:port name='b' group='kvm'/>")
            #expect(await eventually { it.stands([vm: ["a", "b"]]) })
            let kept = try #require(it.port(vm, "a"))

            var policy = HostPolicy()
            policy.fallback.groups = ["vpp"]
            it.controller.adopt(policy)
            #expect(await eventually { it.stands([vm: ["a"]]) })
            #expect(await eventually { it.condition(vm, "b")?.state == .failed })
            #expect(it.condition(vm, "b")?.reason.contains("rule 'default' allows 'vpp'") == true)

            it.controller.adopt(HostPolicy())
            #expect(await eventually { it.stands([vm: ["a", "b"]]) })
            #expect(it.port(vm, "a") === kept)
        }
    }

    @Test("a new policy holds without libvirt too, for what stood; and libvirt is tried again")
    func adoptedUnasked() async throws {
        try await ControllerHarness.run(in: Scratch()) { it in
            let vm = Sample.vm(1)
            it.source.define(vm, "<memif:port name='a'/><memif:port name='b' group='kvm'/>")
            #expect(await eventually { it.stands([vm: ["a", "b"]]) })
            #expect(await eventually { it.controller.isSettled })
            let kept = try #require(it.port(vm, "a"))

            it.source.disconnect()
            var policy = HostPolicy()
            policy.fallback.groups = ["vpp"]
            it.controller.adopt(policy)
            #expect(it.source.retries == 1)
            #expect(await eventually { it.stands([vm: ["a"]]) })
            #expect(it.port(vm, "a") === kept)
            it.source.connect()
            #expect(await eventually { it.condition(vm, "b")?.state == .failed })
            #expect(it.port(vm, "a") === kept)
        }
    }

    @Test("what a record tells of is put back only as far as the policy allows it today")
    func restored() async throws {
        let scratch = try Scratch()
        let vm = Sample.vm(1)
        let source = FakeSource()
        try await ControllerHarness.run(source, in: scratch) { it in
            it.source.define(vm, "<memif:port name='a'/><memif:port name='b' queues='2'/>")
            #expect(await eventually { it.stands([vm: ["a", "b"]]) })
        }
        source.disconnect()
        try await ControllerHarness.run(source, in: scratch, { $0.policy.fallback.queues = 1 }) {
            it in
            #expect(await eventually { it.stands([vm: ["a"]]) })
        }
    }
}
