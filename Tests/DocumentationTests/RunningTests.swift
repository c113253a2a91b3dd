import Foundation
import Libvirt
import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import Testing
import XDR

@Suite("What the articles show does what they say", .serialized, .timeLimit(.minutes(2)))
struct RunningTests {
    private static let web1 = """
        <domain type='test'><name>web1</name><memory>65536</memory><os><type>hvm</type></os></domain>
        """

    @Test("against a real daemon: connections, domains, errors and deadlines")
    func real() async throws {
        try await withDaemon { daemon in
            try await TourSnippets.$daemon.withValue(daemon.uri()) {
                // It holds the test driver's state, which goes with the last connection.
                let connection = try await Connection.open(daemon.uri())
                let landing = try await printing { try await TourSnippets.landing() }
                #expect(landing == "test VIR_DOMAIN_RUNNING")
                let connecting = try await printing { try await TourSnippets.connecting() }
                #expect(connecting.hasSuffix("\(try await connection.hypervisorVersion())"))
                let fromC = try await printing { try await TourSnippets.fromC() }
                #expect(fromC == "test 2048 MiB 2")

                for _ in 0..<2 {
                    let web1 = try await ErrorSnippets.findOrDefine(
                        "web1", xml: Self.web1, on: connection)
                    #expect(web1.name == "web1")
                }
                try await TourSnippets.fromGo()
                let states = try await ErrorSnippets.deadline(connection)
                #expect(states == ["test": .running, "web1": .running])
                await connection.close()
            }
        }
    }

    @Test("values in XDR")
    func xdr() async throws {
        let bytes: [UInt8] = [0, 0, 0, 2] + Array("10".utf8) + [0, 0] + [0, 0, 1, 0]
        #expect(try await printing { try XDRSnippets.roundTrip(bytes) } == "10 256 true")
    }

    @Test("a login")
    func login() async throws {
        let sasl = SASLSetup(mechanisms: ["SCRAM-SHA-256"], users: ["fred": "secret"])
        try await withDaemon(sasl: sasl) { daemon in
            let printed = try await printing {
                await (try ConnectingSnippets.login(uri: daemon.uri())).close()
            }
            #expect(printed == "localhost wants SCRAM-SHA-256")
        }
    }

    @Test("against the fake: keepalive, events and a supervisor")
    func events() async throws {
        try await withFake { daemon in
            let connection = try await ConnectingSnippets.silence(uri: daemon.uri)
            daemon.whenRegistered { [weak daemon] registration in
                guard registration.family == .domain, registration.kind == 0 else { return }
                try? daemon?.emitLifecycle(of: "web1", .started)
            }
            let event = "web1 lifecycle(VIR_DOMAIN_EVENT_STARTED, detail: 0)"
            let uri = daemon.uri
            #expect(
                try await printing(until: "web1") { try await EventSnippets.loop(connection) }
                    == event)
            #expect(
                try await printing(until: "web1") { try await EventSnippets.families(connection) }
                    == "domain web1")
            await connection.close()
            let supervised = try await printing(until: "look at") {
                await EventSnippets.supervised(uri)
            }
            #expect(supervised.hasPrefix("everything\nlook at 00000000-"))
            let readme = try await printing(until: "lifecycle") {
                try await TourSnippets.$daemon.withValue(uri) { try await TourSnippets.readme() }
            }
            #expect(readme == "web1 VIR_DOMAIN_RUNNING\n" + event)
        }
    }

    @Test("against the fake: a call that may have run")
    func mayHaveRun() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            let domain = try await connection.lookUpDomain(name: "web1")
            daemon.serve(Remote.DOMAIN_IS_ACTIVE) { _ in .init(active: 1) }
            daemon.inject(.close, into: Remote.DOMAIN_CREATE_WITH_FLAGS)
            try await ErrorSnippets.create(domain) { domain in
                try await Connection.open(daemon.uri).lookUpDomain(name: domain.name)
            }
            #expect(daemon.calls.last == "DOMAIN_IS_ACTIVE")
        }
    }

    @Test("against the fake: volumes, a console and a screen")
    func streams() async throws {
        let backup = socketPath() + ".img"
        defer { try? FileManager.default.removeItem(atPath: backup) }
        try await withFake { daemon in
            serveStreams(daemon)
            let connection = try await Connection.open(daemon.uri)
            let pool = try await connection.lookUpStoragePool(name: "images")
            let files = try await printing {
                try await StreamSnippets.files(pool, backup: backup)
            }
            #expect(files == "5 bytes, 5 of them sent\n12 bytes, 5 of them sent")
            let size = try FileManager.default.attributesOfItem(atPath: backup)[.size] as? Int
            #expect(size == 12)
            let volume = try await pool.lookUpStorageVolume(name: "vm.img")
            let pieces = try await printing { try await StreamSnippets.pieces(volume) }
            #expect(pieces == "5 bytes\na hole of 7 bytes")
            let domain = try await connection.lookUpDomain(name: "web1")
            let console = try await printing { try await StreamSnippets.console(domain) }
            #expect(console == "guest: hello")
            let screen = try await printing { try await StreamSnippets.screenshot(domain) }
            #expect(screen == "image/png 4")
            await connection.close()
        }
    }

    @Test("against the fake: the README's streams")
    func readmeStreams() async throws {
        let backup = socketPath() + ".img"
        defer { try? FileManager.default.removeItem(atPath: backup) }
        try await withFake { daemon in
            serveStreams(daemon)
            let connection = try await Connection.open(daemon.uri)
            let domain = try await connection.lookUpDomain(name: "web1")
            let printed = try await printing {
                try await StreamSnippets.readme(connection, domain, backup: backup)
            }
            #expect(printed.hasPrefix("5\n12\ndata("))
            await connection.close()
        }
    }

    /// A volume of five bytes and a hole, a console that answers once, and a screen.
    private func serveStreams(_ daemon: FakeLibvirtd) {
        daemon.serveStream(Remote.STORAGE_VOL_DOWNLOAD) { _ in
            (
                XDRVoid(),
                { stream in
                    try? await stream.send(Array("bytes".utf8))
                    try? await stream.sendHole(7)
                    try? await stream.sendEndOfData()
                    try? await stream.finish()
                }
            )
        }
        daemon.serveStream(Remote.STORAGE_VOL_UPLOAD) { _ in
            (
                XDRVoid(),
                { stream in
                    while (try? await stream.receive()) != nil {}
                    try? await stream.finish()
                }
            )
        }
        daemon.serveStream(Remote.DOMAIN_OPEN_CONSOLE) { _ in
            (
                XDRVoid(),
                { stream in
                    guard case .data(let bytes)? = try? await stream.receive() else { return }
                    try? await stream.send(Array("guest: ".utf8) + bytes)
                    try? await stream.sendEndOfData()
                    try? await stream.finish()
                }
            )
        }
        daemon.serveStream(Remote.DOMAIN_SCREENSHOT) { _ in
            (
                .init(mime: "image/png"),
                { stream in
                    try? await stream.send([1, 2, 3, 4])
                    try? await stream.sendEndOfData()
                    try? await stream.finish()
                }
            )
        }
    }
}
