internal import Logging
internal import Synchronization

/// What an earlier process has left, before anything is asked.
extension Controller {
    /// Puts back what the records tell of, and finds what no record tells of.
    func restore() async {
        let start = ContinuousClock.now
        if host.draining.isHostDrained {
            host.logger.notice("the host is still being drained; virtwire drain --end ends that")
        }
        let drained = host.draining.domains.count
        if drained > 0 {
            host.logger.notice("domains are still being drained", metadata: ["count": "\(drained)"])
        }
        let found = await withTaskExecutorPreference(host.threads) { Inventory(host) }
        for record in found.records {
            for port in record.added { host.added.add(port, to: record.vm) }
        }
        let domains =
            found.records.map { ManagedDomain($0, host: host) }
            + found.leftovers.map { ManagedDomain($0, name: "", host: host, hasLeftovers: true) }
        state.withLock { state in
            for domain in domains {
                state.domains[domain.vm] = domain
                state.unseen.insert(domain.vm)
            }
        }
        await restore(domains, noticed: start)
    }

    /// Opens and writes down what could not be while another process might have gone on itself.
    func restoreRest() async { await restore(knownDomains, noticed: .now) }

    /// Opens the ports of domains, all at once. A domain for which the host's disk or account databases do
    /// not answer keeps nothing from beginning: it has its ports when they do, and no look before.
    private func restore(_ domains: [ManagedDomain], noticed: ContinuousClock.Instant) async {
        let (ends, ended) = AsyncStream.makeStream(of: VMIdentifier.self)
        let held = domains.filter { loop.hold($0.vm) }
        for domain in held {
            let ran = host.inherited.suggestRunning(domain.vm)
            // Not a part of a group, which would wait for each however long that takes.
            Task(executorPreference: host.threads) { [self] in
                await restore(domain, LookTimes(noticed: noticed, cause: .restore), ran: ran)
                loop.release(domain.vm)
                ended.yield(domain.vm)
            }
        }
        if held.isEmpty { return }
        let alarm = Task {
            try? await Task.sleep(for: restoring)
            ended.finish()
        }
        // In a task of its own: where this one is cancelled, what is being opened is to be closed after.
        let late = await Task {
            var missing = Set(held.map(\.vm))
            for await vm in ends {
                missing.remove(vm)
                if missing.isEmpty { break }
            }
            return missing
        }.value
        alarm.cancel()
        report(late: late)
    }

    private func restore(_ domain: ManagedDomain, _ times: LookTimes, ran: Bool) async {
        let wereLent = host.inherited.areLent
        _ = await gate.pass { await domain.restore(times, ran: ran) }
        guard wereLent, !host.inherited.areLent else { return }
        _ = await gate.pass {
            // So late that the other process has gone, and whoever had all ports go on has not seen these.
            for standing in domain.snapshot.ports.values { standing.port.thaw() }
            await domain.restore(LookTimes(noticed: .now, cause: .restore))
        }
    }

    /// Has the records be those of the libvirt that is asked.
    ///
    /// - Returns: why that one must not be asked.
    func claimRecords() -> PortError? {
        guard let uri, !host.configuration.observes else { return nil }
        let mark = LibvirtMark(host.layout)
        let hasRecords = !knownDomains.isEmpty || host.inherited.count > 0
        if let objection = mark.objection(to: uri, hasRecords: hasRecords) {
            host.logger.error("\(objection.reason)", metadata: ["remedy": "\(objection.remedy)"])
            return objection
        }
        do throws(PortError) {
            try mark.note(uri)
        } catch {
            host.logger.warning("\(error.reason)", metadata: ["remedy": "\(error.remedy)"])
        }
        return nil
    }

    /// Has another policy hold for a domain that cannot be asked for: of what stood, what that allows stands.
    func lookWithoutAsking(at vm: VMIdentifier, _ times: LookTimes) async {
        let domain = state.withLock { state in
            state.unasked.remove(vm) == nil ? nil : state.domains[vm]
        }
        guard let domain, !host.configuration.observes else { return }
        _ = await gate.pass { await domain.restore(times) }
    }

    private func report(late domains: Set<VMIdentifier>) {
        for vm in domains.sorted() {
            host.logger.warning(
                "the ports of a domain are not back yet, and others do not wait for them",
                metadata: [
                    "vm": "\(vm)", "domain": "\(domain(vm)?.snapshot.name.printable ?? "")",
                    "remedy": "see whether the host's disk, account databases and secrets answer",
                ])
        }
    }
}
