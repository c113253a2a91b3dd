internal import LibvirtRPC
internal import VirtwireProtocol
internal import XDR

/// What the program around a daemon knows of it, for whoever asks over the control socket.
public struct DaemonReports: Sendable {
    /// By which settings it goes.
    public let settings: @Sendable () -> [EffectiveSetting]
    /// Its figures in Prometheus' text format, those of single ports left out.
    public let metrics: @Sendable () -> String

    /// Takes what answers.
    public init(
        settings: @escaping @Sendable () -> [EffectiveSetting] = { [] },
        metrics: @escaping @Sendable () -> String = { "" }
    ) {
        self.settings = settings
        self.metrics = metrics
    }

    var wireSettings: virtwire_settings_ret {
        virtwire_settings_ret(
            settings: settings().map { setting in
                virtwire_setting(
                    name: XDRString(whole: setting.name), value: XDRString(whole: setting.value),
                    origin: XDRString(whole: setting.origin))
            })
    }
}

extension XDRString {
    /// A text of whoever administers the daemon: as long as the protocol lets it be.
    fileprivate init(whole text: String) {
        self.init(bounded: text, most: VIRTWIRE_STRING_MAX - "…".utf8.count)
    }
}
