import Logging
import Testing

@testable import MemifController

@Suite("vhost-user interfaces in the daemon's own directory")
struct VhostUserInterfaceTests {
    private static func xml(_ paths: String..., ports: String = "") -> String {
        let interfaces = paths.map { path in
            "<interface type='vhostuser'><source type='unix' path='\(path)' mode='client'/></interface>"
        }
        return Sample.xml(ports).replacing(
            "<devices>",
            with: "<devices><interface type='network'><source network='default'/></interface>"
                + interfaces.joined())
    }

    @Test(
        "a path is below the directory however it is written, and not where it only begins alike",
        arguments: [
            ("/run/virtwire/vhost/a.sock", true), ("/run//virtwire/./a.sock", true),
            ("/run/x/../virtwire/a.sock", true), ("/run/virtwire/../a.sock", false),
            ("/run/virtwired/a.sock", false), ("/run/virtwire", false), ("", false),
        ])
    func paths(path: String, isOurs: Bool) {
        #expect(RuntimeLayout(HostConfiguration()).holds(path) == isOurs)
    }

    @Test(
        "each has one finding with its place; those elsewhere have none, and ports are as they were"
    )
    func findings() {
        let xml = Self.xml(
            "/run/vpp/a.sock", "/run/virtwire/vhost/b.sock", ports: "<memif:port name='a'/>")
        var declared = DeclaredPorts.read(fromDomainXML: xml)
        #expect(declared.findings.isEmpty)
        declared.refuseInterfaces(in: RuntimeLayout(HostConfiguration()))
        #expect(declared.ports.map(\.name) == ["a"])
        #expect(declared.findings.map(\.element) == ["devices/interface[3]"])
        let finding = declared.findings.first
        #expect(finding?.reason.contains("/run/virtwire/vhost/b.sock") == true)
        #expect(finding?.remedy.contains("declare a memif port") == true)
    }

    @Test("the status has a row for it, and the plan; both go with the interface")
    func status() async throws {
        let scratch = try Scratch()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let host = Host(scratch.configuration, backend: FakeBackend(), logger: logger)
        let domain = ManagedDomain(Sample.vm(1), name: "vm", host: host)
        let path = "\(scratch.configuration.runtimeDirectory)/vhost/a.sock"
        func reading(_ xml: String) -> DomainReading {
            DomainReading(name: "vm", phase: .off(nil), xml: xml)
        }
        let steps = domain.foresee(reading(Self.xml(path)))
        #expect(steps.map(\.deed) == [.refuse])
        _ = await domain.reconcile(reading(Self.xml(path)), LookTimes(noticed: .now))
        let state = domain.snapshot
        #expect(state.conditions["devices/interface[2]"]?.condition.state == .failed)
        #expect(state.reports(vm: domain.vm, layout: host.layout).first?.path == "")
        #expect(state.isEmpty)
        _ = await domain.reconcile(reading(Self.xml("/run/vpp/a.sock")), LookTimes(noticed: .now))
        #expect(domain.snapshot.conditions.isEmpty)
    }
}
