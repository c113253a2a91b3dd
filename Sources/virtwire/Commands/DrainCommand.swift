internal import ArgumentParser
internal import VirtwireProtocol
internal import XDR

struct DrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Has no new links come up; those that stand end when their domain does.",
        discussion: "Holds until --end, restarts of the daemon included.")

    @OptionGroup var daemon: DaemonOptions

    @Flag(help: "Serve new peers again.")
    var end = false

    func run() async throws {
        let left = try await daemon.call(
            Virtwire.DRAIN, virtwire_drain_args(drains: !end), for: .administering)
        if !end { try StandardOutput.line("\(left.links) links are left") }
    }
}

struct LogLevelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log-level", abstract: "Sets how much the daemon logs.",
        discussion: "Holds until the daemon reads its settings again, or ends.")

    @OptionGroup var daemon: DaemonOptions

    @Argument(help: "trace, debug, info, notice, warning or error.")
    var level: String

    func run() async throws {
        _ = try await daemon.call(
            Virtwire.LOG_LEVEL, virtwire_log_level_args(level: XDRString(level)),
            for: .administering)
    }
}
