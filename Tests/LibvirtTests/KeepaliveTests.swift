import Glibc
import Libvirt
import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import Synchronization
import Testing

@Suite("A daemon that stands still, and pings of our own", .timeLimit(.minutes(4)))
struct KeepaliveTests {
    /// Some seconds of silence: long for a daemon that is merely slow.
    private static let policy = KeepalivePolicy(interval: .milliseconds(500), count: 4)

    /// A daemon whose process can be stopped; it goes on when the test is over, or it could not end.
    private func withStoppable(
        _ body: (_ daemon: TestLibvirtd, _ signal: (Int32) -> Void) async throws -> Void
    ) async throws {
        try await withDaemon { daemon in
            let process = try #require(daemon.processID)
            defer { kill(process, SIGCONT) }
            try await body(daemon) { kill(process, $0) }
        }
    }

    @Test("ends for its silence, and every call under way with it; without pings nothing ends")
    func connection() async throws {
        try await withStoppable { daemon, signal in
            let patient = try await Connection.open(daemon.uri())
            let connection = try await Connection.open(daemon.uri(), keepalive: Self.policy)
            let domain = try await connection.lookUpDomain(name: "test")
            #expect(connection.closure == nil)
            signal(SIGSTOP)
            // Four are on their way, and more wait behind them.
            let calls = (0..<8).map { _ in Task { try await domain.xml() } }
            let closure = try #require(await connection.waitUntilClosed())
            #expect(closure.reason == .keepalive && !closure.isDriver)
            #expect(closure.error?.isConnectionLost == true)
            #expect(!connection.isAlive)
            for call in calls {
                let error = await #expect(throws: LibvirtError.self) { try await call.value }
                #expect(error?.isConnectionLost == true)
            }
            let late = await #expect(throws: LibvirtError.self) {
                try await connection.hostname()
            }
            #expect(late?.isConnectionLost == true)
            #expect(patient.isAlive && patient.closure == nil)
            signal(SIGCONT)
            _ = try await patient.hostname()
            await patient.close()
            await connection.close()
            // The first reason counts.
            #expect(connection.closure?.reason == .keepalive)
        }
    }

    /// What the supervisor has told, and the connections that it had.
    private final class Told: Sendable {
        private struct State {
            var connections: [Connection] = []
            var reasons: [LibvirtError] = []
        }

        private let state = Mutex(State())

        var connections: [Connection] { state.withLock(\.connections) }
        var reasons: [LibvirtError] { state.withLock(\.reasons) }

        func note(_ notice: SupervisedConnection.Notice) {
            switch notice {
            case .connected(let connection):
                state.withLock { $0.connections.append(connection) }
            case .disconnected(let error): state.withLock { $0.reasons.append(error) }
            case .event, .undecodable, .gap: break
            }
        }
    }

    @Test("a supervisor tells that it is lost, and is connected when the daemon goes on")
    func supervisor() async throws {
        try await withStoppable { daemon, signal in
            let supervised = SupervisedConnection(
                daemon.uri(), keepalive: Self.policy,
                backOff: .init(first: .milliseconds(2), longest: .milliseconds(20)))
            let told = Told()
            let task = Task { await supervised.run { told.note($0) } }
            try await eventually("it is connected") { supervised.connection != nil }
            let (lost, had) = (told.reasons.count, told.connections.count)
            signal(SIGSTOP)
            try await eventually(within: .seconds(60), "it tells that there is none") {
                told.reasons.count > lost && supervised.connection == nil
            }
            let first = try #require(told.connections.last)
            #expect(first.closure?.reason == .keepalive)
            #expect(told.reasons.dropFirst(lost).first?.isConnectionLost == true)
            signal(SIGCONT)
            try await eventually(within: .seconds(60), "it is connected again") {
                told.connections.count > had && supervised.connection != nil
            }
            let second = try #require(told.connections.last)
            #expect(second !== first)
            _ = try await second.hostname()
            task.cancel()
            await task.value
        }
    }
}
