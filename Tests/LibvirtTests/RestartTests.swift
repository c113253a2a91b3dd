import Libvirt
import LibvirtTesting
import Synchronization
import Testing

@Suite("A daemon that is killed and started again under load", .timeLimit(.minutes(8)))
struct RestartTests {
    /// Calls without a deadline: each must come to an end of its own.
    private final class Load: Sendable {
        let begun = Atomic<Int>(0)
        let answered = Atomic<Int>(0)
        let failed = Atomic<Int>(0)
        private let odd = Mutex<[LibvirtError]>([])

        /// Failures that are something else than a lost connection.
        var oddFailures: [String] { odd.withLock { $0.map(\.description) } }

        func run(_ supervised: SupervisedConnection) async {
            while !Task.isCancelled {
                guard let connection = supervised.connection else {
                    await Task.yield()
                    continue
                }
                begun.add(1, ordering: .relaxed)
                do {
                    _ = try await connection.listAllDomains()
                    answered.add(1, ordering: .relaxed)
                } catch {
                    failed.add(1, ordering: .relaxed)
                    if !error.isConnectionLost { odd.withLock { $0.append(error) } }
                }
            }
        }
    }

    /// What the supervisor has told.
    private actor Notices {
        private(set) var connections = 0
        private(set) var gaps = 0
        private(set) var names: Set<String> = []

        func note(_ notice: SupervisedConnection.Notice) {
            switch notice {
            case .connected: connections += 1
            case .gap: gaps += 1
            case .event(.domain(let event)): names.insert(event.name)
            case .event(.network(let event)): names.insert(event.name)
            case .event, .disconnected: break
            }
        }
    }

    @Test("a hundred times: no call hangs, and every subscription lives on")
    func hundred() async throws {
        try await withDaemon { daemon in
            let supervised = SupervisedConnection(
                daemon.uri(), events: [.domains(), .networks()],
                backOff: .init(first: .milliseconds(2), longest: .milliseconds(20)))
            let notices = Notices()
            let supervisor = Task { await supervised.run { await notices.note($0) } }
            let load = Load()
            let callers = (0..<6).map { _ in Task { await load.run(supervised) } }
            for round in 0..<100 {
                try await eventually("connection \(round) stands") {
                    await notices.connections == round + 1
                }
                let before = load.answered.load(ordering: .relaxed)
                try await eventually("calls are answered in round \(round)") {
                    load.answered.load(ordering: .relaxed) > before + 5
                }
                let connection = try #require(supervised.connection)
                _ = try await connection.defineDomain(xml: testDomainXML("vm\(round)"))
                _ = try await connection.defineNetwork(
                    xml: "<network><name>net\(round)</name></network>")
                try await eventually("both events of round \(round) have come") {
                    await notices.names.isSuperset(of: ["vm\(round)", "net\(round)"])
                }
                daemon.kill()
                try await daemon.start()
            }
            for caller in callers { caller.cancel() }
            for caller in callers { await caller.value }
            supervisor.cancel()
            await supervisor.value
            let begun = load.begun.load(ordering: .relaxed)
            let answered = load.answered.load(ordering: .relaxed)
            let failed = load.failed.load(ordering: .relaxed)
            #expect(begun == answered + failed)
            #expect(load.oddFailures.filter { !$0.contains("cancelled") } == [])
            #expect(await notices.gaps >= 99)
        }
    }
}
