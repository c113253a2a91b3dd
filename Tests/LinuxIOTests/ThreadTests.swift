import Foundation
import LinuxIO
import Testing

@Suite("Threads")
struct ThreadTests {
    @Test("have their own id and the name given")
    func naming() async throws {
        let own = LinuxIO.Thread.currentID
        let (identifier, name) = try await withCheckedThrowingContinuation { continuation in
            do {
                try LinuxIO.Thread.start(name: "a-long-thread-name") {
                    let identifier = LinuxIO.Thread.currentID
                    let path = "/proc/self/task/\(identifier)/comm"
                    let name = try? String(contentsOfFile: path, encoding: .utf8)
                    continuation.resume(returning: (identifier, name))
                }
            } catch {
                continuation.resume(throwing: error)
            }
        }
        #expect(identifier != own)
        #expect(name == "a-long-thread-n\n")
    }

    @Test("run though the CPU asked for does not exist", arguments: [0, 100_000, Int.max])
    func pinning(cpu: Int) async throws {
        let ran = try await withCheckedThrowingContinuation { continuation in
            do {
                try LinuxIO.Thread.start(name: "pinned", cpu: cpu) {
                    continuation.resume(returning: true)
                }
            } catch {
                continuation.resume(throwing: error)
            }
        }
        #expect(ran)
    }
}
