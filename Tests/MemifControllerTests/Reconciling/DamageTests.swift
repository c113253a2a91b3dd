import LinuxIO
import Logging
import Testing

@testable import MemifController

@Suite("Socket files that are not as they were placed")
struct DamageTests {
    @Test("one that cannot be put right is looked at with patience, and another beside it at once")
    func urgency() async throws {
        let scratch = try Scratch()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let host = Host(scratch.configuration, backend: FakeBackend(), logger: logger)
        let claim = try DirectoryClaim(host)
        let vm = Sample.vm(1)
        let domain = ManagedDomain(vm, name: "vm", host: host)
        let reading = DomainReading(
            name: "vm", phase: .running,
            xml: Sample.xml("<memif:port name='a'/><memif:port name='b'/>"))
        func look() async { _ = await domain.reconcile(reading, LookTimes(noticed: .now)) }
        let (first, second) = (
            host.layout.socket(of: vm, port: "a"), host.layout.socket(of: vm, port: "b")
        )
        await look()
        #expect(domain.damage == nil)
        try File.remove(second)
        try Directory.ensure(second, mode: 0o700)
        #expect(domain.damage == .routine)
        await look()
        #expect(domain.damage == .patient)
        try File.remove(first)
        #expect(domain.damage == .routine)
        await look()
        #expect(try SocketFile.probe(first) == .live)
        #expect(domain.damage == .patient)
        try Directory.remove(second)
        await look()
        #expect(domain.damage == nil)
        claim.leave()
    }
}
