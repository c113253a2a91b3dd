internal import ArgumentParser
internal import MemifController
internal import VirtwireProtocol
internal import XDR

struct SettingsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settings",
        abstract: "By which settings the daemon goes, and where each has its value from.",
        discussion: """
            Those of the daemon that runs: what has changed in a file since it was started counts from when \
            it was told to read them again, if at all. For whoever administers the daemon. virtwired \
            --check --verbose says the same of a daemon that would be started now.
            """)

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let settings = try await daemon.settings()
        switch output.format {
        case .json: try StandardOutput.json(settings)
        case .table:
            for line in EffectiveSetting.lines(settings) { try StandardOutput.line(line) }
        }
    }
}

extension DaemonOptions {
    /// By which settings the daemon goes.
    func settings() async throws -> [EffectiveSetting] {
        try await call(Virtwire.SETTINGS, XDRVoid(), for: .administering).settings.map {
            EffectiveSetting($0.name.text, $0.value.text, origin: $0.origin.text)
        }
    }
}
