import Logging
import Testing

@testable import MemifController

@Suite("What is news of a domain's runs")
struct RunNewsTests {
    private let start = ContinuousClock.now

    private func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }

    @Test("an end is remembered until a look that began after it finds another run")
    func order() {
        var news = RunNews()
        _ = news.hear(.ended(.migrated), now: at(2))
        for begun in [1, 2] {
            _ = news.find(.moving, begun: at(begun), now: at(3))
            #expect(news.lastEnd == .migrated)
        }
        _ = news.find(.off(nil), begun: at(3), now: at(3))
        #expect(news.lastEnd == .migrated)
        _ = news.find(.running, begun: at(4), now: at(4))
        #expect(news.lastEnd == nil)
    }

    @Test("a reboot is news each time, and takes nothing of what a look has found")
    func reboots() {
        var news = RunNews(isUnderWay: true)
        #expect(news.hear(.rebooted, now: at(2)) == .domainRebooted)
        #expect(news.hear(.rebooted, now: at(3)) == .domainRebooted)
        #expect(news.find(.crashed, begun: at(1), now: at(4)) == .domainCrashed)
    }

    @Test("a run that began and ended before anybody looked has its end told, once")
    func unseen() {
        for end in [RunEnd.crashed, .failed] {
            var news = RunNews()
            #expect(news.hear(.began, now: at(1)) == nil)
            #expect(news.hear(.ended(end), now: at(2)) == .domainEnded)
            #expect(news.find(.off(end), begun: at(3), now: at(3)) == nil)
            // The next run, though of the crash of this one has been told.
            #expect(news.hear(.crashed, now: at(4)) == .domainCrashed)
            #expect(news.hear(.began, now: at(5)) == nil)
            // Read before that.
            #expect(news.find(.crashed, begun: at(4), now: at(6)) == nil)
            #expect(news.find(.off(end), begun: at(4), now: at(6)) == nil)
            #expect(news.hear(.ended(end), now: at(7)) == .domainEnded)
        }
        for end in [RunEnd.ordinary, .migrated] {
            var news = RunNews()
            #expect(news.hear(.began, now: at(1)) == nil)
            #expect(news.hear(.ended(end), now: at(2)) == nil)
        }
    }

    @Test("a run that nobody saw begin is known by a look; one that never ran here has no end")
    func seen() {
        for phase in [DomainPhase.running, .paused, .ending] {
            var news = RunNews()
            #expect(news.find(phase, begun: at(1), now: at(1)) == nil)
            #expect(news.find(.off(.failed), begun: at(2), now: at(2)) == .domainEnded)
            #expect(news.hear(.ended(.failed), now: at(3)) == nil)
        }
        for phase in [DomainPhase.starting, .moving, .off(nil)] {
            var news = RunNews()
            #expect(news.find(phase, begun: at(1), now: at(1)) == nil)
            #expect(news.hear(.ended(.failed), now: at(2)) == nil)
        }
        var news = RunNews(isUnderWay: true)
        #expect(news.find(.off(.crashed), begun: at(1), now: at(1)) == .domainEnded)
        // What was read before an event says nothing of what is after it.
        #expect(news.hear(.ended(.ordinary), now: at(3)) == nil)
        #expect(news.find(.running, begun: at(2), now: at(4)) == nil)
        #expect(news.find(.off(.failed), begun: at(5), now: at(5)) == nil)
    }

    @Test("a look that read a domain before it had left does not have its peers linger")
    func olderLook() async throws {
        let scratch = try Scratch()
        let host = Host(
            scratch.configuration, backend: FakeBackend(), logger: Logger(label: "test"))
        let claim = try DirectoryClaim(host)
        let vm = Sample.vm(1)
        let domain = ManagedDomain(vm, name: "vm", host: host)
        func reading(_ phase: DomainPhase) -> DomainReading {
            DomainReading(
                name: "vm", phase: phase, xml: Sample.xml("<memif:port name='a' linger='60s'/>"))
        }
        _ = await domain.reconcile(reading(.running), LookTimes(noticed: .now))
        let port = try #require(domain.snapshot.ports["a"]?.port as? FakePort)
        let older = LookTimes(noticed: .now)
        domain.note(.ended(.migrated))
        _ = await domain.reconcile(reading(.moving), older)
        #expect(port.admission == .open)
        _ = await domain.reconcile(nil, LookTimes(noticed: .now))
        #expect(port.closedWith == "domain migrated")
        claim.leave()
    }
}
