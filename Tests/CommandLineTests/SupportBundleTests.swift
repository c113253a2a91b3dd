import Dispatch
import LinuxIO
import Testing

@testable import virtwire

@Suite("The file of a support bundle", .timeLimit(.minutes(4)))
struct SupportBundleTests {
    private let path = "/tmp/vwbundle-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)

    private var lines: [Substring] {
        get throws {
            String(decoding: try File.read(path, limit: 1 << 16), as: UTF8.self).split(
                separator: "\n")
        }
    }

    @Test("what waits for a disk that hangs is missing, and holds nothing up")
    func hanging() async throws {
        defer { _ = try? File.remove(path) }
        let disk = DispatchSemaphore(value: 0)
        defer { disk.signal() }
        var bundle = try SupportBundle(creating: path, limit: .milliseconds(100))
        let hung = await bundle.add("log") {
            disk.wait()
            return "never"
        }
        #expect(hung == nil)
        #expect(bundle.missing == ["log: no answer within 0.1 seconds"])
        try bundle.finish()
        #expect(try lines == [#"{"missing":"no answer within 0.1 seconds","part":"log"}"#])
    }

    @Test("each part is in it at once, should it be broken off")
    func partByPart() async throws {
        defer { _ = try? File.remove(path) }
        var bundle = try SupportBundle(creating: path)
        await bundle.add("host") { "here" }
        #expect(try lines == [#"{"content":"here","part":"host"}"#])
        await bundle.add("plan") { () throws -> String in throw CommandFailure(.failed, "none") }
        #expect(try lines.count == 2)
        try bundle.finish()
    }

    @Test("another file's place is refused before anything is asked")
    func taken() throws {
        try File.replace(path, with: Array("mine".utf8))
        defer { _ = try? File.remove(path) }
        let failure = #expect(throws: CommandFailure.self) {
            _ = try SupportBundle(creating: path)
        }
        #expect(failure?.message.contains("--output") == true)
        #expect(try lines == ["mine"])
    }
}
