import Testing

@testable import MemifController

@Suite("Whether a crash has been told")
struct CrashMarkTests {
    private let start = ContinuousClock.now

    private func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }

    @Test("a crash that an event and looks find is news once, whichever comes first")
    func once() {
        var mark = CrashMark()
        hear(&mark, 1, isNews: true)
        find(&mark, .crashed, begun: 1)
        find(&mark, .off(.crashed), begun: 2)
        #expect(mark.isTold)

        mark = CrashMark()
        find(&mark, .crashed, begun: 0, isNews: true)
        find(&mark, .crashed, begun: 1)
        hear(&mark, 2, isNews: false)
        #expect(mark.isTold)
        // A guest that is started anew, and crashes before anybody looks.
        hear(&mark, 3, isNews: true)
    }

    @Test("a domain that runs anew may crash anew; a look from before the event does not count")
    func anew() {
        for phase in [DomainPhase.starting, .running, .paused, .moving] {
            var mark = CrashMark()
            hear(&mark, 2, isNews: true)
            find(&mark, phase, begun: 1)
            #expect(mark.isTold)
            find(&mark, phase, begun: 3)
            #expect(!mark.isTold)
            find(&mark, .crashed, begun: 4, isNews: true)
        }
        for phase in [DomainPhase.ending, .off(nil), .off(.failed)] {
            var mark = CrashMark()
            hear(&mark, 2, isNews: true)
            find(&mark, phase, begun: 3)
            #expect(mark.isTold)
        }
    }

    private func hear(_ mark: inout CrashMark, _ now: Int, isNews: Bool) {
        let heard = mark.hear(now: at(now))
        #expect(heard == isNews)
    }

    private func find(
        _ mark: inout CrashMark, _ phase: DomainPhase, begun: Int, isNews: Bool = false
    ) {
        let found = mark.find(phase, begun: at(begun), now: at(begun))
        #expect(found == isNews)
    }
}
