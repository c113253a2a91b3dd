import Foundation
import Testing

/// A run of one of the examples, built beside the tests.
final class ExampleRun: Sendable {
    struct Ended: Sendable {
        let status: Int32
        let output: String
        let errors: String
    }

    private let process: Process
    private let input = Pipe()
    private let output = Pipe()
    private let errors = Pipe()

    /// Starts it. `/proc/self/exe` is the tests' own, and the examples stand beside it.
    ///
    /// - Parameters:
    ///   - terminal: where it reads instead of a pipe.
    ///   - environment: variables beside those of the tests.
    init(
        _ example: String, _ arguments: [String], terminal: FileHandle? = nil,
        environment: [String: String] = [:]
    ) throws {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: own).deletingLastPathComponent()
            .appendingPathComponent(example)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = terminal ?? input
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        self.process = process
    }

    deinit { if process.isRunning { process.interrupt() } }

    /// Types into it.
    func type(_ text: String) throws {
        try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
    }

    /// Reads what it writes up to some words, and gives all that was read; less at its end.
    func output(until words: String) async -> String {
        let handle = output.fileHandleForReading
        return await waiting {
            var read: [UInt8] = []
            while let byte = try? handle.read(upToCount: 1)?.first {
                read.append(byte)
                if read.suffix(words.utf8.count).elementsEqual(words.utf8) { break }
            }
            return String(decoding: read, as: UTF8.self)
        }
    }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Waits for its end.
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

    /// Runs to the end, with nothing typed.
    static func run(_ example: String, _ arguments: String...) async throws -> Ended {
        let run = try ExampleRun(example, arguments)
        try run.input.fileHandleForWriting.close()
        return await run.ended()
    }
}
