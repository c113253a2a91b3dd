import LibvirtRPC
import LinuxIO
import Testing

@testable import MemifController

@Suite("Ports of another process that cannot be opened for the moment")
struct UnclaimedPortTests {
    private let one = Sample.vm(1)
    private let two = Sample.vm(2)
    private let start = ContinuousClock.now

    /// Ports without links, as another process left them.
    private func left(
        _ ports: [(VMIdentifier, String)], _ layout: RuntimeLayout
    ) throws -> InheritedPorts {
        var frozen = FrozenState()
        for (vm, name) in ports {
            let specification = PortSpecification(
                vm: vm, domainName: "vm", declaration: Sample.port(name),
                path: layout.socket(of: vm, port: name), user: nil, group: nil, secret: nil,
                memory: 4096, admission: .open)
            var listener = DescriptorQueue()
            listener.append(try OwnedDescriptor.memoryFile(name: "listener", byteCount: 1))
            frozen.append(
                FrozenPort(
                    state: .init(
                        specification, FileIdentity(device: 1, inode: 2), [], PortTraffic()),
                    descriptors: PassedDescriptors(listener)))
        }
        return try Inheritance(frozen.file(), frozen.takeDescriptors()).ports
    }

    @Test("what is to stand waits until it has for too long; what is not is closed at once")
    func unwanted() throws {
        let layout = RuntimeLayout(HostConfiguration())
        let ports = try left([(one, "a"), (one, "b"), (two, "a")], layout)
        let wanted: Set = [layout.socket(of: one, port: "a")]
        func unwanted(after time: Duration) -> [String] {
            ports.claimUnwanted(of: one, beside: wanted, now: start + time, limit: .seconds(60))
                .claimAll().map(\.specification.declaration.name)
        }
        #expect(ports.domains == [one, two] && ports.names(of: one) == ["a", "b"])
        #expect(unwanted(after: .seconds(5)) == ["b"])
        #expect(unwanted(after: .seconds(64)) == [])
        #expect(unwanted(after: .seconds(65)) == ["a"])
        #expect(ports.domains == [two])
    }

    @Test("a failure that passes costs nothing; what no domain asks for is let go meanwhile")
    func passingFailure() async throws {
        let it = ControllerHarness(FakeSource(), try Scratch())
        var inheritance = Inheritance()
        inheritance.ports = try left([(one, "a"), (one, "b"), (two, "a")], it.layout)
        it.source.define(one, "<memif:port name='a'/>")
        it.backend.fail("a", true)
        try await it.run(goingOnWith: inheritance) { it in
            let unwanted = [
                it.layout.socket(of: one, port: "b"), it.layout.socket(of: two, port: "a"),
            ]
            #expect(await eventually { it.backend.closedUnclaimed == Set(unwanted) })
            #expect(await eventually { it.condition(one, "a")?.state == .degraded })
            let condition = try #require(it.condition(one, "a"))
            #expect(condition.reason.hasSuffix("because the fake was told to fail"))
            #expect(it.controller.host.inherited.names(of: one) == ["a"])
            it.backend.fail("a", false)
            #expect(await eventually { it.condition(one, "a")?.state == .waiting })
            #expect(it.controller.host.inherited.count == 0)
            #expect(it.backend.closedUnclaimed == Set(unwanted))
        }
    }

    @Test("one that waits in vain is let go in the end, and one whose domain goes at once")
    func lastingFailure() async throws {
        let it = ControllerHarness(FakeSource(), try Scratch()) {
            $0.longestStandstill = .milliseconds(300)
        }
        var inheritance = Inheritance()
        inheritance.ports = try left([(one, "a")], it.layout)
        it.source.define(one, "<memif:port name='a'/>")
        it.backend.fail("a", true)
        try await it.run(goingOnWith: inheritance) { it in
            #expect(
                await eventually {
                    it.backend.closedUnclaimed == [it.layout.socket(of: one, port: "a")]
                })
            #expect(await eventually { it.condition(one, "a")?.state == .failed })
        }
        let other = ControllerHarness(FakeSource(), try Scratch())
        inheritance.ports = try left([(two, "a")], other.layout)
        other.source.define(two, "<memif:port name='a'/>")
        other.backend.fail("a", true)
        try await other.run(goingOnWith: inheritance) { it in
            #expect(await eventually { it.condition(two, "a")?.state == .degraded })
            it.source.undefine(two)
            #expect(await eventually { it.controller.host.inherited.count == 0 })
            #expect(await eventually { it.stands([:]) })
        }
    }
}
