public import ArgumentParser
internal import Foundation
internal import Libvirt
internal import LinuxIO

/// How a program ends. Scripts decide by it.
public enum ExitStatus: Int32, Sendable {
    /// What was asked for is done.
    case done = 0
    /// It failed.
    case failed = 1
    /// The command line makes no sense.
    case usage = 2
    /// What was named is not there.
    case notFound = 3
    /// The time ran out.
    case timedOut = 124
}

/// What an example could not do: one sentence with what to do, and the status to end with.
public struct Failure: Error {
    /// The status.
    public let status: ExitStatus
    /// The sentence.
    public let message: String

    /// A sentence for a failure.
    public init(_ message: String) { self.init(.failed, message) }

    /// A sentence and its status.
    public init(_ status: ExitStatus, _ message: String) {
        self.status = status
        self.message = message
    }
}

/// Whoever read the output has gone, which is no failure.
struct OutputClosed: Error {}

/// What is the same for every example: how it runs, what it prints, and how it ends.
public enum Example {
    /// Runs a command to the program's end. The first Ctrl-C or SIGTERM cancels it, the second ends it.
    public static func run(_ command: (some AsyncParsableCommand).Type) async -> Never {
        Signals.ignoreBrokenPipes()
        let work = Task { @concurrent in await perform(command) }
        do {
            try Interruption().whenAsked { work.cancel() }
        } catch {
            say("\(error)")
        }
        exit(await work.value.rawValue)
    }

    private static func perform<Command: AsyncParsableCommand>(
        _ command: Command.Type
    ) async -> ExitStatus {
        do {
            var parsed = try command.parseAsRoot()
            if var asynchronous = parsed as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try parsed.run()
            }
            return .done
        } catch is OutputClosed {
            return .done
        } catch let failure as Failure {
            say(failure.message)
            return failure.status
        } catch {
            return report(error, command)
        }
    }

    private static func report(
        _ error: any Error, _ command: (some ParsableCommand).Type
    ) -> ExitStatus {
        if Task.isCancelled {
            say("interrupted")
            return .failed
        }
        switch command.exitCode(for: error) {
        case .success:
            try? print(command.fullMessage(for: error))
            return .done
        case .validationFailure:
            say(command.message(for: error) + " (--help shows what there is)")
            return .usage
        default:
            say("\(error)")
            return .failed
        }
    }

    /// Writes a line of what was asked for.
    public static func print(_ line: String) throws { try write(line + "\n") }

    /// Writes text of what was asked for.
    public static func write(_ text: String) throws {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
        } catch {
            throw OutputClosed()
        }
    }

    /// Says something about it, on standard error.
    public static func say(_ text: String) {
        let name = ProcessInfo.processInfo.processName
        try? FileHandle.standardError.write(contentsOf: Data("\(name): \(text)\n".utf8))
    }
}

extension Example {
    /// Writes bytes of what was asked for.
    public static func write(_ bytes: [UInt8]) throws {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(bytes))
        } catch {
            throw OutputClosed()
        }
    }
}
