internal import LibvirtRPC
internal import LinuxIO
internal import Logging
internal import Memif
internal import Synchronization
internal import VirtwireProtocol

extension MemifPort {
    func settle(until deadline: ContinuousClock.Instant) async {
        _ = await wait(until: deadline) { !socket.isShakingHands }
    }

    /// How long the packet thread may take for what takes microseconds: one that is stuck must not keep the
    /// daemon from ending.
    private static let patience = Duration.seconds(5)

    func freeze() async throws(PortError) -> FrozenPort {
        let attachment = state.withLock { state in
            state.isFrozen = true
            let attachment = state.link?.attachment
            state.link?.attachment = nil
            if let attachment { state.earlier.addUnsent(attachment.unsentFrames) }
            return attachment
        }
        attachment?.detach()
        // The worker obeys in order: when this is done, the queues have been let go.
        guard await worker.comesRound(within: Self.patience, timers: loop) else {
            throw PortError(
                reason: "port \(state.withLock { $0.specification.path }) cannot stand still: "
                    + "the packet thread has not answered for \(Self.patience)",
                remedy: "stop and start virtwired; peers are disconnected by that")
        }
        // On the loop's own thread nothing is in the midst of being read.
        return try await loop.perform { Result(catching: self.freezeSocket) }.get()
    }

    private func freezeSocket() throws(PortError) -> FrozenPort {
        do throws(MemifError) {
            return frozenPort(try socket.freeze())
        } catch {
            throw PortError(
                reason:
                    "port \(state.withLock { $0.specification.path }) cannot stand still: \(error)",
                remedy: "try again")
        }
    }

    private func frozenPort(_ frozen: consuming FrozenSocket) -> FrozenPort {
        let descriptors = frozen.descriptors.popFirst(frozen.descriptors.count)
        let (specification, identity) = state.withLock { ($0.specification, $0.identity) }
        let traffic = traffic
        return FrozenPort(
            state: virtwire_port_state(specification, identity, frozen.links, traffic),
            descriptors: PassedDescriptors(descriptors), traffic: traffic)
    }

    /// Has it kept anew what another process needs should this one crash.
    func keepForCrash() {
        keep?(state.withLock { $0.specification.path }) { [weak self] in self?.crashState }
    }

    /// What another process needs should this one crash; nil without a link. On any thread.
    private var crashState: FrozenPort? {
        do throws(MemifError) {
            let copied = try socket.copy()
            return copied.links.isEmpty ? nil : frozenPort(copied)
        } catch {
            // One that is closed has no link to lose.
            if error.code != .closed {
                logger.warning(
                    "a crash of this process would end a link",
                    metadata: [
                        "reason": "\(error)",
                        "remedy": "leave the daemon descriptors (LimitNOFILE=)",
                    ])
            }
            return nil
        }
    }

    func thaw() {
        guard state.withLock({ $0.isFrozen }) else { return }
        // Before anybody is accepted.
        if let admission = state.withLock({ $0.nextAdmission.take() }) { admit(admission) }
        thawSocket()
        let latest = state.withLock { state in
            state.isFrozen = false
            if let link = state.link?.link, link.isUp, state.link?.attachment == nil {
                state.link?.attachment = attach(link, state.specification)
            }
            return state.nextAdmission.take()
        }
        if let latest { admit(latest) }
    }

    private func thawSocket() {
        do throws(MemifError) {
            try socket.thaw()
        } catch {
            logger.error("a port accepts nobody for a moment", metadata: ["reason": "\(error)"])
            loop.schedule(after: .seconds(1)) { [weak self] in
                guard let self, !state.withLock(\.isFrozen) else { return }
                thawSocket()
            }
        }
    }

    func abandon() {
        state.withLock { $0.isAbandoned = true }
        socket.abandon()
    }
}
