import Testing

@testable import MemifController

@Suite("Records")
struct DomainRecordTests {
    private let record = DomainRecord(
        vm: Sample.vm(1), name: "vm \"quoted\" é", isRunning: true,
        ports: [
            Sample.port("a") { $0.linger = .zero }, Sample.port("b") { $0.group = "kvm" },
        ])

    @Test("what is written is read")
    func roundTrip() throws {
        #expect(DomainRecord(decoding: try record.encoded) == record)
        var paused = record
        paused.isPaused = true
        #expect(DomainRecord(decoding: try paused.encoded) == paused)
    }

    @Test("a record that was cut anywhere, or had a byte changed, is none or another whole one")
    func damage() throws {
        let bytes = try record.encoded
        for length in 0..<bytes.count - 1 {
            #expect(DomainRecord(decoding: Array(bytes[..<length])) == nil)
        }
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            var damaged = bytes
            damaged[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
                in: 0...255, using: &random)
            let read = DomainRecord(decoding: damaged)
            #expect(read?.ports.allSatisfy { $0.name.isPortName } ?? true, "seed \(seed)")
        }
    }

    @Test("a record whose ports the schema would refuse is none")
    func strict() {
        let text = """
            {"version":1,"uuid":"\(Sample.vm(1))","name":"x","running":false,"ports":[{"name":"../x"}]}
            """
        #expect(DomainRecord(decoding: Array(text.utf8)) == nil)
        let other = text.replacing("../x", with: "x")
        #expect(DomainRecord(decoding: Array(other.utf8))?.ports.count == 1)
        #expect(
            DomainRecord(
                decoding: Array(other.replacing("\"version\":1", with: "\"version\":2").utf8))
                == nil)
    }
}
