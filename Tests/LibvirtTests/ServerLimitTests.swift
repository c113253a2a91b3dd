import Glibc
import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import LinuxIO
import Testing
import XDR

@testable import Libvirt

/// Where a real daemon draws its lines: how it treats the silent, the many and those who ask for much.
@Suite("The limits of a real daemon", .timeLimit(.minutes(2))) struct ServerLimitTests {
    /// Saves of four domains that end when the test lets them: nobody reads what is written.
    private struct Saves {
        let paths: [String]
        let tasks: [Task<Void, any Error>]

        init(
            _ daemon: TestLibvirtd, _ connection: Connection, placement: CallPlacement
        ) async throws {
            var paths: [String] = []
            var tasks: [Task<Void, any Error>] = []
            for number in 0..<4 {
                let path = "\(daemon.directory)/save\(number)"
                // SAFETY: the path lives through the call.
                #expect(unsafe mkfifo(path, 0o600) == 0)
                let domain = try await connection.createDomain(xml: testDomainXML("vm\(number)"))
                paths.append(path)
                tasks.append(
                    Task {
                        _ = try await connection.call(
                            Remote.DOMAIN_SAVE, .init(dom: domain.raw, to: XDRString(path)),
                            placement: placement)
                    })
            }
            self.paths = paths
            self.tasks = tasks
        }

        /// Takes what they write, and waits for them.
        func release() async throws {
            // SAFETY: the paths live through the calls.
            let readers = paths.map { path in unsafe open(path, O_RDONLY | O_NONBLOCK) }
            for task in tasks { try await task.value }
            for reader in readers { #expect(close(reader) == 0) }
        }
    }

    @Test("a daemon's pings are answered by who is idle and by who has four calls under way")
    func pings() async throws {
        let impatient = ["keepalive_interval = 1", "keepalive_count = 1"]
        try await withDaemon(configuration: impatient) { daemon in
            let idle = try await Connection.open(daemon.uri())
            let busy = try await Connection.open(daemon.uri())
            let saves = try await Saves(daemon, busy, placement: .shared)
            // Whoever came later and does not answer is put out.
            let deaf = try await deaf(daemon)
            await deaf.waitUntilReleased()
            #expect(deaf.failure?.reason != .closed)
            #expect(idle.isAlive && busy.isAlive)
            try await saves.release()
            #expect(try await idle.hostname() == busy.hostname())
            await idle.close()
            await busy.close()
        }
    }

    /// A client that asks for pings and hears of none.
    private func deaf(_ daemon: TestLibvirtd) async throws -> Link {
        let address = try UnixAddress(path: daemon.socketPath)
        let loop = try Connection.loop.get()
        let carrier = UnixCarrier(
            try UnixSocket.connect(to: address, kind: .stream), loop: loop)
        let link = Link.start(carrier, timers: loop)
        _ = try await link.call(Remote.AUTH_LIST, XDRVoid())
        let answer = try await link.call(Remote.CONNECT_SUPPORTS_FEATURE, .init(feature: 10))
        #expect(answer.supported == 1)
        carrier.setReading(false)
        return link
    }

    @Test("while four domains are being saved, the connection answers everybody else")
    func longCalls() async throws {
        try await withDaemon { daemon in
            let connection = try await Connection.open(daemon.uri())
            let saves = try await Saves(daemon, connection, placement: .automatic)
            let admin = try await AdminConnection.open(daemon.adminURI)
            let server = try await admin.lookUpServer("libvirtd")
            try await eventually("each has a connection") {
                try await server.listClients().count == 5
            }
            for _ in 0..<10 {
                _ = try await connection.call(
                    Remote.CONNECT_GET_HOSTNAME, XDRVoid(), deadline: .now + .seconds(10))
            }
            try await saves.release()
            await connection.close()
            try await eventually("all are closed") { try await server.listClients().isEmpty }
            await admin.close()
        }
    }

    @Test("a daemon that has clients enough accepts one more and is silent: that is said")
    func tooManyClients() async throws {
        let few = ["max_clients = 1", "max_anonymous_clients = 1"]
        try await withDaemon(configuration: few) { daemon in
            let first = try await Connection.open(daemon.uri())
            let error = await #expect(throws: LibvirtError.self) {
                try await Connection.open(daemon.uri(), deadline: .now + .milliseconds(300))
            }
            #expect(
                error?.description.contains("too many clients") == true,
                "\(String(describing: error))")
            await first.close()
            let second = try await Connection.open(daemon.uri())
            #expect(try await second.hostname().isEmpty == false)
            await second.close()
        }
    }

    @Test("a daemon whose queue is full is tried again, until it takes clients")
    func fullQueue() async throws {
        try await withDaemon(configuration: ["max_queued_clients = 1"]) { daemon in
            let process = try #require(daemon.processID)
            kill(process, SIGSTOP)
            defer { kill(process, SIGCONT) }
            let address = try UnixAddress(path: daemon.socketPath)
            var crowd: [OwnedSocket] = []
            var refusal: Int32 = 0
            while refusal == 0, crowd.count < 4096 {
                do throws(SystemError) {
                    crowd.append(OwnedSocket(try UnixSocket.connect(to: address, kind: .stream)))
                } catch {
                    refusal = error.code
                }
            }
            #expect(refusal == EAGAIN)
            let opening = Task { try await Connection.open(daemon.uri()) }
            // One that comes later is refused until its time is over.
            let error = await #expect(throws: LibvirtError.self) {
                try await Connection.open(daemon.uri(), deadline: .now + .milliseconds(50))
            }
            #expect(
                error?.description.contains("accepts no more clients") == true,
                "\(String(describing: error))")
            kill(process, SIGCONT)
            let connection = try await opening.value
            #expect(try await connection.hostname().isEmpty == false)
            await connection.close()
        }
    }

    private final class OwnedSocket {
        let socket: UnixSocket

        init(_ socket: consuming UnixSocket) { self.socket = socket }
    }

    @Test("over TCP too a read-only connection changes nothing")
    func readOnlyOverTCP() async throws {
        let network = TestLibvirtd.Network.tcp()
        try await withDaemon(network: network) { _ in
            let reader = try await Connection.open(
                "test+tcp://\(network.address)/default", readOnly: true)
            let domain = try await reader.lookUpDomain(name: "test")
            let error = await #expect(throws: LibvirtError.self) { try await domain.suspend() }
            #expect(error?.code == .operationDenied)
            await reader.close()
        }
    }

    @Test("whoever reacts to an event may call from there")
    func callsInEvents() async throws {
        try await withDaemon { daemon in
            let connection = try await Connection.open(daemon.uri())
            let events = try await connection.domainEvents()
            for number in 0..<50 {
                _ = try await connection.defineDomain(xml: testDomainXML("vm\(number)"))
            }
            var count = 0
            for try await notice in events {
                guard case .event(let event) = notice else { continue }
                let domain = try await connection.lookUpDomain(uuid: event.uuid)
                #expect(try await domain.xml().contains("vm\(count)<"))
                count += 1
                if count == 50 { break }
            }
            await connection.close()
        }
    }
}
