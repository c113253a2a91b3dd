internal import MemifController

/// Figures in the text format that Prometheus reads, version 0.0.4.
struct MetricsText {
    /// What a figure is.
    enum Kind: String {
        case counter, gauge, histogram
    }

    private(set) var text = ""

    /// Begins a family; its samples follow.
    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP virtwired_\(name) \(help)\n# TYPE virtwired_\(name) \(kind.rawValue)\n"
    }

    /// One figure, with labels.
    mutating func sample(_ name: String, _ labels: [(String, String)], _ value: Double) {
        line(name, Self.spelled(labels), Self.spelled(value))
    }

    private mutating func line(_ name: String, _ labels: String, _ value: String) {
        text += "virtwired_"
        text += name
        text += labels
        text += " "
        text += value
        text += "\n"
    }

    private static func spelled(_ labels: [(String, String)]) -> String {
        if labels.isEmpty { return "" }
        let pairs = labels.map { "\($0.0)=\"\(escaped($0.1))\"" }
        return "{\(pairs.joined(separator: ","))}"
    }

    /// A family of a single figure.
    mutating func single(_ name: String, _ kind: Kind, _ help: String, _ value: Double) {
        family(name, kind, help)
        sample(name, [], value)
    }

    /// A family of durations.
    mutating func histogram(_ name: String, _ help: String, _ durations: DurationHistogram) {
        family(name, .histogram, help)
        var sum: UInt64 = 0
        for (index, count) in durations.counts.enumerated() {
            sum += count
            let isLast = index == DurationHistogram.bounds.count
            let bound = isLast ? "+Inf" : Self.spelled(DurationHistogram.bounds[index])
            sample("\(name)_bucket", [("le", bound)], Double(sum))
        }
        sample("\(name)_sum", [], durations.sum)
        sample("\(name)_count", [], Double(sum))
    }

    private static func spelled(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
    }

    /// Names of domains are anybody's words: none may end a label or a line.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

extension MetricsText {
    /// Everything that the daemon counts.
    init(_ status: ControllerStatus, _ statistics: ControllerStatistics, version: String) {
        self.init()
        family("build_info", .gauge, "The daemon's version; always 1.")
        sample("build_info", [("version", version)], 1)
        single(
            "libvirt_connected", .gauge, "Whether libvirt can be asked.",
            status.connection == .connected ? 1 : 0)
        add(statistics)
        add(status.ports)
    }

    private mutating func add(_ statistics: ControllerStatistics) {
        single(
            "libvirt_connects_total", .counter, "Connections to libvirt that came up.",
            Double(statistics.connects))
        single(
            "event_gaps_total", .counter, "Times that events may have been lost.",
            Double(statistics.gaps))
        single(
            "events_total", .counter, "Events that told of a change.", Double(statistics.events))
        single(
            "last_event_timestamp_seconds", .gauge, "When the last event came; 0 before it.",
            statistics.lastEvent)
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
        single(
            "queue_depth", .gauge, "Domains that wait for a look.", Double(statistics.queueDepth))
        single(
            "longest_look_seconds", .gauge, "How long the longest look under way has lasted.",
            statistics.longestLook)
        single(
            "domains_active", .gauge, "Domains that ran when they were last looked at.",
            Double(statistics.activeDomains))
    }

    private mutating func add(_ ports: [PortReport]) {
        family("ports", .gauge, "Ports, by their condition.")
        for state in PortCondition.State.allCases {
            let count = ports.count { $0.condition.state == state }
            sample("ports", [("condition", state.rawValue)], Double(count))
        }
        let figures: [(String, Kind, String, (PortTraffic) -> UInt64)] = [
            ("port_link_up", .gauge, "Whether frames can pass.", { $0.isLinkUp ? 1 : 0 }),
            ("port_rx_packets_total", .counter, "Frames from the peer.", \.receivedPackets),
            ("port_rx_bytes_total", .counter, "Bytes from the peer.", \.receivedBytes),
            ("port_tx_packets_total", .counter, "Frames to the peer.", \.sentPackets),
            ("port_tx_bytes_total", .counter, "Bytes to the peer.", \.sentBytes),
            ("port_dropped_total", .counter, "Frames that found no place.", \.droppedPackets),
            (
                "port_dropped_paused_total", .counter,
                "Those of them that came while the domain stood still.", \.pausedPackets
            ),
            ("port_connects_total", .counter, "Links that came up.", \.connects),
        ]
        // A host has many ports, and each has a line in every family.
        let standing = ports.filter { !$0.path.isEmpty }.map { port in
            let labels = [("vm", port.domainName), ("uuid", "\(port.vm)"), ("port", port.name)]
            return (labels: Self.spelled(labels), traffic: port.traffic)
        }
        for (name, kind, help, figure) in figures {
            family(name, kind, help)
            for port in standing { line(name, port.labels, String(figure(port.traffic))) }
        }
    }
}
