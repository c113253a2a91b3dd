import Testing

@testable import MemifController

@Suite("Whether a domain is gone")
struct PresenceLedgerTests {
    private let start = ContinuousClock.now

    @Test("one that this connection has shown is gone when it is not found")
    func seen() {
        var ledger = PresenceLedger(grace: .seconds(5))
        ledger.saw(Sample.vm(1))
        #expect(ledger.lacked(Sample.vm(1), now: start) == nil)
    }

    @Test("one that it never has shown is gone when two looks a grace apart lack it")
    func grace() {
        var ledger = PresenceLedger(grace: .seconds(5))
        #expect(ledger.lacked(Sample.vm(1), now: start) == .seconds(5))
        #expect(ledger.lacked(Sample.vm(1), now: start + .seconds(2)) == .seconds(3))
        #expect(ledger.lacked(Sample.vm(1), now: start + .seconds(5)) == nil)
    }

    @Test("a new connection begins anew")
    func reset() {
        var ledger = PresenceLedger(grace: .seconds(5))
        ledger.saw(Sample.vm(1))
        _ = ledger.lacked(Sample.vm(2), now: start)
        ledger.reset()
        #expect(ledger.lacked(Sample.vm(1), now: start + .seconds(9)) == .seconds(5))
        #expect(ledger.lacked(Sample.vm(2), now: start + .seconds(9)) == .seconds(5))
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
