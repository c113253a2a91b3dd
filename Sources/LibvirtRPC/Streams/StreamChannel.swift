internal import LibvirtProtocol
internal import Synchronization
internal import XDR

/// A stream as its link knows it: carries out what `StreamState` decides.
final class StreamChannel: Sendable {
    /// Which of a link's streams: each side numbers the calls by which it opens streams.
    struct Key: Hashable {
        let isOurs: Bool
        let serial: UInt32
    }

    /// What all packets of the stream have in common: program, version, procedure and serial.
    private let header: virNetMessageHeader
    let key: Key
    let name: String
    private let link: Link
    private let state: Mutex<StreamState>
    private let changes = WakeUps()
    private let hasSentData = Atomic(false)

    init(
        _ link: Link, _ role: StreamState.Role, header: virNetMessageHeader, name: String,
        mostBytes: Int, endsWhenFull: Bool
    ) {
        self.link = link
        self.header = header
        self.name = name
        key = Key(isOurs: role == .client, serial: header.serial)
        state = Mutex(StreamState(role, mostBytes: mostBytes, endsWhenFull: endsWhenFull))
    }

    /// Whether so much waits to be read that nothing more should be.
    var isFull: Bool { state.withLock { $0.isFull } }

    /// Whether data was sent on it, which the peer may not have found a place for yet.
    var hasSent: Bool { hasSentData.load(ordering: .relaxed) }

    /// Whether a packet of that procedure belongs to this stream.
    func fits(_ other: virNetMessageHeader) -> Bool {
        header.prog == other.prog && header.vers == other.vers && header.proc == other.proc
    }

    // MARK: - What the link tells

    func answered(isOpen: Bool) { change { $0.answered(isOpen: isOpen) } }

    func received(_ packet: StreamPacket) { change { $0.received(packet) } }

    func ended(_ failure: LinkFailure) {
        change { state in
            state.settle(.connectionLost(failure))
            return .nothing
        }
    }

    func abandon() { change { $0.abandon() } }

    func abort() { change { $0.abort() } }

    /// A server's end of the stream with an error.
    func fail(_ refusal: CallRefusal) {
        let mustTell = state.withLock { $0.abort(.failed(refusal.error)) != .nothing }
        if mustTell { write(.failure(refusal.error)) }
        link.updateReading(key, self)
        afterChange(isOver: true)
    }

    /// Changes the state, says what follows from it, and wakes who waits for it.
    private func change(_ body: (inout StreamState) -> StreamState.Answer) {
        let (answer, isOver, hasPressureChanged) = state.withLock { state in
            let wasFull = state.isFull
            let answer = body(&state)
            return (answer, state.isOver, wasFull != state.isFull)
        }
        switch answer {
        case .nothing: break
        case .abort: write(.failure(nil))
        case .confirm: write(.finish)
        }
        if hasPressureChanged { link.updateReading(key, self) }
        afterChange(isOver: isOver)
    }

    private func afterChange(isOver: Bool) {
        if isOver { link.forget(self) }
        changes.wakeAll()
        // Those that wait for room to send look for the stream's end too.
        link.roomChanges.wakeAll()
    }

    // MARK: - What its owner does

    func receive() async throws(RPCError) -> StreamItem? {
        while true {
            let (taken, hasPressureChanged) = state.withLock { state in
                let wasFull = state.isFull
                let taken = state.take()
                return (taken, wasFull != state.isFull)
            }
            if hasPressureChanged { link.updateReading(key, self) }
            switch taken {
            case .item(let item): return item
            case .end: return nil
            case .failed(let end): throw end.error(of: name)
            case .wait: break
            }
            try checkCancellation()
            await changes.wait { state.withLock { $0.hasNews } }
        }
    }

    /// Sends bytes, at most one packet of them, when there is room for them.
    func send(_ bytes: ArraySlice<UInt8>) async throws(RPCError) {
        try await waitForRoom()
        hasSentData.store(true, ordering: .relaxed)
        write(try? StreamPacket.frame(of: bytes, header))
    }

    /// Sends a hole, or the end of data, when there is room for it.
    func send(_ packet: StreamPacket) async throws(RPCError) {
        try await waitForRoom()
        write(packet)
    }

    private func waitForRoom() async throws(RPCError) {
        while true {
            if let end = state.withLock({ $0.refusal }) { throw end.error(of: name) }
            // Looked at also where there is room: who sends less than the link takes never waits.
            try checkCancellation()
            if link.hasRoom { return }
            await link.roomChanges.wait {
                link.hasRoom || state.withLock { $0.refusal != nil }
            }
        }
    }

    func finish() async throws(RPCError) {
        while true {
            let (step, isOver) = state.withLock { state in
                let step = state.finish()
                return (step, state.isOver)
            }
            switch step {
            case .done: return
            case .failed(let end): throw end.error(of: name)
            case .send:
                write(.finish)
                link.updateReading(key, self)
                if isOver { afterChange(isOver: true) }
            case .wait:
                try checkCancellation()
                await changes.wait { state.withLock { $0.isOver } }
            }
        }
    }

    private func checkCancellation() throws(RPCError) {
        guard Task.isCancelled else { return }
        throw RPCError(.cancelled(.mayHaveRun), procedure: name)
    }

    private func write(_ packet: StreamPacket) { write(try? packet.frame(header)) }

    /// Takes no frame for what no frame can be made of: all are within their limits by construction.
    private func write(_ frame: OutgoingFrame?) {
        // A link that has ended says so itself.
        if let frame { _ = link.carrier.send(frame) }
    }
}
