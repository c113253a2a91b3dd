internal import ArgumentParser
internal import VirtwireProtocol
internal import XDR

struct MemifStatisticsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Counters of the daemon's ports, and of each queue.",
        discussion: """
            A port's counters are of all its links so far, a queue's of the link that is up. With \
            --watch the columns of packets and bytes show what has passed each second; JSON has \
            the counters themselves, one object a line.
            """)

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var repetition: RepetitionOptions

    @Argument(help: "A domain's name or UUID; without it all.")
    var vm: String?

    func run() async throws {
        var last: StatisticsRecord?
        try await repetition.run { turn in
            let record = StatisticsRecord(
                try await daemon.call(
                    Virtwire.STATISTICS, virtwire_statistics_args(vm: XDRString(vm ?? ""))))
            if output.format == .table { try repetition.turnPage(turn) }
            try output.write(record, as: record.table(since: last))
            last = record
        }
    }
}
