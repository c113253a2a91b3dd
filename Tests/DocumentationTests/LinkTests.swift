import Foundation
import Testing

@Suite("Links", .timeLimit(.minutes(3)))
struct LinkTests {
    @Test("every symbol and article that an article or a comment refers to is there")
    func links() async throws {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let built = URL(fileURLWithPath: own).deletingLastPathComponent().path
        let (output, status) = try await Self.run([
            "\(SnippetTests.root)/Tools/docs", "--built", built,
        ])
        #expect(status == 0, "\(output)")
        let landing = "\(SnippetTests.root)/.build/docs/Libvirt.doccarchive/index.html"
        #expect(FileManager.default.fileExists(atPath: landing))
    }

    /// Runs a program on a thread of its own: the tests' few threads are for tests that run.
    private static func run(_ command: [String]) async throws -> (output: String, status: Int32) {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(
                    with: Result {
                        let process = Process()
                        process.executableURL = URL(fileURLWithPath: command[0])
                        process.arguments = Array(command.dropFirst())
                        let pipe = Pipe()
                        process.standardOutput = pipe
                        process.standardError = pipe
                        try process.run()
                        let output = pipe.fileHandleForReading.readDataToEndOfFile()
                        process.waitUntilExit()
                        return (String(decoding: output, as: UTF8.self), process.terminationStatus)
                    })
            }
        }
    }
}
