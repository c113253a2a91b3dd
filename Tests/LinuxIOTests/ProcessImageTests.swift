import Foundation
import Testing

@testable import LinuxIO

@Suite("Becoming another program")
struct ProcessImageTests {
    @Test("it has this process, its descriptors from 3 on, and what the environment says of them")
    func becoming() async {
        await #expect(processExitsWith: .exitCode(7)) {
            let script = """
                test "$LISTEN_PID" = $$ && test "$LISTEN_FDS:$LISTEN_FDNAMES" = 2:one:two \
                && test "$MORE" = "a b" && test "$(cat <&3)$(cat <&4)" = 12 && exit 7
                """
            try Self.become(["sh", "-c", script])
        }
    }

    @Test("a program that is not there is an error, with its name")
    func missing() async {
        await #expect(processExitsWith: .exitCode(8)) {
            do throws(SystemError) {
                try Self.become(["no-such-program"])
            } catch {
                exit(error.code == ENOENT && error.subject == "no-such-program" ? 8 : 1)
            }
        }
    }

    private static func become(_ arguments: [String]) throws(SystemError) -> Never {
        var descriptors = DescriptorQueue()
        for byte in [UInt8(ascii: "1"), UInt8(ascii: "2")] {
            descriptors.append(try OwnedDescriptor.memoryFile(name: "sample", holding: [byte]))
        }
        try ProcessImage.become(
            arguments, variables: ["MORE": "a b"],
            passing: StoredDescriptors(names: ["one", "two"], descriptors: descriptors))
    }
}
