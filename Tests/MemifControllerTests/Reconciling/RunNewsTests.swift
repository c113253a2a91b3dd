import Logging
import Testing

@testable import MemifController

@Suite("What events have told of a domain's runs")
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
