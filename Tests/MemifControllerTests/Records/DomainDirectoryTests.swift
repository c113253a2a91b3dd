import Glibc
import LinuxIO
import Testing

@testable import MemifController

@Suite("A domain's directory")
struct DomainDirectoryTests {
    private let one = Sample.vm(1)

    @Test("a dead socket of ours that cannot be removed is told of, and goes with the next sweep")
    func stubborn() throws {
        let scratch = try Scratch()
        let layout = RuntimeLayout(scratch.configuration)
        let directory = DomainDirectory(layout, one)
        #expect(directory.sweep(keeping: []) == .init())
        try directory.ensure(group: nil)
        for name in ["a", "b"] {
            _ = try SocketFile.listen(
                at: layout.socket(of: one, port: name), kind: .messages, mode: 0o600)
        }
        try File.replace("\(directory.path)/note", with: [])
        // Named as ours are, and too long to be tried: a peer's, who may write here.
        let long = ".\(String(repeating: "x", count: 60)).new"
        try File.replace("\(directory.path)/\(long)", with: [])
        let held = directory.sweep(keeping: ["a"]) { (file) throws(SystemError) in
            throw SystemError(code: EROFS, operation: "remove", subject: file)
        }
        #expect(held.problem?.reason.contains("b.sock") == true)
        #expect(held.problem?.remedy.contains(directory.path) == true)
        #expect(directory.sweep(keeping: ["a"]) == .init(foreign: .init([long, "note"])))
        #expect(try Directory.entries(of: directory.path) == [long, "a.sock", "note"])
    }

    @Test(
        "of others' files so many are kept as are shown, and any change of them is told from none")
    func crowd() throws {
        let scratch = try Scratch()
        let directory = DomainDirectory(RuntimeLayout(scratch.configuration), one)
        try directory.ensure(group: nil)
        let names = (10..<60).map { "peer\($0)" }
        for name in names { try File.replace("\(directory.path)/\(name)", with: []) }
        let found = directory.sweep(keeping: []).foreign
        #expect(found.count == 50 && found.first == Array(names.prefix(8)))
        #expect(found == directory.sweep(keeping: []).foreign)
        // The last goes and another comes: as many as before, and the first are the same.
        try File.move("\(directory.path)/peer59", to: "\(directory.path)/peer60")
        let changed = directory.sweep(keeping: []).foreign
        #expect(changed.count == 50 && changed.first == found.first && changed != found)
    }

    @Test("the mark of a domain that is gone is tried again until it goes too")
    func mark() async throws {
        try await ControllerHarness.run(in: Scratch()) { it in
            it.source.define(one, "<memif:port name='a'/>")
            #expect(await eventually { it.stands([one: ["a"]]) })
            let marks = it.controller.host.draining
            try marks.set(true, for: one)
            // What is no file cannot be removed as one.
            let path = "\(it.layout.drainedDomainsDirectory)/\(one)"
            try File.remove(path)
            try Directory.ensure(path, mode: 0o700)
            it.source.undefine(one)
            #expect(
                await eventually { it.controller.statistics().looks[.failed, default: 0] > 1 })
            #expect(marks.domains == [one] && it.stands([:]))
            try Directory.remove(path)
            #expect(await eventually { marks.domains.isEmpty })
            #expect(await eventually { it.controller.presenceCount == 0 })
        }
    }
}
