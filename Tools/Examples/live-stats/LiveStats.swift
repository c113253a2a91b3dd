internal import ArgumentParser
internal import ExampleSupport
internal import Foundation
internal import Libvirt
internal import LibvirtProtocol

/// How the figures are written.
enum Format: String, CaseIterable, ExpressibleByArgument {
    /// For people.
    case table
    /// For programs: one object a line.
    case json
}

@main
struct LiveStats: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "live-stats",
        abstract: "Show what running domains use, again and again.",
        discussion:
            "One call brings the figures of all domains. A domain that is busy does not hold it up."
    )

    static func main() async { await Example.run(Self.self) }

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "Only domains whose names are like this shell's pattern.")
    var pattern = "*"

    @Option(help: "Seconds between two rounds.")
    var interval = 2.0

    @Option(help: "End after so many rounds.")
    var count: Int?

    @Option(help: "A table, or a line of JSON for each domain.")
    var format: Format = .table

    func validate() throws {
        guard interval > 0 else { throw ValidationError("--interval is more than 0 seconds") }
        if let count, count < 1 { throw ValidationError("--count is 1 or more") }
    }

    func run() async throws {
        let isScreen = format == .table && isatty(STDOUT_FILENO) == 1
        try await connection.withConnection(readOnly: true) { connection in
            var before: [LibvirtUUID: Reading] = [:]
            var round = 0
            while true {
                let readings = try await read(connection)
                // The top left corner, and nothing below it.
                if isScreen { try Example.write("\u{1B}[H\u{1B}[J") }
                try write(readings.map { Figures($0, since: before[$0.uuid]) })
                before = Dictionary(readings.map { ($0.uuid, $0) }) { $1 }
                round += 1
                if round == count { return }
                try await Task.sleep(for: .seconds(interval))
            }
        }
    }

    private func read(_ connection: Connection) async throws -> [Reading] {
        let now = ContinuousClock.now
        // A daemon that hangs should not leave old figures on the screen for ever.
        let stats = try await Connection.withDeadline(.now + .seconds(30)) {
            try await connection.allDomainStats(
                [.state, .cpuTotal, .balloon, .vcpu, .interface, .block], flags: [.active, .nowait])
        }
        return stats.filter { matches($0.domain.name, pattern) }.map { Reading($0, at: now) }
            .sorted { $0.name < $1.name }
    }

    private func write(_ figures: [Figures]) throws {
        switch format {
        case .table:
            try Example.print(Figures.header)
            for figures in figures { try Example.print(figures.line) }
        case .json:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            for figures in figures {
                try Example.print(String(decoding: try encoder.encode(figures), as: UTF8.self))
            }
        }
    }
}
