import Testing

@testable import MemifController

@Suite("The looks under way", .timeLimit(.minutes(4)))
struct ReconcileLoopTests {
    @Test("domains that are held take the place of no look, and count as looks that last")
    func held() async {
        let loop = ReconcileLoop()
        let vms = (0...ReconcileLoop.mostWaiting).map { Sample.vm(UInt8($0)) }
        for vm in vms {
            let isHeld = loop.hold(vm)
            #expect(isHeld)
        }
        let task = Task { await loop.run { _, _ in .settled(lookAgainAfter: nil) } }
        // Returns after a look.
        await loop.look(at: Sample.vm(99))
        #expect(loop.load.longestLook > 0 && !loop.isIdle)
        for vm in vms { loop.release(vm) }
        #expect(loop.load.longestLook == 0 && loop.isIdle)
        task.cancel()
        await task.value
    }
}
