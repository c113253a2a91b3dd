internal import ArgumentParser

struct MemifCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "memif", abstract: "Sockets and links that carry packets.",
        subcommands: [
            BenchCommand.self, PingCommand.self, ResponderCommand.self, RawDataCommand.self,
            BridgeCommand.self, CaptureCommand.self, MemifStatusCommand.self,
            MemifShowCommand.self, MemifStatisticsCommand.self, MemifAddCommand.self,
            MemifPrepareCommand.self, MemifRemoveCommand.self, MemifOpenCommand.self,
        ])
}
