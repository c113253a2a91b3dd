import Libvirt
import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import Synchronization
import Testing
import XDR

@Suite("A supervisor that is refused", .timeLimit(.minutes(2))) struct SupervisorTests {
    /// Reasons for which there was no connection, in order.
    private final class Reasons: Sendable {
        private let all = Mutex<[LibvirtError]>([])

        var list: [LibvirtError] { all.withLock(\.self) }

        func note(_ notice: SupervisedConnection.Notice) {
            if case .disconnected(let error) = notice { all.withLock { $0.append(error) } }
        }
    }

    private func supervised(
        _ uri: String, refused: Duration?, authentication: AuthenticationOptions = .init()
    ) -> SupervisedConnection {
        SupervisedConnection(
            uri, authentication: authentication,
            backOff: .init(
                first: .milliseconds(1), longest: .milliseconds(5), refused: refused))
    }

    @Test("a wrong password is tried once, and then it gives up")
    func givesUp() async throws {
        try await withFake { daemon in
            _ = FakeSASL(daemon, mechanisms: "SCRAM-SHA-256", password: "right")
            let supervised = supervised(
                daemon.uri, refused: nil, authentication: AuthenticationTests.options())
            let reasons = Reasons()
            await supervised.run { reasons.note($0) }
            #expect(reasons.list.count == 1)
            #expect(reasons.list.first?.isRefusal == true)
            #expect(daemon.calls.count { $0 == "AUTH_SASL_START" } == 1)
            guard case .refused(let error) = supervised.state else {
                Issue.record("it is \(supervised.state)")
                return
            }
            #expect(error.description.contains("refused the login of \"fred\""))
        }
    }

    @Test("or it waits long, which its state says, and ends when it is told to")
    func waitsLong() async throws {
        try await withFake { daemon in
            daemon.serve(Remote.CONNECT_OPEN) { _ throws(CallRefusal) in
                throw CallRefusal(.accessDenied, "access denied", domain: .access)
            }
            let supervised = supervised(daemon.uri, refused: .seconds(300))
            #expect(supervised.connection == nil)
            let reasons = Reasons()
            let task = Task { await supervised.run { reasons.note($0) } }
            try await eventually("it waits") {
                if case .waiting = supervised.state { true } else { false }
            }
            guard case .waiting(let error, let end) = supervised.state else { return }
            #expect(error.code == .accessDenied && error.isRefusal)
            #expect(end > .now + .seconds(200))
            task.cancel()
            await task.value
            #expect(reasons.list.count == 1)
            guard case .idle = supervised.state else {
                Issue.record("it is \(supervised.state)")
                return
            }
        }
    }

    @Test("what is refused, and what may pass")
    func kinds() async throws {
        for uri in [
            "no uri", "qemu+carrier-pigeon:///system", "qemu+tls://host/system?no_verify=yes",
            "qemu+tls://127.9.8.7:1/system?pkipath=/nowhere",
            "qemu+unix:///system?socket=/" + String(repeating: "x", count: 120),
        ] {
            let supervised = supervised(uri, refused: nil)
            let reasons = Reasons()
            await supervised.run { reasons.note($0) }
            #expect(reasons.list.count == 1, "\(uri)")
        }
        // Nobody listens: somebody may soon.
        let supervised = supervised("test+unix:///default?socket=/nowhere/sock", refused: nil)
        let reasons = Reasons()
        let task = Task { await supervised.run { reasons.note($0) } }
        try await eventually("it tries again") { reasons.list.count > 2 }
        task.cancel()
        await task.value
        #expect(reasons.list.allSatisfy { !$0.isRefusal })
    }

    @Test("a source of credentials that is out of reach for a while is asked again")
    func sourceFails() async throws {
        try await withFake { daemon in
            _ = FakeSASL(daemon, mechanisms: "SCRAM-SHA-256")
            let asked = Mutex(0)
            let options = AuthenticationOptions { _ in
                let count = asked.withLock { count in
                    count += 1
                    return count
                }
                if count < 3 { throw CancelledVault() }
                return Credentials(name: "fred", password: "secret")
            }
            let supervised = supervised(daemon.uri, refused: nil, authentication: options)
            let task = Task { await supervised.run { _ in } }
            try await eventually("it is connected") { supervised.connection != nil }
            // The daemon comes back, and nobody is asked again.
            daemon.disconnectClients()
            try await eventually("it is connected again") {
                daemon.calls.count { $0 == "CONNECT_OPEN" } > 1 && supervised.connection != nil
            }
            #expect(asked.withLock(\.self) == 3)
            task.cancel()
            await task.value
        }
    }

    private struct CancelledVault: Error {}

    @Test("a daemon that lets it in and dies of it is tried ever more slowly")
    func dying() async throws {
        try await withFake { daemon in
            let supervised = SupervisedConnection(
                daemon.uri, backOff: .init(first: .milliseconds(1), longest: .seconds(60)))
            let task = Task {
                await supervised.run { notice in
                    if case .connected = notice { daemon.disconnectClients() }
                }
            }
            try await eventually("its waits grow") {
                guard case .waiting(_, let until) = supervised.state else { return false }
                return until > .now + .milliseconds(500)
            }
            task.cancel()
            await task.value
        }
    }

    @Test("it comes back although nobody wants events")
    func withoutEvents() async throws {
        try await withFake { daemon in
            let supervised = SupervisedConnection(
                daemon.uri, events: [],
                backOff: .init(first: .milliseconds(1), longest: .milliseconds(5)))
            let task = Task { await supervised.run { _ in } }
            try await eventually("it is connected") { supervised.connection != nil }
            daemon.disconnectClients()
            try await eventually("it is connected again") {
                daemon.calls.count { $0 == "CONNECT_OPEN" } > 1 && supervised.connection != nil
            }
            task.cancel()
            await task.value
        }
    }
}
