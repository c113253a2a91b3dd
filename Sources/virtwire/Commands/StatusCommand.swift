internal import ArgumentParser

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "The daemon at a glance: libvirt, ports, peers, counters.",
        discussion: """
            SINCE is how long a port has been in its state; JSON has the moment. With --watch and \
            --format json there is one object a line.
            """)

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var repetition: RepetitionOptions

    func run() async throws {
        try await repetition.run { turn in
            let status = try await daemon.status()
            if output.format == .table {
                try repetition.turnPage(turn)
                try StandardOutput.line(status.summary)
            }
            try output.write(status, as: DaemonStatus.table(of: status.ports))
        }
    }
}
