import Testing

@testable import MemifController

@Suite("Changes of which libvirt keeps a domain back", .timeLimit(.minutes(4)))
struct LateChangeTests {
    private let one = Sample.vm(1)

    /// What a change is refused with; nil where it is done.
    private func refusal(_ body: () async throws(ChangeError) -> Void) async -> String? {
        do throws(ChangeError) {
            try await body()
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test("a port that is still there is not said to be removed, and goes with the next look")
    func remove() async throws {
        try await ControllerHarness.run(in: Scratch()) { it in
            it.source.define(one, "<memif:port name='a'/>")
            #expect(await eventually { it.stands([one: ["a"]]) })
            _ = try await it.controller.add(PortRequest(attributes: ["name": "b"]), to: "vm-1")
            it.source.refuse(one, true)
            let text = await refusal { () async throws(ChangeError) in
                try await it.controller.remove("b", of: "vm-1")
            }
            #expect(text?.contains("port 'b' is not yet removed") == true, "\(text ?? "done")")
            #expect(it.stands([one: ["a", "b"]]))
            it.source.refuse(one, false)
            #expect(await eventually { it.stands([one: ["a"]]) })
        }
    }

    @Test(
        "a port that was removed, and of which no look came any more, stays away after the next start"
    )
    func removedBeforeTheEnd() async throws {
        let scratch = try Scratch()
        try await ControllerHarness.run(in: scratch) { it in
            it.source.define(one, "<memif:port name='a'/>")
            #expect(await eventually { it.stands([one: ["a"]]) })
            for name in ["b", "c"] {
                _ = try await it.controller.add(PortRequest(attributes: ["name": name]), to: "vm-1")
            }
            it.source.refuse(one, true)
            let text = await refusal { () async throws(ChangeError) in
                try await it.controller.remove("b", of: "vm-1")
            }
            #expect(text?.contains("port 'b' is not yet removed") == true, "\(text ?? "done")")
        }
        // Of a libvirt that cannot be asked: what stands is what the record has.
        let source = FakeSource()
        source.disconnect()
        try await ControllerHarness.run(source, in: scratch) { it in
            #expect(await eventually { it.stands([one: ["a", "c"]]) }, "\(it.diagnosis)")
        }
    }

    @Test("a port that does not stand is not said to be removed either, while its record stays")
    func removeWhatDoesNotStand() async throws {
        let scratch = try Scratch()
        try await ControllerHarness.run(in: scratch) { it in
            it.source.define(one, "<memif:port name='a'/>")
            #expect(await eventually { it.stands([one: ["a"]]) })
            _ = try await it.controller.add(PortRequest(attributes: ["name": "b"]), to: "vm-1")
        }
        let source = FakeSource()
        source.disconnect()
        let late = ControllerHarness(source, scratch)
        late.backend.fail("b", true)
        try await late.run { it in
            #expect(await eventually { it.condition(one, "b")?.state == .failed })
            let text = await refusal { () async throws(ChangeError) in
                try await it.controller.remove("b", of: "vm-1")
            }
            #expect(text?.contains("nothing was removed") == true, "\(text ?? "done")")
            source.define(one, "<memif:port name='a'/>", silently: true)
            source.connect()
            it.backend.fail("b", false)
            #expect(await eventually { it.stands([one: ["a", "b"]]) }, "\(it.diagnosis)")
            try await it.controller.remove("b", of: "vm-1")
            #expect(it.stands([one: ["a"]]))
        }
    }

    @Test("ports that do not go by a drain yet are told, and follow with the next look")
    func drain() async throws {
        try await ControllerHarness.run(in: Scratch()) { it in
            let two = Sample.vm(2)
            for vm in [one, two] { it.source.define(vm, "<memif:port name='a' link='always'/>") }
            #expect(await eventually { it.stands([one: ["a"], two: ["a"]]) })
            it.source.refuse(one, true)
            for domain in ["vm-1", nil] {
                let text = await refusal { () async throws(ChangeError) in
                    if let domain {
                        _ = try await it.controller.drain(true, domain: domain)
                    } else {
                        _ = try await it.controller.drain(true)
                    }
                }
                #expect(
                    text?.contains("not every port goes by it yet (vm-1)") == true,
                    "\(text ?? "done")")
                #expect(it.port(one, "a")?.admission == .open)
            }
            #expect(it.port(two, "a")?.admission == .draining)
            it.source.refuse(one, false)
            #expect(await eventually { it.port(one, "a")?.admission == .draining })
            let left = try await it.controller.drain(false)
            #expect(left == 0)
            #expect(it.port(two, "a")?.admission == .open)
        }
    }
}
