internal import ArgumentParser
internal import Foundation
internal import LinuxIO

@main
struct Program {
    static func main() async {
        Allocator.returnLargeBlocks()
        Signals.ignoreBrokenPipes()
        DescriptorReserve.raiseLimit()
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            let interruption = try Interruption(catchingHangUp: true)
            let work = Task { @concurrent in await run(arguments, interruption) }
            interruption.whenAsked { work.cancel() }
            exit(await work.value)
        } catch {
            DaemonCommand.say("\(error)")
            exit(1)
        }
    }

    /// Runs the daemon and gives the program's exit status: 0, 1, or 2 for the command line.
    private static func run(
        _ arguments: [String], _ interruption: Interruption
    ) async -> Int32 {
        do {
            var command = try DaemonCommand.parseAsRoot(arguments)
            if let daemon = command as? DaemonCommand {
                try await daemon.run(interruption)
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
