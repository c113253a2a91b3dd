import Libvirt
import LibvirtProtocol
import LibvirtTesting
import Testing

@Suite("Events of a real QEMU's monitor", .timeLimit(.minutes(4)))
struct MonitorEventTests {
    @Test("what a filter lets through is told, by name, by expression, or of one domain")
    func filters() async throws {
        try await withDaemon(wantsQEMU: true) { daemon in
            let connection = try await Connection.open(daemon.uri("qemu", "/system"))
            let domain = try await connection.defineDomain(
                xml: """
                    <domain type='qemu'><name>empty</name><memory unit='MiB'>64</memory>
                    <os><type arch='x86_64' machine='q35'>hvm</type></os>
                    <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
                    <memballoon model='none'/></devices></domain>
                    """)
            var all = try await connection.monitorEvents().makeAsyncIterator()
            var stops = try await connection.monitorEvents(.named("STOP")).makeAsyncIterator()
            var some = try await connection.monitorEvents(
                .matching("^resu", ignoringCase: true), of: domain
            ).makeAsyncIterator()
            try await domain.create()
            try await domain.suspend()
            try await domain.resume()
            try await domain.suspend()
            for _ in 0..<2 {
                guard case .event(let stop) = try await stops.next() else {
                    Issue.record("no STOP")
                    return
                }
                #expect(stop.event == "STOP" && stop.uuid == domain.uuid && stop.seconds > 0)
            }
            guard case .event(let resume) = try await some.next() else {
                Issue.record("no RESUME")
                return
            }
            #expect(resume.event == "RESUME" && resume.name == "empty")
            var names: [String] = []
            while names.filter({ $0 == "STOP" }).count < 2,
                case .event(let event) = try await all.next()
            {
                names.append(event.event)
            }
            #expect(names.contains("RESUME"))
            await #expect(throws: LibvirtError.self) {
                try await connection.monitorEvents(.matching("("))
            }
            try await domain.destroy()
            try await domain.undefine()
        }
    }
}
