internal import ArgumentParser
internal import Foundation
internal import LinuxIO
internal import Synchronization

@main
struct Program {
    static func main() async {
        Signals.ignoreBrokenPipes()
        let stopping = Stopping()
        do {
            // Before any other thread starts: those inherit what is blocked.
            try Signals.handle([SIGINT, SIGTERM]) { _ in stopping.stop() }
        } catch {
            DaemonCommand.say("\(error)")
            exit(1)
        }
        let arguments = Array(CommandLine.arguments.dropFirst())
        let work = Task { @concurrent in await run(arguments) }
        stopping.watch { work.cancel() }
        exit(await work.value)
    }

    /// Runs the daemon and gives the program's exit status: 0, 1, or 2 for the command line.
    private static func run(_ arguments: [String]) async -> Int32 {
        do {
            var command = try DaemonCommand.parseAsRoot(arguments)
            if var daemon = command as? any AsyncParsableCommand {
                try await daemon.run()
            } else {
                try command.run()
            }
            return 0
        } catch let code as ExitCode {
            return code.rawValue
        } catch {
            let text = DaemonCommand.fullMessage(for: error)
            if DaemonCommand.exitCode(for: error) == .success {
                print(text)
                return 0
            }
            DaemonCommand.say(DaemonCommand.message(for: error) + " (virtwired --help)")
            return 2
        }
    }
}

/// What SIGTERM and SIGINT do: the first asks the daemon to end, a second ends it at once.
private final class Stopping: Sendable {
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

    func stop() {
        let (cancel, count) = state.withLock { state in
            state.count += 1
            return (state.cancel, state.count)
        }
        if count > 1 { _exit(1) }
        cancel?()
    }
}
