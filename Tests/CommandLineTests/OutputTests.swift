import Foundation
import LibvirtProtocol
import MemifController
import Testing
import VirtwireProtocol
import XDR

@testable import virtwire

@Suite("Output")
struct OutputTests {
    @Test("a table's columns line up, numbers to the right, empty cells as a dash")
    func table() {
        var table = Table("NAME", "COUNT", "STATE")
        table.add("a", "7", "fine")
        table.add("longer", "1000", "")
        table.add("x", "", "two\nlines")
        #expect(
            table.lines == [
                "NAME    COUNT  STATE",
                "a           7  fine",
                "longer   1000  -",
                "x           -  two lines",
            ])
        #expect(Table("ONLY").lines == ["ONLY"])
    }

    @Test("libvirt's numbers have the names that its own tools write")
    func names() {
        #expect(LibvirtNames.kind(.rtcChange) == "rtc-change")
        #expect(LibvirtNames.kind(.pmwakeup) == "pm-wakeup")
        #expect(LibvirtNames.state(.shutoff) == "shutoff")
        #expect(LibvirtNames.event(.started) == "started")
        #expect(LibvirtNames.detail(1, of: .stopped) == "destroyed")
        #expect(LibvirtNames.detail(99, of: .stopped).contains("99"))
        let kinds = virDomainEventID.allCases.map(LibvirtNames.kind)
        #expect(Set(kinds).count == kinds.count)
    }

    @Test("moments are written as RFC 3339 has them, and ages in their largest unit")
    func moments() {
        #expect(Moment.text(milliseconds: 1_700_000_000_123) == "2023-11-14T22:13:20.123Z")
        #expect(Moment.text(milliseconds: 951_782_400_007) == "2000-02-29T00:00:00.007Z")
        #expect(Moment.text(milliseconds: 1) == "1970-01-01T00:00:00.001Z")
        #expect(Moment.text(milliseconds: .max) == "9999-12-31T23:59:59.999Z")
        #expect(Moment.text(Date(timeIntervalSince1970: 1.9999)) == "1970-01-01T00:00:01.999Z")
        #expect(Moment.text(milliseconds: 0) == nil)
        let now = Date(timeIntervalSince1970: 1_000_000)
        let ages = [0, 59, 60, 3599, 3600, 172_799, 172_800].map { seconds in
            Moment.age(milliseconds: UInt64(1_000_000 - seconds) * 1000, now: now)
        }
        #expect(ages == ["0s", "59s", "1m", "59m", "1h", "47h", "2d"])
        #expect(Moment.age(milliseconds: 0, now: now) == "")
        // The clock of a host can be set back.
        #expect(Moment.age(milliseconds: 1_000_001_000, now: now) == "0s")
    }

    @Test("counters are shown as they are, or as what has passed each second")
    func statistics() {
        func record(_ time: UInt64, _ packets: UInt64) -> StatisticsRecord {
            let queue = virtwire_queue_statistics(
                from_peer: true, index: 0, ring_size: 256, packets: packets, bytes: 0, drops: 0,
                full_bursts: 0, interrupts: 0, sleeps: 0)
            let port = virtwire_port_statistics(
                vm_name: "web", vm_uuid: virtwire_uuid(), name: "lan0", link_up: true,
                rx_packets: packets, rx_bytes: 0, tx_packets: 1, tx_bytes: 0, drops: 3,
                connects: 1, disconnects: 0, refusals: 0, queues: [queue])
            return StatisticsRecord(virtwire_statistics_ret(time_ms: time, ports: [port]))
        }
        let first = record(1000, 100)
        let lines = first.table(since: nil).lines.map { $0.split(separator: " ") }
        #expect(lines[1] == ["web", "lan0", "-", "100", "0", "1", "0", "3", "-", "1"])
        #expect(lines[2] == ["web", "lan0", "rx0", "100", "0", "-", "-", "0", "-", "-"])
        let next = record(3000, 500).table(since: first).lines.map { $0.split(separator: " ") }
        #expect(next[1] == ["web", "lan0", "-", "200", "0", "0", "0", "3", "-", "1"])
        // One that began anew counts from there.
        let anew = record(3000, 50).table(since: first).lines.map { $0.split(separator: " ") }
        #expect(anew[1][3] == "25")
    }

    @Test("a UUID's bytes are written in their five groups")
    func uuid() {
        let bytes = [UInt8](0..<16)
        #expect(bytes.uuidText == "00010203-0405-0607-0809-0a0b0c0d0e0f")
    }

    @Test("the connection may stand first, as virsh has it")
    func order() {
        #expect(Program.inOrder(["-c", "u", "domain", "list"]) == ["domain", "list", "-c", "u"])
        #expect(Program.inOrder(["--connect=u", "events"]) == ["events", "--connect=u"])
        #expect(Program.inOrder(["events", "-c", "u"]) == ["events", "-c", "u"])
        #expect(Program.inOrder([]) == [])
    }

    @Test("round trips keep least, most and mean")
    func roundTrips() throws {
        var trips = RoundTrips()
        for microseconds in [10, 20, 60] { trips.add(.microseconds(microseconds)) }
        trips.lost = 1
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let text = String(decoding: try encoder.encode(trips), as: UTF8.self)
        #expect(text == #"{"count":3,"lost":1,"max_us":60,"mean_us":30,"min_us":10}"#)
    }
}
