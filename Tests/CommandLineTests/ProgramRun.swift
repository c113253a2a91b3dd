import Foundation
import Testing

/// A run of one of the programs, built beside the tests.
final class ProgramRun: Sendable {
    struct Ended: Sendable {
        let status: Int32
        let output: String
        let errors: String
    }

    private let process: Process
    private let output = Pipe()
    private let errors = Pipe()

    /// The path of one of our programs: `/proc/self/exe` is the tests' own, and they stand beside it.
    static func path(of program: String) throws -> String {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(fileURLWithPath: own).deletingLastPathComponent()
            .appendingPathComponent(program).path
    }

    /// Starts a program: a path, or one of ours.
    init(_ program: String = "virtwire", _ arguments: [String], input: String = "") throws {
        let process = Process()
        process.executableURL = URL(
            fileURLWithPath: program.hasPrefix("/") ? program : try Self.path(of: program))
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = errors
        let pipe = Pipe()
        process.standardInput = pipe
        try process.run()
        self.process = process
        try pipe.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try pipe.fileHandleForWriting.close()
    }

    deinit { if process.isRunning { process.interrupt() } }

    /// The next line of its output; nil at the end.
    func nextLine() async -> String? {
        let handle = output.fileHandleForReading
        return await waiting {
            var line: [UInt8] = []
            while let byte = try? handle.read(upToCount: 1)?.first {
                if byte == 0x0A { return String(decoding: line, as: UTF8.self) }
                line.append(byte)
            }
            return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
        }
    }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Nobody reads what it writes from now on.
    func stopReading() throws { try output.fileHandleForReading.close() }

    /// Waits for its end; its output may have been read or closed.
    func ended() async -> Ended {
        await waiting { [self] in
            let output = try? output.fileHandleForReading.readToEnd()
            let errors = try? errors.fileHandleForReading.readToEnd()
            process.waitUntilExit()
            return Ended(
                status: process.terminationStatus,
                output: String(decoding: output ?? Data(), as: UTF8.self),
                errors: String(decoding: errors ?? Data(), as: UTF8.self))
        }
    }

    /// Runs what waits on a thread of its own: the tests' few threads are for tests that run.
    private func waiting<Result: Sendable>(
        _ work: @escaping @Sendable () -> Result
    ) async -> Result {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: work()) }
        }
    }

    /// Runs to the end.
    static func run(
        _ program: String = "virtwire", _ arguments: String..., input: String = ""
    ) async throws -> Ended {
        try await ProgramRun(program, arguments, input: input).ended()
    }
}

/// A socket's path that no other test has.
func newSocketPath() -> String {
    "/tmp/vwcli-" + String(UInt64.random(in: 0...UInt64.max), radix: 36) + ".sock"
}
