import Foundation
import Glibc
import Libvirt
import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import LinuxIO
import Synchronization
import Testing
import XDR

@Suite("A daemon that is killed and started again under load", .timeLimit(.minutes(8)))
struct RestartTests {
    /// Calls of one kind, one after the other: each must come to an end of its own, and to one only:
    /// a call that was ended twice would end the process, as its continuation is a checked one.
    private final class Load: Sendable {
        typealias Use = @Sendable (Connection, Load) async throws(LibvirtError) -> Void

        let begun = Atomic<Int>(0)
        let answered = Atomic<Int>(0)
        let failed = Atomic<Int>(0)
        /// Whether data comes that only the daemon's end will end.
        let isUnderWay = Atomic<Bool>(false)
        private let mayBeLate: Bool
        private let use: Use
        private let odd = Mutex<[LibvirtError]>([])

        /// - Parameter mayBeLate: whether the calls have a deadline that may pass.
        init(mayBeLate: Bool = false, _ use: @escaping Use) {
            self.mayBeLate = mayBeLate
            self.use = use
        }

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
                    try await use(connection, self)
                    answered.add(1, ordering: .relaxed)
                } catch {
                    failed.add(1, ordering: .relaxed)
                    if !isExpected(error) { odd.withLock { $0.append(error) } }
                }
                isUnderWay.store(false, ordering: .relaxed)
            }
        }

        private func isExpected(_ error: LibvirtError) -> Bool {
            switch error.kind {
            // A stream's own connection, for which the daemon was gone too soon.
            case .unreachable: true
            case .call(let call):
                if case .deadlineExceeded = call.kind { mayBeLate } else { error.isConnectionLost }
            default: false
            }
        }

        func expectEnded() {
            let ended = answered.load(ordering: .relaxed) + failed.load(ordering: .relaxed)
            #expect(begun.load(ordering: .relaxed) == ended)
            #expect(oddFailures.filter { !$0.contains("cancelled") } == [])
        }
    }

    /// Whoever calls while the daemon comes and goes.
    private struct Callers {
        /// Short calls, many at once.
        let lists = Load { (connection, _) throws(LibvirtError) in
            _ = try await connection.listAllDomains()
        }
        /// Calls with hardly any time.
        let hurried = Load(mayBeLate: true) { (connection, _) throws(LibvirtError) in
            try await Connection.withDeadline(.now + .milliseconds(1)) {
                () async throws(LibvirtError) in
                _ = try await connection.listAllDomains()
            }
        }
        /// A call over a connection of its own that lasts until the daemon dies.
        let aside: Load
        /// A download that nobody reads to its end before the daemon dies.
        let download: Load
        private let supervised: SupervisedConnection
        private let storage: SupervisedConnection
        private var tasks: [Task<Void, Never>] = []

        /// - Parameters:
        ///   - pipe: a named pipe that somebody holds open and into which nobody writes.
        ///   - volume: the path of a volume that is longer than what sockets hold.
        init(
            _ supervised: SupervisedConnection, storage: SupervisedConnection,
            pipe: String, volume: String
        ) {
            self.supervised = supervised
            self.storage = storage
            aside = Load { (connection, _) throws(LibvirtError) in
                _ = try await connection.call(
                    Remote.DOMAIN_RESTORE, .init(from: XDRString(pipe)))
            }
            download = Load { (connection, load) throws(LibvirtError) in
                let found = try await connection.lookUpStorageVolume(path: volume)
                let stream = try await found.download()
                _ = try await stream.receive()
                load.isUnderWay.store(true, ordering: .relaxed)
                _ = await connection.waitUntilClosed()
                while try await stream.receive() != nil {}
                try await stream.finish()
            }
        }

        mutating func start() {
            let (lists, hurried, aside, download) = (lists, hurried, aside, download)
            let (supervised, storage) = (supervised, storage)
            for _ in 0..<6 { tasks.append(Task { await lists.run(supervised) }) }
            tasks.append(Task { await hurried.run(supervised) })
            tasks.append(Task { await aside.run(supervised) })
            tasks.append(Task { await download.run(storage) })
        }

        func end() async {
            for task in tasks { task.cancel() }
            for task in tasks { await task.value }
            for load in [lists, hurried, aside, download] { load.expectEnded() }
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
            case .event, .undecodable, .disconnected: break
            }
        }
    }

    /// A volume in a pool that every daemon to come starts by itself.
    private func makeVolume(_ daemon: TestLibvirtd) async throws -> String {
        let directory = daemon.directory + "/pool"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: false)
        let connection = try await Connection.open(daemon.uri("storage", "/system"))
        let pool = try await connection.defineStoragePool(
            xml: """
                <pool type='dir'><name>files</name>
                <target><path>\(directory)</path></target></pool>
                """)
        try await pool.create()
        try await pool.setAutostart(true)
        let volume = try await pool.createStorageVolume(
            xml: """
                <volume><name>disk</name><capacity>\(64 << 20)</capacity>
                <allocation>0</allocation><target><format type='raw'/></target></volume>
                """)
        await connection.close()
        return volume.key
    }

    private func supervised(_ uri: String, _ events: [EventSelection]) -> SupervisedConnection {
        SupervisedConnection(
            uri, events: events,
            backOff: .init(first: .milliseconds(2), longest: .milliseconds(20)))
    }

    /// Whether the daemon reads from a file.
    private func isReading(_ daemon: TestLibvirtd, _ path: String) -> Bool {
        guard let process = daemon.processID else { return false }
        let manager = FileManager.default
        let directory = "/proc/\(process)/fd"
        let numbers = (try? manager.contentsOfDirectory(atPath: directory)) ?? []
        return numbers.contains { number in
            (try? manager.destinationOfSymbolicLink(atPath: "\(directory)/\(number)")) == path
        }
    }

    @Test("a hundred times: no call hangs, and every subscription lives on")
    func hundred() async throws {
        try await withDaemon { daemon in
            let pipe = daemon.directory + "/pipe"
            // SAFETY: the path lives through both calls.
            #expect(unsafe mkfifo(pipe, 0o600) == 0)
            let writer = OwnedDescriptor(adopting: unsafe open(pipe, O_RDWR | O_CLOEXEC))
            let volume = try await makeVolume(daemon)
            let supervised = supervised(daemon.uri(), [.domains(), .networks()])
            let storage = self.supervised(daemon.uri("storage", "/system"), [])
            let notices = Notices()
            let supervisors = [
                Task { await supervised.run { await notices.note($0) } },
                Task { await storage.run { _ in } },
            ]
            var callers = Callers(supervised, storage: storage, pipe: pipe, volume: volume)
            callers.start()
            for round in 0..<100 {
                try await self.round(round, supervised, notices, callers)
                try await eventually("a long call and a download are under way in \(round)") {
                    isReading(daemon, pipe)
                        && callers.download.isUnderWay.load(ordering: .relaxed)
                }
                daemon.kill()
                try await daemon.start()
            }
            await callers.end()
            for supervisor in supervisors { supervisor.cancel() }
            for supervisor in supervisors { await supervisor.value }
            #expect(await notices.gaps >= 99)
            // Every death has met one of each.
            #expect(callers.aside.failed.load(ordering: .relaxed) >= 100)
            #expect(callers.download.failed.load(ordering: .relaxed) >= 100)
            // What the daemon reads for nobody any more ends here, or it would be slow to stop.
            _ = consume writer
        }
    }

    /// What happens between two deaths of the daemon.
    private func round(
        _ round: Int, _ supervised: SupervisedConnection, _ notices: Notices, _ callers: Callers
    ) async throws {
        try await eventually("connection \(round) stands") {
            await notices.connections == round + 1
        }
        let before = callers.lists.answered.load(ordering: .relaxed)
        let hurriedBefore = callers.hurried.begun.load(ordering: .relaxed)
        try await eventually("calls are answered in round \(round)") {
            callers.lists.answered.load(ordering: .relaxed) > before + 5
                && callers.hurried.begun.load(ordering: .relaxed) > hurriedBefore
        }
        let connection = try #require(supervised.connection)
        _ = try await connection.defineDomain(xml: testDomainXML("vm\(round)"))
        _ = try await connection.defineNetwork(
            xml: "<network><name>net\(round)</name></network>")
        try await eventually("both events of round \(round) have come") {
            await notices.names.isSuperset(of: ["vm\(round)", "net\(round)"])
        }
    }
}
