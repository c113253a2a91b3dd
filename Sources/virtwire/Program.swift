internal import ArgumentParser
internal import Foundation
internal import LinuxIO

@main
struct Program {
    static func main() async {
        Signals.ignoreBrokenPipes()
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            let interruption = try Interruption()
            let work = Task { @concurrent in await run(arguments) }
            interruption.whenAsked { work.cancel() }
            exit(await work.value.rawValue)
        } catch {
            exit(report(error).rawValue)
        }
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
