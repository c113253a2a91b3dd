internal import ArgumentParser

struct MemifStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "The daemon's memif ports: sockets, peers, counters.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "A domain's name or UUID; without it all.")
    var vm: String?

    func run() async throws {
        let status = try await daemon.status()
        let ports = status.ports.filter { vm == nil || $0.vm == vm || $0.uuid == vm }
        if let vm, ports.isEmpty {
            throw CommandFailure(
                .notFound, "no port of a domain '\(vm)': virtwire status lists those there are")
        }
        try output.write(ports, as: DaemonStatus.table(of: ports))
    }
}
