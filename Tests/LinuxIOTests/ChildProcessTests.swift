import Glibc
import LinuxIO
import Testing

@Suite("Child processes")
struct ChildProcessTests {
    @Test("a child gets its input and its two outputs, and nothing else that is open here")
    func descriptors() async throws {
        // Without O_CLOEXEC, as a program that started this one may have left it.
        // SAFETY: the path is a C string for the call.
        let null = unsafe open("/dev/null", O_RDONLY)
        let stray = fcntl(null, F_DUPFD, 200)
        close(null)
        #expect(stray >= 200)
        defer { close(stray) }
        let child = try await ChildProcess(["sh", "-c", "cd /proc/self/fd && echo *"])
        #expect(await child.waitForEnd() == 0)
        // The shell has one or two of its own.
        let numbers = child.output.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        #expect(Set([0, 1, 2]).isSubset(of: numbers))
        #expect(!numbers.contains(Int(stray)), "\(child.output)")
    }
}
