import Testing

@testable import MemifController

@Suite("Times of domains' runs")
struct RunTimesTests {
    private let times = RunTimes()
    private let start = ContinuousClock.now

    private func statistics(
        count: Int = 0, after seconds: Double = 0
    ) -> ControllerStatistics {
        var statistics = ControllerStatistics()
        times.add(to: &statistics, count: count, now: start + .seconds(seconds))
        return statistics
    }

    private func found(
        _ vm: VMIdentifier, _ phase: DomainPhase, at time: ContinuousClock.Instant = .now
    ) {
        times.found(vm, phase, begun: time, now: time)
    }

    @Test("domains are counted by their phase; those that are not active are off")
    func phases() {
        found(Sample.vm(1), .running)
        found(Sample.vm(2), .paused)
        found(Sample.vm(3), .running)
        found(Sample.vm(3), .off(.ordinary))
        #expect(statistics(count: 5).domains == [.running: 1, .paused: 1, .off: 3])
        #expect(times.active == [Sample.vm(1), Sample.vm(2)])
        times.lost(Sample.vm(2), begun: .now)
        #expect(statistics(count: 4).domains == [.running: 1, .off: 3])
        // A connection that is new has shown none yet.
        #expect(statistics(count: 0).domains[.off] == 0)
    }

    @Test("a start that waits is as old as the first look that found it, until it goes on")
    func starts() {
        #expect(statistics(after: 9).oldestStart == 0)
        found(Sample.vm(1), .starting, at: start)
        found(Sample.vm(2), .starting, at: start + .seconds(4))
        found(Sample.vm(1), .starting, at: start + .seconds(5))
        #expect(statistics(after: 10).oldestStart == 10)
        found(Sample.vm(1), .running, at: start + .seconds(11))
        #expect(statistics(after: 12).oldestStart == 8)
        times.lost(Sample.vm(2), begun: .now)
        #expect(statistics(after: 13).oldestStart == 0)
    }

    @Test(
        "of a run each port's first link counts, and none of a domain whose start nobody has heard of"
    )
    func connects() {
        times.connected("a", of: Sample.vm(1), now: start)
        times.heard(.began, of: Sample.vm(1), now: start)
        for seconds in [2, 3] {
            times.connected("a", of: Sample.vm(1), now: start + .seconds(seconds))
        }
        times.connected("b", of: Sample.vm(1), now: start + .seconds(5))
        times.heard(.crashed, of: Sample.vm(1), now: start + .seconds(6))
        #expect(statistics().connectTimes.count == 2)
        #expect(statistics().connectTimes.sum == 7)
        times.heard(.ended(.ordinary), of: Sample.vm(1), now: start + .seconds(7))
        times.connected("a", of: Sample.vm(1), now: start + .seconds(8))
        #expect(statistics().connectTimes.count == 2)
        times.heard(.began, of: Sample.vm(1), now: start + .seconds(9))
        times.connected("a", of: Sample.vm(1), now: start + .seconds(10))
        #expect(statistics().connectTimes.sum == 8)
    }

    @Test("a link that stood over the start does not count, nor does the one after it")
    func links() {
        times.heard(.began, of: Sample.vm(1), now: start)
        times.disconnected("a", of: Sample.vm(1))
        times.connected("a", of: Sample.vm(1), now: start + .seconds(9000))
        #expect(statistics().connectTimes.count == 0)
        times.connected("b", of: Sample.vm(1), now: start + .seconds(3))
        #expect(statistics().connectTimes.sum == 3)
        // Of no run nothing is kept.
        times.disconnected("a", of: Sample.vm(2))
        times.heard(.began, of: Sample.vm(2), now: start)
        times.connected("a", of: Sample.vm(2), now: start + .seconds(1))
        #expect(statistics().connectTimes.sum == 4)
    }

    @Test("a look that began before a start takes nothing from the run")
    func lateLooks() {
        times.heard(.began, of: Sample.vm(1), now: start + .seconds(2))
        times.found(Sample.vm(1), .off(nil), begun: start, now: start + .seconds(3))
        times.connected("a", of: Sample.vm(1), now: start + .seconds(4))
        #expect(statistics().connectTimes.sum == 2)
        times.lost(Sample.vm(1), begun: start + .seconds(5))
        times.connected("b", of: Sample.vm(1), now: start + .seconds(6))
        #expect(statistics().connectTimes.count == 1)
    }

    @Test("a controller counts what it finds, and what its peers do")
    func controller() async throws {
        let source = FakeSource()
        let vm = Sample.vm(1)
        try await ControllerHarness.run(source, in: Scratch()) { it in
            func figures() -> ControllerStatistics { it.controller.statistics() }
            source.define(vm, "<memif:port name='a'/>")
            source.turn(vm, .starting, silently: true)
            // No event tells of that.
            #expect(await eventually { figures().domains[.starting] == 1 })
            #expect(await eventually { figures().oldestStart > 0 })
            source.start(vm)
            #expect(await eventually { figures().domains[.running] == 1 })
            #expect(figures().oldestStart == 0)
            it.backend.tell(
                PeerNotice(vm: vm, domainName: "vm-1", port: "a", event: .connected, peer: nil))
            #expect(figures().connectTimes.count == 1)
            for event in [PeerNotice.Event.disconnected("gone"), .connected] {
                it.backend.tell(
                    PeerNotice(vm: vm, domainName: "vm-1", port: "b", event: event, peer: nil))
            }
            #expect(figures().connectTimes.count == 1)
            source.undefine(vm)
            source.stop(vm)
            #expect(await eventually { figures().domains[.running] == nil })
        }
    }
}
