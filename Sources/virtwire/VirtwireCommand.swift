internal import ArgumentParser

struct VirtwireCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "virtwire",
        abstract:
            "Virtual machines and their packets: libvirt's events, memif's sockets.",
        discussion: """
            Ends with 0 when done, 1 when failed, 2 for a command line that makes no sense, 3 when \
            what was named is not there, 124 when the time ran out.
            """,
        subcommands: [
            EventsCommand.self, DomainCommand.self, MemifCommand.self, StatusCommand.self,
            PlanCommand.self, WatchCommand.self, DrainCommand.self, LogLevelCommand.self,
            SettingsCommand.self, DoctorCommand.self, SupportBundleCommand.self,
        ])
}
