import Foundation
import Testing

/// A message costs at most 64 bytes of memory for each of its own, whatever its length fields say. The
/// fuzzer counts every allocation against that; here a limit of the system's stands around it, wider by
/// what the allocator sets aside.
@Suite("Memory under hostile length fields")
struct MemoryBoundTests {
    @Test("no procedure's message costs more than its length allows")
    func messages() async {
        await #expect(processExitsWith: .success) {
            let byteCount = 1 << 15
            let words: [UInt32] = [1, 0x4000, 0x0010_0000, 0xFFFF_FFFF]
            // What is in use already, and an arena of the allocator's own beside what is allowed.
            guard AddressSpace.limit(toMoreBy: (64 << 20) + 64 * byteCount) else { exit(2) }
            for word in words {
                let bytes = (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) }
                let message = [UInt8]((0..<byteCount).map { bytes[$0 % 4] })
                for decoders in MessageTarget.programs.joined() {
                    do throws(Finding) {
                        try decoders.arguments(message)
                        try decoders.result(message)
                    } catch {
                        print(error)
                        exit(3)
                    }
                }
            }
            exit(0)
        }
    }
}

/// The process's own.
enum AddressSpace {
    /// Lets it grow no further than by so many bytes: an allocation beyond ends the process.
    static func limit(toMoreBy byteCount: Int) -> Bool {
        let status = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        guard let pages = status?.split(separator: " ").first.flatMap({ UInt($0) }) else {
            return false
        }
        let most = pages * UInt(getpagesize()) + UInt(byteCount)
        var limit = rlimit(rlim_cur: most, rlim_max: most)
        // SAFETY: the call reads the structure, which outlives it.
        return unsafe setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0
    }
}
