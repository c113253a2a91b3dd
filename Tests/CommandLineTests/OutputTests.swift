import Foundation
import LibvirtProtocol
import Testing

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
