internal import Foundation
internal import LinuxIO
public import Logging
internal import Synchronization

/// Gives every domain of a hypervisor the memif ports that it asks for, and keeps it so.
///
/// ### Two lifetimes
///
/// A port's socket stands as long as the *definition* that asks for it: from define to undefine, and
/// for a transient domain from start to stop; and for a grace of some seconds after, in case that the domain
/// is defined anew at once. Its link follows the *run*: while the domain runs, and
/// for the port's `linger` after, peers are served; after that, and before the first start, a peer is
/// told "domain shut off" in a DISCONNECT and let go. With `link='always'` peers are served for as
/// long as the socket stands. A daemon that stops tells peers "daemon stopping", removes its sockets
/// (nobody would answer on them) and keeps its records: the next one has the sockets back before it
/// has asked libvirt anything.
///
/// ### How
///
/// Level-triggered: an event only marks a domain. A look reads what the domain is now, compares it
/// with what stands, and makes the second equal the first. Domains are looked at one by one, several
/// at a time, again after a failure with growing pauses, and all of them after a connection, a lost
/// event and once in a while. While nothing can be asked, nothing is changed.
public final class Controller: Sendable {
    struct State {
        var domains: [VMIdentifier: ManagedDomain] = [:]
        var ledger: PresenceLedger
        var connection = ConnectionState.connecting
        var statistics = ControllerStatistics()
        /// Domains that an earlier process left something of, and that have not been seen since.
        var unseen: Set<VMIdentifier> = []
        /// Domains for which another policy is to hold although libvirt cannot be asked.
        var unasked: Set<VMIdentifier> = []
        /// Whether this process goes on with links of one that has crashed, and may be about to crash.
        var isOnProbation = false
        /// What was last heard of domains that have not been looked at since.
        var causes: [VMIdentifier: EventCause] = [:]
    }

    let host: Host
    let source: any DomainSource
    /// Which libvirt the source asks; nil where nobody says, and records may be of any.
    let uri: String?
    /// What keeps other daemons from this host's directories, while this one runs.
    let claim = Mutex<DirectoryClaim?>(nil)
    var gate: ReconcileGate { host.gate }
    let handOvers = HandOverRequests()
    /// Of those who change what was added to a domain: what one undoes is its own.
    let turns = Turns()
    /// How long looks that are under way may hold up a hand-over, or the end. One that waits for the host's
    /// disk or its account databases may last for ever, and is not to cost what others have.
    let patience: Duration
    /// How long domains may keep the daemon from beginning: what is not back by then follows.
    let restoring: Duration
    /// How long links of a process that has crashed have to stand before they are taken for sound.
    let probation: Duration
    let loop: ReconcileLoop
    let state: Mutex<State>
    private let resyncs: AsyncStream<Void>
    private let requestResync: AsyncStream<Void>.Continuation

    /// A controller that does nothing before ``run()``.
    public convenience init(
        _ configuration: HostConfiguration, source: any DomainSource, backend: any PortBackend,
        logger: Logger
    ) {
        self.init(Host(configuration, backend: backend, logger: logger), source: source)
    }

    init(
        _ host: Host, source: any DomainSource, uri: String? = nil,
        patience: Duration = .seconds(10), restoring: Duration = .seconds(5),
        probation: Duration = .seconds(10)
    ) {
        self.host = host
        self.source = source
        self.uri = uri
        self.patience = patience
        self.restoring = restoring
        self.probation = probation
        loop = ReconcileLoop(on: host.threads)
        state = Mutex(State(ledger: PresenceLedger(grace: host.configuration.orphanGrace)))
        (resyncs, requestResync) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Serves until its task is cancelled, and then takes every socket away.
    ///
    /// - Throws: `PortError` when its directories cannot be used, or another daemon uses them.
    public func run() async throws(PortError) {
        try await run { nil }
    }

    /// As ``run()``; a controller that only observes claims nothing, restores nothing, and ends
    /// without having to take anything away.
    ///
    /// - Parameters:
    ///   - inheritance: what another process has left.
    ///   - whenRestored: called when what was recorded stands again, as far as the host answers in time, and
    ///     nothing has been asked yet.
    func run(
        _ inheritance: Inheritance = Inheritance(),
        whenRestored: () throws(PortError) -> ControlServer?
    ) async throws(PortError) {
        if host.configuration.observes {
            await serve(nil)
            return
        }
        try await withTaskExecutorPreference(host.threads) { () async throws(PortError) in
            try take(inheritance)
        }
        defer { releaseClaim() }
        await restore()
        try await goOn(with: inheritance)
        async let _ = endProbation()
        let server: ControlServer?
        do throws(PortError) {
            server = try whenRestored()
        } catch {
            await end()
            throw error
        }
        await serve(server)
        if handOvers.isDone {
            server?.leave()
        } else {
            server?.stop()
            await end()
        }
    }

    private func serve(_ server: ControlServer?) async {
        // Not a part of the group, which would wait for each look however long that takes.
        let looks = Task { await loop.run { await self.timedLook(at: $0, noticed: $1) } }
        await withDiscardingTaskGroup { group in
            group.addTask { await self.listen() }
            group.addTask { await self.resync() }
            group.addTask { await self.every(self.host.configuration.pollInterval, self.poll) }
            group.addTask {
                await self.every(self.host.configuration.resyncInterval) {
                    self.requestResync.yield()
                }
            }
            if let server {
                group.addTask {
                    await self.every(self.host.configuration.pollInterval) {
                        // Not while another process takes the listeners over.
                        _ = await self.gate.pass { server.restore() }
                    }
                }
            }
            // Until the task is cancelled, or another process has everything.
            await waitForSuccessor(server)
            group.cancelAll()
            looks.cancel()
        }
        // In a task of its own: this one may be cancelled.
        await Task { await loop.waitForEnd(within: patience) }.value
    }

    /// Hears of what happens; of nothing where the records are those of another libvirt.
    private func listen() async {
        let objection = await withTaskExecutorPreference(host.threads) { claimRecords() }
        if let objection {
            handle(.disconnected(reason: "\(objection)"))
            // Until the task is cancelled.
            let (stream, _) = AsyncStream.makeStream(of: Void.self)
            for await _ in stream {}
        } else {
            await source.run { self.handle($0) }
        }
    }

    func stop() async {
        host.closeUnclaimed()
        await withDiscardingTaskGroup { group in
            for domain in state.withLock({ Array($0.domains.values) }) {
                group.addTask { await domain.stop() }
            }
        }
    }

    /// Has another policy hold from now on: every domain is looked at, and ports that it does not
    /// allow are closed; without libvirt too. Memory is limited anew where a port is opened, not under a
    /// link that stands.
    public func adopt(_ policy: HostPolicy) {
        host.policy.current = policy
        let unasked = state.withLock { state in
            state.unasked = state.connection == .connected ? [] : Set(state.domains.keys)
            return state.unasked
        }
        for vm in unasked { loop.mark(vm, .event) }
        requestResync.yield()
        source.retry()
    }

    /// Whether the daemon is up to date with everything that it has been told.
    var isSettled: Bool {
        state.withLock { $0.connection == .connected } && loop.isIdle
    }

    /// How many domains are remembered as seen.
    var presenceCount: Int { state.withLock { $0.ledger.count } }

    /// Everything, as of now.
    public func status() -> ControllerStatus {
        let ports = knownDomains.flatMap { $0.snapshot.reports(vm: $0.vm, layout: host.layout) }
        return ControllerStatus(
            connection: connection,
            ports: ports.sorted {
                ($0.domainName, $0.vm, $0.name) < ($1.domainName, $1.vm, $1.name)
            })
    }

    /// The domains that have ports, or ask for some.
    var knownDomains: [ManagedDomain] { state.withLock { Array($0.domains.values) } }

    /// Has a domain known that is not there yet.
    func expect(_ vm: VMIdentifier, name: String) {
        state.withLock { state in
            if state.domains[vm] != nil { return }
            state.domains[vm] = ManagedDomain(vm, name: name, host: host)
        }
    }

    /// Looks at a domain, and returns after that.
    func lookNow(at vm: VMIdentifier) async {
        state.withLock { $0.causes[vm] = .call }
        await loop.look(at: vm)
    }

    /// One of them.
    func domain(_ vm: VMIdentifier) -> ManagedDomain? { state.withLock { $0.domains[vm] } }

    /// Whether libvirt can be asked.
    var connection: ConnectionState { state.withLock(\.connection) }

    /// What has been done so far.
    public func statistics() -> ControllerStatistics {
        var (statistics, count) = state.withLock { ($0.statistics, $0.ledger.count) }
        host.runTimes.add(to: &statistics, count: count)
        let load = loop.load
        statistics.queueDepth = load.depth
        statistics.longestLook = load.longestLook
        statistics.longestWait = load.longestWait
        return statistics
    }

    /// Whether looks at domains have made no progress for so many seconds. Those that wait for the host's disk
    /// or its account databases would do so in another process as well, and that one would have no links.
    func isStuck(longerThan limit: Double) -> Bool {
        let load = loop.load
        return (load.longestLook > limit || load.stalled > limit)
            && host.threads.longestWait < .seconds(limit / 2)
    }

    private func handle(_ notice: SourceNotice) {
        switch notice {
        case .connected:
            host.logger.info("connected to libvirt")
            state.withLock { state in
                state.ledger.reset()
                state.connection = .connected
                state.unasked = []
                state.statistics.connects += 1
            }
            host.changes.tell(.connection)
            requestResync.yield()
        case .changed(let vm, let cause, let incident):
            host.logger.debug("event", metadata: ["vm": "\(vm)", "event": "\(cause)"])
            if let incident {
                host.runTimes.heard(incident, of: vm)
                domain(vm)?.note(incident)
            }
            state.withLock { state in
                state.statistics.add(cause)
                state.statistics.lastEvent = Date().timeIntervalSince1970
            }
            // It changes nothing that a look would find, and a guest can do it as often as it likes.
            if incident == .rebooted { return }
            state.withLock { $0.causes[vm] = cause }
            loop.mark(vm, .event)
        case .gap:
            host.logger.warning("events may have been lost; looking at every domain")
            state.withLock { $0.statistics.gaps += 1 }
            requestResync.yield()
        case .disconnected(let reason):
            let new = ConnectionState.disconnected(reason: reason)
            let isNews = state.withLock { state in
                defer { state.connection = new }
                return state.connection != new
            }
            if isNews {
                host.changes.tell(.connection)
                host.logger.warning(
                    "no connection to libvirt; nothing is changed until there is one",
                    metadata: ["reason": "\(reason)"])
            }
        }
    }

    private func timedLook(
        at vm: VMIdentifier, noticed: ContinuousClock.Instant
    ) async -> ReconcileQueue.Outcome {
        let cause = state.withLock { $0.causes.removeValue(forKey: vm) }
        let times = LookTimes(noticed: noticed, cause: cause)
        let outcome = await look(at: vm, times)
        let time = times.begun.duration(to: .now)
        state.withLock { state in
            state.statistics.lookTimes.add(time)
            state.statistics.looks[outcome.result, default: 0] += 1
        }
        return outcome
    }

    private func look(
        at vm: VMIdentifier, _ times: LookTimes
    ) async -> ReconcileQueue.Outcome {
        let reading: DomainReading?
        do throws(DomainSourceError) {
            reading = try await source.read(vm)
        } catch {
            guard case .refused(let reason) = error else {
                await lookWithoutAsking(at: vm, times)
                return .unavailable
            }
            host.logger.warning(
                "a domain cannot be read", metadata: ["vm": "\(vm)", "reason": "\(reason)"])
            return .failed(lookAgainAfter: nil)
        }
        guard let reading else { return await lookAtMissing(vm, times) }
        host.runTimes.found(vm, reading.phase, begun: times.begun)
        let domain = state.withLock { state in
            state.ledger.saw(vm)
            state.unseen.remove(vm)
            if let domain = state.domains[vm] { return domain }
            let domain = ManagedDomain(vm, name: reading.shownName, host: host)
            state.domains[vm] = domain
            return domain
        }
        let before = domain.snapshot.latencies
        guard let outcome = await reconcile(domain, reading, times) else { return .unavailable }
        let after = domain.snapshot
        let opened = after.latencies.filter { before[$0.key] != $0.value }
        if !opened.isEmpty {
            state.withLock { state in
                for time in opened.values { state.statistics.provisionTimes.add(time) }
            }
        }
        if after.isEmpty, after.conditions.isEmpty {
            // Most domains of most hosts ask for nothing, and cost nothing.
            state.withLock { state in state.domains[vm] = nil }
        }
        return outcome
    }

    func reconcile(
        _ domain: ManagedDomain, _ reading: DomainReading?, _ times: LookTimes,
        backWithin grace: Duration? = nil
    ) async -> ReconcileQueue.Outcome? {
        await gate.pass {
            await domain.reconcile(reading, backWithin: grace, times)
        }
    }

    /// Lists whenever that is asked for, and has everything looked at: what is listed, and what is
    /// known and is not.
    private func resync() async {
        for await _ in resyncs {
            do throws(DomainSourceError) {
                let listed = try await source.list(.all)
                let known = state.withLock { state in
                    for line in listed { state.ledger.saw(line.vm) }
                    return Array(state.domains.keys)
                }
                let all = Set(listed.map(\.vm)).union(known).union(host.draining.domains)
                for vm in all.union(host.inherited.domains) { loop.mark(vm, .routine) }
            } catch {
                guard case .refused(let reason) = error else { continue }
                host.logger.warning(
                    "domains cannot be listed", metadata: ["reason": "\(reason)"])
                try? await Task.sleep(for: host.configuration.pollInterval)
                requestResync.yield()
            }
        }
    }
}
