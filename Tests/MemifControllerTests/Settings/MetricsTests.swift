import Foundation
import Testing

@testable import MemifController
@testable import virtwired

@Suite("Metrics")
struct MetricsTests {
    private static let guide = URL(fileURLWithPath: #filePath).appendingPathComponent(
        "../../../../Sources/MemifController/Documentation.docc/RunningTheDaemon.md"
    ).standardized

    /// Everything that can be told, of a daemon with one port.
    private static func text(
        showsPorts: Bool = true, _ change: (inout PortTraffic) -> Void = { _ in }
    ) -> [String] {
        var traffic = PortTraffic()
        change(&traffic)
        let port = PortReport(
            vm: Sample.vm(1), domainName: "vm", name: "a", path: "/x",
            condition: PortCondition(.ready), since: 0, traffic: traffic)
        var statistics = ControllerStatistics()
        statistics.connects = 3
        statistics.add(EventCause("stopped", "crashed"))
        statistics.add(EventCause("stopped", "crashed"))
        statistics.add(EventCause("metadata-change"))
        statistics.longestWait = 1.5
        (statistics.domains, statistics.oldestStart) = ([.running: 2, .off: 5, .starting: 1], 11.5)
        statistics.connectTimes.add(.milliseconds(1500))
        statistics.orphansRemoved = 4
        let status = ControllerStatus(connection: .connected, ports: [port])
        let text = MetricsText(
            status, statistics, ProcessFigures(openDescriptors: 7, limits: Self.limits),
            SettingsState(isCurrent: false, time: 12), version: "1", showsPorts: showsPorts)
        return text.text.split(separator: "\n").map(String.init)
    }

    private static let limits = """
        Limit                     Soft Limit           Hard Limit           Units
        Max open files            1024                 524288               files
        """

    @Test("what the daemon knows stands in its family, by its labels")
    func figures() {
        let lines = Self.text { traffic in
            traffic.droppedPackets = 10
            (traffic.malformedPackets, traffic.unsentPackets, traffic.pausedPackets) = (2, 3, 1)
            (traffic.connects, traffic.disconnects, traffic.refusals) = (4, 3, 9)
        }
        let port = "vm=\"vm\",uuid=\"\(Sample.vm(1))\",port=\"a\""
        for line in [
            "libvirt_reconnects_total 2", "events_total{event=\"stopped\",detail=\"crashed\"} 2",
            "events_total{event=\"metadata-change\",detail=\"\"} 1", "queue_oldest_seconds 1.5",
            "domains{state=\"running\"} 2", "domains{state=\"off\"} 5",
            "domains{state=\"starting\"} 1", "domains{state=\"paused\"} 0",
            "oldest_start_seconds 11.5", "connect_latency_seconds_sum 1.5",
            "connect_latency_seconds_bucket{le=\"1\"} 0",
            "connect_latency_seconds_bucket{le=\"2.5\"} 1",
            "orphans_removed_total 4", "config_reload_success 0",
            "config_reload_timestamp_seconds 12", "fd_used 7", "fd_limit 1024",
            "port_dropped_total{\(port),reason=\"malformed\"} 2",
            "port_dropped_total{\(port),reason=\"no-room\"} 3",
            "port_dropped_total{\(port),reason=\"paused\"} 1",
            "port_dropped_total{\(port),reason=\"earlier\"} 4",
            "port_connects_total{\(port),result=\"up\"} 4",
            "port_connects_total{\(port),result=\"refused\"} 9", "port_flaps_total{\(port)} 3",
        ] {
            #expect(lines.contains("virtwired_\(line)"), "\(line)")
        }
        #expect(!Self.text(showsPorts: false).contains { $0.hasPrefix("virtwired_port_") })
    }

    @Test("events of no end of kinds are no end of lines only up to a limit")
    func kinds() {
        var statistics = ControllerStatistics()
        for number in 0..<1000 { statistics.add(EventCause("event", "\(number)")) }
        #expect(statistics.events == 1000)
        #expect(statistics.causes.count < 200)
        #expect(statistics.causes[EventCause("other")] != nil)
    }

    @Test("this process has descriptors open, and a limit on them")
    func process() {
        let now = ProcessFigures.now
        #expect(now.openDescriptors > 2)
        #expect(now.descriptorLimit > now.openDescriptors)
        #expect(ProcessFigures(openDescriptors: 1, limits: "").descriptorLimit == 0)
    }

    @Test("the guide has every family, and no other")
    func guide() throws {
        let text = try String(contentsOf: Self.guide, encoding: .utf8)
        let section = try #require(text.firstRange(of: "\n## Metrics\n"))
        let rest = text[section.upperBound...]
        let end = rest.firstRange(of: "\n## ")?.lowerBound ?? rest.endIndex
        let rows = rest[..<end].split(separator: "\n").filter { $0.hasPrefix("| `") }
        let named = rows.flatMap { row in
            (row.split(separator: "|").first ?? "").matches(of: #/`([a-z_]+)/#).map {
                String($0.1)
            }
        }
        let families = Self.text().filter { $0.hasPrefix("# TYPE virtwired_") }.map { line in
            String(line.dropFirst("# TYPE virtwired_".count).prefix { $0 != " " })
        }
        #expect(families.count > 20)
        #expect(named.sorted() == families.sorted())
    }

    @Test("the guide has every condition, and no other")
    func conditions() throws {
        let text = try String(contentsOf: Self.guide, encoding: .utf8)
        let section = try #require(text.firstRange(of: "\n## Conditions\n"))
        let rest = text[section.upperBound...]
        let end = rest.firstRange(of: "\n## ")?.lowerBound ?? rest.endIndex
        let named = rest[..<end].matches(of: #/\n\| `([A-Z][a-z]+)` \|/#).map { String($0.1) }
        #expect(named.sorted() == PortCondition.State.allCases.map(\.rawValue).sorted())
    }

    @Test("the guide has every event of the audit log, and no other")
    func events() throws {
        let text = try String(contentsOf: Self.guide, encoding: .utf8)
        let section = try #require(text.firstRange(of: "\n## Audit\n"))
        let rest = text[section.upperBound...]
        let end = rest.firstRange(of: "\n## ")?.lowerBound ?? rest.endIndex
        let rows = rest[..<end].split(separator: "\n").filter { $0.hasPrefix("| `") }
        let named = rows.flatMap { row in
            (row.split(separator: "|").first ?? "").matches(of: #/`([a-z-]+)`/#).map {
                String($0.1)
            }
        }
        #expect(named.sorted() == AuditEvent.Kind.allCases.map(\.rawValue).sorted())
    }
}
