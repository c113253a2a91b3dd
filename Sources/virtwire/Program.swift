internal import ArgumentParser
internal import Foundation
internal import LinuxIO
internal import Synchronization

@main
struct Program {
    static func main() async {
        Signals.ignoreBrokenPipes()
        let interruption = Interruption()
        do {
            try Signals.handle([SIGINT, SIGTERM]) { _ in interruption.interrupt() }
        } catch {
            StandardOutput.say("\(error)")
        }
        let arguments = Array(CommandLine.arguments.dropFirst())
        let work = Task { @concurrent in await run(arguments) }
        interruption.watch { work.cancel() }
        exit(await work.value.rawValue)
    }

    /// Runs one command line and reports how it ended.
    static func run(_ arguments: [String]) async -> ExitStatus {
        do {
            var command = try VirtwireCommand.parseAsRoot(inOrder(arguments))
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            return .done
        } catch {
            return report(error)
        }
    }

    /// Lets the connection stand before the command, as virsh has it: `-c URI domain list`.
    static func inOrder(_ arguments: [String]) -> [String] {
        switch arguments.first {
        case "-c", "--connect": Array(arguments.dropFirst(2) + arguments.prefix(2))
        case let first? where first.hasPrefix("--connect="): Array(arguments.dropFirst()) + [first]
        default: arguments
        }
    }

    /// Says what went wrong, in one sentence on standard error, and gives the status for it.
    static func report(_ error: any Error) -> ExitStatus {
        switch error {
        case is OutputClosed: return .done
        case is CancellationError:
            StandardOutput.say("interrupted")
            return .failed
        case let failure as CommandFailure:
            StandardOutput.say(failure.message)
            return failure.status
        default: break
        }
        switch VirtwireCommand.exitCode(for: error) {
        case .success:
            // Help and version are asked for, and belong on standard output.
            try? StandardOutput.line(VirtwireCommand.fullMessage(for: error))
            return .done
        case .validationFailure:
            StandardOutput.say(
                VirtwireCommand.message(for: error) + " (virtwire help shows what there is)")
            return .usage
        default:
            StandardOutput.say("\(error)")
            return .failed
        }
    }
}

/// What SIGINT and SIGTERM do: the first asks the command to end, the second ends the program.
private final class Interruption: Sendable {
    private struct State {
        var cancel: (@Sendable () -> Void)?
        var count = 0
    }

    private let state = Mutex(State())

    func watch(_ cancel: @escaping @Sendable () -> Void) {
        let isLate = state.withLock { state in
            state.cancel = cancel
            return state.count > 0
        }
        if isLate { cancel() }
    }

    func interrupt() {
        let (cancel, count) = state.withLock { state in
            state.count += 1
            return (state.cancel, state.count)
        }
        if count > 1 { _exit(ExitStatus.failed.rawValue) }
        cancel?()
    }
}
