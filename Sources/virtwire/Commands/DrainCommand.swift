internal import ArgumentParser
internal import VirtwireProtocol
internal import XDR

struct DrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Has no new links come up; those that stand end when their domain does.",
        discussion: """
            Holds until --end, restarts of the daemon included; for a domain until that is undefined at \
            the latest. The host and each domain are drained apart: what ends one leaves the others.
            """)

    @OptionGroup var daemon: DaemonOptions

    @Argument(help: "A domain's name or UUID; without it the whole host.")
    var vm: String?

    @Flag(help: "Serve new peers again.")
    var end = false

    func run() async throws {
        let left = try await links()
        if !end { try StandardOutput.line("\(left) links are left") }
    }

    private func links() async throws -> UInt32 {
        guard let vm else {
            return try await daemon.call(
                Virtwire.DRAIN, virtwire_drain_args(drains: !end), for: .administering
            ).links
        }
        return try await daemon.call(
            Virtwire.VM_DRAIN, virtwire_vm_drain_args(vm: XDRString(vm), drains: !end),
            for: .administering
        ).links
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
