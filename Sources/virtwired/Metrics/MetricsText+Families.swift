internal import MemifController

extension MetricsText {
    /// Everything that the daemon counts.
    ///
    /// - Parameter showsPorts: whether there are figures of each port.
    init(
        _ status: ControllerStatus, _ statistics: ControllerStatistics, _ process: ProcessFigures,
        _ settings: SettingsState, version: String, showsPorts: Bool = true
    ) {
        self.init()
        family("build_info", .gauge, "The daemon's version; always 1.")
        sample("build_info", [("version", version)], 1)
        single(
            "libvirt_connected", .gauge, "Whether libvirt can be asked.",
            status.connection == .connected ? 1 : 0)
        addEvents(statistics)
        addLooks(statistics)
        add(process, settings)
        addConditions(status.ports)
        if showsPorts { addTraffic(status.ports) }
    }

    private mutating func addEvents(_ statistics: ControllerStatistics) {
        single(
            "libvirt_connects_total", .counter, "Connections to libvirt that came up.",
            Double(statistics.connects))
        single(
            "libvirt_reconnects_total", .counter,
            "Connections to libvirt that came up after the first.",
            Double(statistics.connects) - (statistics.connects > 0 ? 1 : 0))
        single(
            "event_gaps_total", .counter, "Times that events may have been lost.",
            Double(statistics.gaps))
        family("events_total", .counter, "Events that told of a change, by what has happened.")
        let causes = statistics.causes.sorted { "\($0.key)" < "\($1.key)" }
        for (cause, count) in causes {
            sample(
                "events_total", [("event", cause.event), ("detail", cause.detail)], Double(count))
        }
        single(
            "last_event_timestamp_seconds", .gauge, "When the last event came; 0 before it.",
            statistics.lastEvent)
    }

    private mutating func addLooks(_ statistics: ControllerStatistics) {
        family("reconcile_total", .counter, "Looks at domains, by how they ended.")
        for result in ControllerStatistics.LookResult.allCases {
            sample(
                "reconcile_total", [("result", result.rawValue)],
                Double(statistics.looks[result] ?? 0))
        }
        histogram("reconcile_seconds", "How long looks at domains took.", statistics.lookTimes)
        histogram(
            "provision_latency_seconds", "From the first notice of a port to its socket listening.",
            statistics.provisionTimes)
        histogram(
            "connect_latency_seconds",
            "From a domain's start to the first link of each of its ports.",
            statistics.connectTimes)
        single(
            "queue_depth", .gauge, "Domains that wait for a look.", Double(statistics.queueDepth))
        single(
            "queue_oldest_seconds", .gauge,
            "How long the domain has waited that has waited longest for a look.",
            statistics.longestWait)
        single(
            "longest_look_seconds", .gauge, "How long the longest look under way has lasted.",
            statistics.longestLook)
        addDomains(statistics)
        single(
            "orphans_removed_total", .counter,
            "Domains that were gone, and of which an earlier process had left something.",
            Double(statistics.orphansRemoved))
    }

    private mutating func addDomains(_ statistics: ControllerStatistics) {
        family("domains", .gauge, "Domains, by how they were when they were last looked at.")
        for state in DomainPhase.Name.allCases {
            let count = statistics.domains[state] ?? 0
            sample("domains", [("state", state.rawValue)], Double(count))
        }
        single(
            "oldest_start_seconds", .gauge,
            "How long the domain has been on its way up that has been longest; 0 where none is.",
            statistics.oldestStart)
    }

    private mutating func add(_ process: ProcessFigures, _ settings: SettingsState) {
        single(
            "config_reload_success", .gauge, "Whether the settings that were read last hold.",
            settings.isCurrent ? 1 : 0)
        single(
            "config_reload_timestamp_seconds", .gauge,
            "When settings were read last that hold.", settings.time)
        single(
            "fd_used", .gauge, "Descriptors that are open.", Double(process.openDescriptors))
        single("fd_limit", .gauge, "How many may be.", Double(process.descriptorLimit))
    }

    private mutating func addConditions(_ ports: [PortReport]) {
        family("ports", .gauge, "Ports, by their condition.")
        for state in PortCondition.State.allCases {
            let count = ports.count { $0.condition.state == state }
            sample("ports", [("condition", state.rawValue)], Double(count))
        }
    }

    /// A figure of a port, with a label of its own where the family has one.
    private typealias Figure = (
        label: (String, String)?, value: @Sendable (PortTraffic) -> UInt64
    )

    private static let portFamilies: [(name: String, kind: Kind, help: String, [Figure])] = [
        ("port_link_up", .gauge, "Whether frames can pass.", [(nil, { $0.isLinkUp ? 1 : 0 })]),
        (
            "port_rx_packets_total", .counter, "Frames from the peer.",
            [(nil, { $0.receivedPackets })]
        ),
        ("port_rx_bytes_total", .counter, "Bytes from the peer.", [(nil, { $0.receivedBytes })]),
        ("port_tx_packets_total", .counter, "Frames to the peer.", [(nil, { $0.sentPackets })]),
        ("port_tx_bytes_total", .counter, "Bytes to the peer.", [(nil, { $0.sentBytes })]),
        (
            "port_dropped_total", .counter,
            "Frames that were not passed on: malformed, without room, for a domain that stood still, or "
                + "in an earlier process that did not say why.",
            [
                (("reason", "malformed"), { $0.malformedPackets }),
                (("reason", "no-room"), { $0.unsentPackets }),
                (("reason", "paused"), { $0.pausedPackets }),
                (("reason", "earlier"), { $0.earlierDrops }),
            ]
        ),
        (
            "port_connects_total", .counter,
            "Peers that came: those served, and those turned away.",
            [(("result", "up"), { $0.connects }), (("result", "refused"), { $0.refusals })]
        ),
        ("port_flaps_total", .counter, "Links that ended.", [(nil, { $0.disconnects })]),
    ]

    private mutating func addTraffic(_ ports: [PortReport]) {
        // A host has many ports, and each has a line in every family.
        let standing = ports.filter { !$0.path.isEmpty }.map { port in
            let labels = [("vm", port.domainName), ("uuid", "\(port.vm)"), ("port", port.name)]
            return (labels: Self.spelled(labels), traffic: port.traffic)
        }
        for (name, kind, help, figures) in Self.portFamilies {
            family(name, kind, help)
            for port in standing {
                for figure in figures {
                    let more = figure.label.map { ",\($0.0)=\"\($0.1)\"}" } ?? "}"
                    line(name, port.labels.dropLast() + more, String(figure.value(port.traffic)))
                }
            }
        }
    }
}
