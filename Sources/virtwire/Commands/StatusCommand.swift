internal import ArgumentParser

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "The daemon at a glance: libvirt, ports, peers, counters.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let status = try await daemon.status()
        if output.format == .table { try StandardOutput.line(status.summary) }
        try output.write(status, as: DaemonStatus.table(of: status.ports))
    }
}
