import Foundation
import LinuxIO
import Testing

@Suite("System errors")
struct SystemErrorTests {
    @Test("say what failed, on what, and why")
    func description() {
        let error = SystemError(code: EACCES, operation: "open", subject: "/run/x")
        #expect(error.description == "cannot open /run/x: Permission denied (errno 13)")
        let plain = SystemError(code: EMFILE, operation: "accept a connection")
        #expect(plain.description == "cannot accept a connection: Too many open files (errno 24)")
    }

    @Test("a call is made again while signals interrupt it")
    func interruption() throws {
        var calls = 0
        let result: Int32 = try systemCall("try") {
            calls += 1
            errno = EINTR
            return calls < 3 ? -1 : 7
        }
        #expect(result == 7)
        #expect(calls == 3)
    }

    @Test("the status of nothing is an error")
    func absence() {
        let error = #expect(throws: SystemError.self) { try FileStatus(path: "/nowhere/at/all") }
        #expect(error?.code == ENOENT)
    }
}
