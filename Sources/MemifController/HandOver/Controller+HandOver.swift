internal import LibvirtRPC
internal import LinuxIO
internal import Logging
internal import Synchronization
internal import VirtwireProtocol
internal import XDR

extension Controller {
    /// Claims this host's directories, and takes over what another process has left. It waits for the disk.
    func take(_ inheritance: Inheritance) throws(PortError) {
        var claimed: DirectoryClaim? = try DirectoryClaim(host, inheritance.claim)
        claim.withLock { $0 = claimed.take() }
        host.inherited.lend(inheritance.predecessor != nil)
        // It may have been told to drain, or to end that, after this one first looked.
        try host.draining.readAgain()
        let ports = inheritance.ports.claimAll()
        let isKept = inheritance.store != nil && inheritance.predecessor == nil
        let limit =
            inheritance.isFromCrash ? AdoptionAttempts.mostAfterCrash : AdoptionAttempts.most
        if isKept, !AdoptionAttempts(host.layout).begin(limit: limit) {
            host.logger.error(
                "what the service manager has kept is dropped, and links with it",
                metadata: [
                    "reason": inheritance.isFromCrash
                        ? "the process that went on with it after a crash has ended like that too"
                        : "\(limit) processes that began with it have ended",
                    "ports": "\(ports.count)",
                ])
            return
        }
        state.withLock { $0.isOnProbation = inheritance.isFromCrash && !ports.isEmpty }
        host.inherited.add(ports)
    }

    /// Serves what another process has left and what stands again by now, unless the other goes on itself:
    /// then this one has touched nothing, and leaves everything as it was.
    func goOn(with inheritance: Inheritance) async throws(PortError) {
        do throws(PortError) {
            try await inheritance.confirm()
        } catch {
            abandon()
            if let claim = claim.withLock({ $0.take() }) { claim.leave() }
            throw error
        }
        host.inherited.lend(false)
        for port in standingPorts { port.thaw() }
        claim.withLock { $0?.own() }
        if inheritance.predecessor != nil { await restoreRest() }
        if inheritance.predecessor != nil || inheritance.store != nil { note(.tookOver) }
        await inheritance.forget()
        if !state.withLock(\.isOnProbation) { AdoptionAttempts(host.layout).end() }
        keepForCrash()
        await inheritance.waitForPredecessor()
        do throws(PortError) {
            // Until it has ended it may be told to drain, or to end that.
            try host.draining.readAgain()
        } catch {
            host.logger.warning(
                "what was last read holds", metadata: ["reason": "\(error)"])
        }
    }

    /// Has the service manager keep, from now on, what another process needs should this one crash.
    private func keepForCrash() {
        guard let crashes = host.crashes else { return }
        // What no port has been opened for yet, too.
        for path in host.inherited.specifications.map(\.path) {
            crashes.note(path, isNews: false) { [inherited = host.inherited] in
                inherited.copy(at: path)
            }
        }
        crashes.open()
    }

    /// Waits until links of a process that has crashed have not had this one crash, or hang: what ended that may
    /// stand in their memory still, and would end each that follows.
    func endProbation() async {
        guard state.withLock(\.isOnProbation) else { return }
        try? await Task.sleep(for: probation)
        // One that hangs is ended by its watchdog, and that takes longer.
        await host.backend.comeRound()
        if !Task.isCancelled { AdoptionAttempts(host.layout).end() }
    }

    /// Adds a line about everything that stands to the audit log.
    private func note(_ kind: AuditEvent.Kind, _ ports: Int? = nil) {
        var event = AuditEvent(kind)
        event.ports = ports ?? standingPorts.count
        host.audit.noteLater(event)
    }

    /// Gives this host's directories free, unless another process has them.
    func releaseClaim() {
        claim.withLock { claim in
            guard let claim = claim.take() else { return }
            if handOvers.isDone { claim.leave() }
        }
    }

    /// Leaves everything to another process, or goes on.
    ///
    /// - Returns: whether the other has it.
    func handOver(over channel: HandOverChannel, _ server: ControlServer?) async -> Bool {
        let start = ContinuousClock.now
        do throws(PortError) {
            guard await gate.shut(within: patience) else { throw .endlessLook }
            let frozen = try await freeze(with: try claimed(server))
            try await Self.onThread { () throws(PortError) in try channel.give(frozen) }
            abandon()
            // Nobody is answered here any more: what was changed now would be lost.
            server?.leave()
            handOvers.end(isDone: true)
            note(.handedOver, frozen.state.ports.count)
            host.logger.notice(
                "another process goes on with everything",
                metadata: [
                    "ports": "\(frozen.state.ports.count)",
                    "microseconds": "\(start.duration(to: .now).microseconds)",
                ])
            return true
        } catch {
            thaw()
            gate.open()
            channel.keep()
            handOvers.end(isDone: false)
            host.logger.warning(
                "no hand-over; this process goes on",
                metadata: ["reason": "\(error.reason)", "remedy": "\(error.remedy)"])
            return false
        }
    }

    /// Returns when the task is cancelled, or another process has everything.
    func waitForSuccessor(_ server: ControlServer?) async {
        for await channel in handOvers.channels {
            if await handOver(over: channel, server) { return }
        }
    }

    /// Leaves everything to the service manager where it keeps that, and else takes it away.
    func end() async {
        // This one has not crashed.
        AdoptionAttempts(host.layout).end()
        // In a task of its own: this one is cancelled, and would not wait for slaves that are connecting.
        if let store = host.store, await Task(operation: { await leave(to: store) }).value {
            return
        }
        // A look that has lasted until now, and comes here, opens nothing any more.
        gate.lock()
        await stop()
        host.logger.info("stopped; records are kept, sockets are removed")
    }

    /// Leaves everything to the service manager, for the next process of this service.
    ///
    /// - Returns: whether it has it.
    func leave(to store: DescriptorStore) async -> Bool {
        do throws(PortError) {
            // Looks have had their time before; this is for those whose task has ended just now.
            if await !gate.shut(within: .milliseconds(500)) {
                host.logger.warning("a look does not end; its domain is left as it was before it")
            }
            gate.lock()
            // Before anything stands still. The manager does not take a file that it has already.
            await host.crashes?.end()
            let frozen = try await freeze(with: nil)
            try await Self.onThread { () throws(PortError) in try store.keep(frozen) }
            abandon()
            note(.leftToManager, frozen.state.ports.count)
            host.logger.notice(
                "the service manager keeps everything for the next process",
                metadata: ["ports": "\(frozen.state.ports.count)"])
            return true
        } catch {
            thaw()
            host.logger.warning(
                "the service manager keeps nothing",
                metadata: ["reason": "\(error.reason)", "remedy": "\(error.remedy)"])
            return false
        }
    }

    /// Has every port stand still, until `thaw` or `abandon`. The gate is shut before.
    func freeze(with claim: PassedDescriptors?) async throws(PortError) -> FrozenState {
        // Together no longer than this, whoever is slow on purpose.
        let deadline = ContinuousClock.now + .milliseconds(500)
        for port in standingPorts { await port.settle(until: deadline) }
        for domain in knownDomains { domain.strikeOutRemoved() }
        var frozen = FrozenState(claim: claim)
        for state in knownDomains.map(\.snapshot) {
            for (name, standing) in state.ports {
                var port = try await standing.port.freeze()
                port.condition = state.conditions[name]
                frozen.append(port)
            }
        }
        for port in try host.inherited.frozen() { frozen.append(port) }
        return frozen
    }

    /// Has ports go on after `freeze`, however far that came.
    func thaw() {
        for port in standingPorts { port.thaw() }
    }

    /// Lets go of everything after `freeze`: another process has it.
    func abandon() {
        for port in standingPorts { port.abandon() }
        host.inherited.abandon()
        gate.lock()
    }

    private var standingPorts: [any Port] {
        knownDomains.flatMap { domain in domain.snapshot.ports.values.map(\.port) }
    }

    /// What keeps others from this host's directories: see ``Inheritance/claim``.
    private func claimed(_ server: ControlServer?) throws(PortError) -> PassedDescriptors? {
        guard let server else { return nil }
        do throws(SystemError) {
            let locks = try claim.withLock { (claim) throws(SystemError) in
                try claim?.duplicate()
            }
            guard var descriptors = locks else { return nil }
            descriptors.append(contentsOf: try server.duplicateListeners())
            return PassedDescriptors(descriptors)
        } catch {
            throw .noDescriptors(error)
        }
    }

    static func onThread(
        _ body: @escaping @Sendable () throws(PortError) -> Void
    ) async throws(PortError) {
        let outcome: Result<Void, PortError>
        do throws(SystemError) {
            outcome = try await Thread.perform(name: "hand-over") { Result(catching: body) }
        } catch {
            throw .noDescriptors(error)
        }
        try outcome.get()
    }
}

extension PortError {
    fileprivate static var endlessLook: PortError {
        PortError(
            reason: "a look at a domain has not ended in time",
            remedy: "see whether the host's disk and account databases answer, and try again")
    }
}
