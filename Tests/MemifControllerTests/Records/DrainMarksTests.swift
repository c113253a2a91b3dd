import LinuxIO
import Testing

@testable import MemifController

@Suite("What is drained, on disk")
struct DrainMarksTests {
    private let one = Sample.vm(1)

    @Test("another process's marks are seen when they are read again")
    func marks() throws {
        let scratch = try Scratch()
        let layout = RuntimeLayout(scratch.configuration)
        let marks = DrainMarks(layout)
        #expect(marks.scope(of: one) == nil)
        let other = DrainMarks(layout)
        try other.set(true)
        try other.set(true, for: one)
        #expect(marks.domains.isEmpty && !marks.isHostDrained)
        try marks.readAgain()
        #expect(marks.domains == [one] && marks.isHostDrained)
        try other.set(false)
        try marks.readAgain()
        #expect(marks.scope(of: one) == .domain)
        withExtendedLifetime(scratch) {}
    }

    @Test("marks that cannot be read are no reason to drain nothing: what was known holds")
    func unreadable() throws {
        let scratch = try Scratch()
        let layout = RuntimeLayout(scratch.configuration)
        let marks = DrainMarks(layout)
        try marks.set(true, for: one)
        let away = "\(scratch.path)/away"
        try File.move(layout.drainedDomainsDirectory, to: away)
        try File.replace(layout.drainedDomainsDirectory, with: [])
        let error = #expect(throws: PortError.self) { try marks.readAgain() }
        #expect(error?.reason.contains("what is drained cannot be read") == true)
        #expect(marks.domains == [one])
        withExtendedLifetime(scratch) {}
    }

    @Test("a daemon that cannot tell what is drained serves nobody, and says why")
    func start() async throws {
        let scratch = try Scratch()
        let it = ControllerHarness(FakeSource(), scratch)
        try Directory.ensurePath(scratch.configuration.stateDirectory)
        try File.replace(it.layout.drainedDomainsDirectory, with: [])
        let error = await #expect(throws: PortError.self) { try await it.controller.run() }
        #expect(error?.remedy.contains("state directory readable") == true)
    }
}
