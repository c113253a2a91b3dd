import Foundation
import LinuxIO
import Testing

@Suite("Signals")
struct SignalsTests {
    @Test("arrive as calls, whatever thread the system gives them to")
    func catching() async {
        await #expect(processExitsWith: .exitCode(7)) {
            try Signals.handle([SIGTERM, SIGUSR1]) { number in
                exit(number == SIGTERM ? 7 : 1)
            }
            kill(getpid(), SIGTERM)
            while true { pause() }
        }
    }

    @Test("a pipe that nobody reads is an error, and not the end")
    func brokenPipe() async {
        await #expect(processExitsWith: .exitCode(0)) {
            Signals.ignoreBrokenPipes()
            let pipe = Pipe()
            try pipe.fileHandleForReading.close()
            #expect(throws: (any Error).self) {
                try pipe.fileHandleForWriting.write(contentsOf: Data([1]))
            }
        }
    }
}
