import Testing

@testable import MemifController

@Suite("Whether a domain is gone")
struct PresenceLedgerTests {
    private let start = ContinuousClock.now

    @Test("one that this connection has shown is missing at once, and gone after a grace")
    func seen() {
        var ledger = PresenceLedger(grace: .seconds(5))
        ledger.saw(Sample.vm(1))
        #expect(ledger.lacked(Sample.vm(1), now: start) == .missing(.seconds(5)))
        #expect(ledger.lacked(Sample.vm(1), now: start + .seconds(4)) == .missing(.seconds(1)))
        #expect(ledger.lacked(Sample.vm(1), now: start + .seconds(5)) == .gone)
    }

    @Test("one that is back begins a grace anew when it goes again; without one it is gone at once")
    func back() {
        var ledger = PresenceLedger(grace: .seconds(5))
        ledger.saw(Sample.vm(1))
        _ = ledger.lacked(Sample.vm(1), now: start)
        ledger.saw(Sample.vm(1))
        #expect(ledger.lacked(Sample.vm(1), now: start + .seconds(9)) == .missing(.seconds(5)))
        var hasty = PresenceLedger(grace: .zero)
        hasty.saw(Sample.vm(1))
        #expect(hasty.lacked(Sample.vm(1), now: start) == .gone)
    }

    @Test("one that it never has shown is gone when two looks a grace apart lack it")
    func grace() {
        var ledger = PresenceLedger(grace: .seconds(5))
        #expect(ledger.lacked(Sample.vm(1), now: start) == .unsure(.seconds(5)))
        #expect(ledger.lacked(Sample.vm(1), now: start + .seconds(2)) == .unsure(.seconds(3)))
        #expect(ledger.lacked(Sample.vm(1), now: start + .seconds(5)) == .gone)
    }

    @Test("a new connection begins anew")
    func reset() {
        var ledger = PresenceLedger(grace: .seconds(5))
        ledger.saw(Sample.vm(1))
        _ = ledger.lacked(Sample.vm(2), now: start)
        ledger.reset()
        #expect(ledger.lacked(Sample.vm(1), now: start + .seconds(9)) == .unsure(.seconds(5)))
        #expect(ledger.lacked(Sample.vm(2), now: start + .seconds(9)) == .unsure(.seconds(5)))
    }

    @Test("domains that come and go leave nothing behind in it")
    func growth() async throws {
        try await ControllerHarness.run(in: Scratch()) { it in
            #expect(await eventually { it.controller.isSettled })
            for number in 1...50 {
                it.source.define(Sample.vm(UInt8(number)), "")
                #expect(await eventually { it.controller.presenceCount > 0 })
                it.source.undefine(Sample.vm(UInt8(number)))
                #expect(await eventually { it.controller.presenceCount == 0 })
            }
        }
    }
}
