internal import Configuration

/// Every place that settings come from: flags go before the environment, that before the files.
struct SettingsSources {
    /// Values from the command line, by key.
    var flags: [String: String] = [:]
    /// All variables of the environment.
    var environment: [String: String] = [:]
    /// The files, each of which goes before the one before it.
    var files: [SettingsFile] = []

    /// The variables that are the daemon's.
    var variables: SettingsEnvironment { SettingsEnvironment(environment) }

    /// What looks a setting up in all of them.
    var reader: SettingsReader {
        SettingsReader(
            [flagLayer, variables.layer] + files.reversed().map { Self.layer($0) })
    }

    private var flagLayer: SettingsReader.Layer {
        let values = flags.map {
            (AbsoluteConfigKey([$0.key]), ConfigValue(.string($0.value), isSecret: false))
        }
        let provider = InMemoryProvider(values: Dictionary(values) { first, _ in first })
        return .init(values: provider.snapshot()) { "--\($0.joined(separator: "-"))" }
    }

    private static func layer(_ file: SettingsFile) -> SettingsReader.Layer {
        .init(values: file.values, isFile: true) { "\(file.path): \($0.joined(separator: "."))" }
    }

    /// The variable that names libvirt's URI for every client, where nothing else does.
    static let usualURI = "LIBVIRT_DEFAULT_URI"
}
