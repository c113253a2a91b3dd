internal import Logging
internal import Synchronization

/// Domains that are not found, until they are back or gone for good.
extension Controller {
    /// Looks at a domain that was not found.
    func lookAtMissing(
        _ vm: VMIdentifier, _ times: LookTimes
    ) async -> ReconcileQueue.Outcome {
        let added = host.added.ports(of: vm)
        let isPrepared = !added.isEmpty && added.allSatisfy { $0.expires != nil }
        host.runTimes.lost(vm, begun: times.begun)
        let (domain, absence) = state.withLock { state in
            let domain = state.domains[vm]
            return (domain, isRemembered(domain, vm) ? state.ledger.lacked(vm, now: .now) : .gone)
        }
        guard let domain else {
            return absence == .gone
                ? await forget(vm) : .settled(lookAgainAfter: absence.left)
        }
        // Where nothing but prepared ports stands, nothing can be removed too early.
        let canWait = !isPrepared || !domain.snapshot.lastGood.isEmpty
        if case .unsure(let left) = absence, canWait { return .settled(lookAgainAfter: left) }
        guard let outcome = await reconcile(domain, nil, times, backWithin: absence.left) else {
            return .unavailable
        }
        if domain.snapshot.isEmpty {
            state.withLock { $0.domains[vm] = nil }
            return absence == .gone
                ? await forget(vm) : .settled(lookAgainAfter: absence.left)
        }
        return outcome
    }

    /// Whether something is left of a domain, though it be a mark only.
    private func isRemembered(_ domain: ManagedDomain?, _ vm: VMIdentifier) -> Bool {
        domain != nil || host.draining.domains.contains(vm) || host.inherited.domains.contains(vm)
    }

    /// Forgets a domain that is gone, together with what another process or the operator left of it.
    private func forget(_ vm: VMIdentifier) async -> ReconcileQueue.Outcome {
        let isWanted: Void? = await gate.pass {
            if !host.inherited.names(of: vm).isEmpty { host.closeUnclaimed(of: vm, beside: []) }
        }
        if isWanted == nil { return .unavailable }
        do throws(PortError) {
            if !host.configuration.observes { try host.draining.forget(vm) }
        } catch {
            host.logger.warning(
                "a domain that is gone stays drained", metadata: ["reason": "\(error)"])
            return .failed(lookAgainAfter: nil)
        }
        state.withLock { state in
            state.ledger.forget(vm)
            if state.unseen.remove(vm) != nil { state.statistics.orphansRemoved += 1 }
        }
        return .settled(lookAgainAfter: nil)
    }
}
