internal import LinuxIO

/// What the kernel says of this process.
struct ProcessFigures: Hashable {
    /// Descriptors that are open.
    let openDescriptors: Int
    /// How many may be.
    let descriptorLimit: Int

    /// As of now; what cannot be read is 0.
    ///
    /// Source: proc(5), `/proc/self/fd` and `/proc/self/limits`.
    static var now: ProcessFigures {
        // One of them is the directory's own.
        let open = (try? Directory.entries(of: "/proc/self/fd").count) ?? 1
        let limits = (try? File.read("/proc/self/limits", limit: 1 << 16)) ?? []
        return ProcessFigures(
            openDescriptors: open - 1, limits: String(decoding: limits, as: UTF8.self))
    }

    init(openDescriptors: Int, limits: String) {
        self.openDescriptors = openDescriptors
        let name = "Max open files"
        let line = limits.split(separator: "\n").first { $0.hasPrefix(name) }
        let fields = line?.dropFirst(name.count).split(separator: " ")
        descriptorLimit = fields?.first.flatMap { Int($0) } ?? 0
    }
}

/// How the last reading of the settings went.
struct SettingsState: Hashable {
    /// Whether what was read last holds.
    var isCurrent = true
    /// When settings were read last that hold, in seconds since 1970.
    var time: Double
}
