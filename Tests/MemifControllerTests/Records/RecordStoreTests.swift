import LinuxIO
import Testing

@testable import MemifController

@Suite("Records on disk")
struct RecordStoreTests {
    @Test("what a process that died while writing left is removed; what is no record's stays")
    func halfWritten() throws {
        let scratch = try Scratch()
        let layout = RuntimeLayout(scratch.configuration)
        let store = RecordStore(layout)
        try store.prepare()
        let record = DomainRecord(vm: Sample.vm(1), name: "vm", isRunning: false, ports: [])
        try store.write(record)
        try File.replace(layout.record(of: Sample.vm(2)) + ".new", with: [1])
        try File.replace("\(layout.recordsDirectory)/note", with: [1])
        let found = try store.load()
        #expect(found.records == [record] && found.unreadable.isEmpty)
        #expect(
            try Directory.entries(of: layout.recordsDirectory) == ["\(Sample.vm(1)).json", "note"])
    }
}
