internal import Configuration
internal import MemifController

/// The variables of the environment that are the daemon's: `VIRTWIRED_LOG_LEVEL` and its like.
struct SettingsEnvironment {
    private static let prefix = "VIRTWIRED_"

    private let names: [String]
    private let values: any ConfigSnapshot

    /// Takes those that are the daemon's out of all.
    init(_ environment: [String: String]) {
        let own = environment.filter { $0.key.hasPrefix(Self.prefix) }
        names = own.keys.sorted()
        values = EnvironmentVariablesProvider(
            environmentVariables: Dictionary(
                own.map { (String($0.key.dropFirst(Self.prefix.count)), $0.value) },
                uniquingKeysWith: { first, _ in first })
        ).snapshot()
    }

    /// Them as a layer.
    var layer: SettingsReader.Layer { .init(values: values, spell: Self.name) }

    /// The variable of a key.
    static func name(_ key: [String]) -> String {
        prefix
            + key.joined(separator: "_").uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
    }

    /// A variable of the daemon's that sets nothing is a mistake.
    func refuseStrangers(_ known: Set<[String]>) throws(SettingsError) {
        let known = Set(known.map(Self.name))
        for name in names where !known.contains(name) {
            throw SettingsError(
                "the environment's \(name.printable)", "is no setting that there is",
                remedy: "correct or unset it; the guide RunningTheDaemon lists all")
        }
    }
}
