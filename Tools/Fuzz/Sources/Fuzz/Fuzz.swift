import CountedMemory
import Glibc

/// What `VIRTWIRE_FUZZ_TARGET` names.
private let target: FuzzTarget = {
    // SAFETY: nothing changes the environment.
    let name = unsafe getenv("VIRTWIRE_FUZZ_TARGET").map { unsafe String(cString: $0) } ?? ""
    if let target = FuzzTarget.all.first(where: { $0.name == name }) { return target }
    let names = FuzzTarget.all.map(\.name).joined(separator: ", ")
    fail("VIRTWIRE_FUZZ_TARGET is '\(name)', and there are \(names)")
}()

/// Whether an input was read before, with which comes whatever is made once. libFuzzer has one thread.
nonisolated(unsafe) private var isWarm = false

private func fail(_ sentence: String) -> Never {
    print(sentence)
    // Nil stands for every stream.
    fflush(nil)
    abort()
}

/// What libFuzzer calls with each input; a finding ends the process, and libFuzzer keeps the input.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    // SAFETY: libFuzzer's promise.
    let input = unsafe [UInt8](UnsafeBufferPointer(start: data, count: count))
    let target = target
    counted_memory_reset()
    do throws(Finding) {
        try target.run(input)
    } catch {
        fail("finding in \(target.name): \(error)")
    }
    let peak = counted_memory_peak()
    let most = target.mostMemory(inputByteCount: count)
    if peak > most, unsafe isWarm {
        fail("finding in \(target.name): \(count) bytes cost \(peak) of memory, not \(most)")
    }
    unsafe isWarm = true
    return 0
}
