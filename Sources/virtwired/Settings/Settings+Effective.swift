internal import MemifController

extension Settings {
    /// Every setting as it holds, in the order of the guide, and where each has its value from. None of them
    /// is a secret: ports' secrets stand in files of their own, and settings only ever name them.
    ///
    /// - Parameter sources: the places that these were read from.
    func effective(from sources: SettingsSources) -> [EffectiveSetting] {
        let reader = sources.reader
        let isUsual = sources.environment[SettingsSources.usualURI]?.isEmpty == false
        let plain: [([String], String)] = [
            (SettingsKey.logLevel, logLevel.rawValue), (SettingsKey.logFormat, logFormat.rawValue),
            (SettingsKey.metrics, metrics.map { "\($0)" } ?? ""),
            (SettingsKey.metricsGroup, metricsGroup ?? ""),
            (SettingsKey.metricsPorts, "\(hasPortMetrics)"),
            (SettingsKey.runtimeDirectory, host.runtimeDirectory),
            (SettingsKey.stateDirectory, host.stateDirectory),
            (SettingsKey.secretsDirectory, host.secretsDirectory), (SettingsKey.group, host.group),
            (SettingsKey.adminGroup, host.adminGroup), (SettingsKey.auditLog, host.auditLog ?? ""),
            (SettingsKey.orphanGrace, host.orphanGrace.shortForm),
            (SettingsKey.pollInterval, host.pollInterval.shortForm),
            (SettingsKey.resyncInterval, host.resyncInterval.shortForm),
        ]
        let connect = EffectiveSetting(
            SettingsKey.connect, uri,
            reader.origin(of: SettingsKey.connect) ?? (isUsual ? SettingsSources.usualURI : nil))
        return [connect] + plain.map { EffectiveSetting($0, $1, reader.origin(of: $0)) }
            + host.policy.effective(reader)
    }
}

extension HostPolicy {
    fileprivate func effective(_ reader: SettingsReader) -> [EffectiveSetting] {
        let lists = [
            (SettingsKey.rules, rules.map(\.name)), (SettingsKey.selectors, selectors.map(\.name)),
        ].map { key, names in
            EffectiveSetting(key, names.spelled, reader.joinedOrigin(of: key))
        }
        let ofRules = (rules + [fallback]).flatMap { $0.effective(reader) }
        return [lists[0]] + ofRules + [lists[1]] + selectors.flatMap { $0.effective(reader) }
    }
}

extension PolicyRule {
    fileprivate func effective(_ reader: SettingsReader) -> [EffectiveSetting] {
        let parts: [(String, String)] = [
            ("ports", "\(ports)"), ("queues", "\(queues)"), ("memory", memory.spelledAsSize),
            ("names", portNames?.map(\.description).spelled ?? ""),
            ("owners", owners?.spelled ?? ""),
            ("groups", groups?.spelled ?? ""), ("secrets", secrets?.spelled ?? ""),
            ("attach", attachments?.spelled ?? ""), ("secret-required", "\(requiresSecret)"),
            ("lasting-links", "\(allowsLastingLinks)"),
        ]
        let own = parts.map { part, value in
            // What a rule leaves out is as the default rule has it, and from where that has it.
            let origin =
                reader.origin(of: SettingsKey.rule(name, part))
                ?? reader.origin(of: SettingsKey.rule(SettingsKey.fallback, part))
            return EffectiveSetting(SettingsKey.rule(name, part), value, origin)
        }
        if name == SettingsKey.fallback { return own }
        let key = SettingsKey.rule(name, "domains")
        let patterns = domains.map(\.description).spelled
        return [EffectiveSetting(key, patterns, reader.origin(of: key))] + own
    }
}

extension PortSelector {
    fileprivate func effective(_ reader: SettingsReader) -> [EffectiveSetting] {
        let (domains, declare) = (
            SettingsKey.selector(name, "domains"), SettingsKey.selector(name, "declare")
        )
        return [
            EffectiveSetting(
                domains, self.domains.map(\.description).spelled, reader.origin(of: domains)),
            EffectiveSetting(declare, ports.map(\.shortForm).spelled, reader.origin(of: declare)),
        ]
    }
}

extension EffectiveSetting {
    fileprivate init(_ key: [String], _ value: String, _ origin: String?) {
        self.init(key.joined(separator: "."), value, origin: origin ?? Self.unset)
    }
}

extension [String] {
    /// As YAML has a list on one line.
    fileprivate var spelled: String { "[\(map(\.quotedWhereNeeded).joined(separator: ", "))]" }
}

extension String {
    /// As YAML has a word in such a list: what may mean something else there, such as `*`, stands in quotation
    /// marks.
    fileprivate var quotedWhereNeeded: String {
        if wholeMatch(of: #/[A-Za-z0-9/][A-Za-z0-9/._*?=+ -]*/#) != nil { return self }
        return "\"\(replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }
}

extension UInt64 {
    /// Bytes in the largest unit that has no rest.
    fileprivate var spelledAsSize: String {
        for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)]
        where self > 0 && trailingZeroBitCount >= shift {
            return "\(self >> shift)\(unit)"
        }
        return "\(self)"
    }
}
