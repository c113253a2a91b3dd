internal import Glibc
internal import LibvirtRPC
internal import LinuxIO
internal import VirtwireProtocol
internal import XDR

/// What two daemons say to each other while one takes everything over from the other. All of it waits:
/// it is said on a thread of its own.
///
/// The daemon stands still, sends STATE and what belongs to it, and waits for READY. After YOURS the
/// successor puts everything back and serves nobody yet. With TAKEN everything is the successor's; without
/// it, or with KEPT, nothing is: the daemon goes on as if nothing had been. It closes its end of the socket
/// when it has ended.
///
/// Both can never serve: TAKEN is either in the daemon's socket before that takes no more, or the successor
/// cannot send it.
struct HandOverChannel: Sendable {
    let socket: MessageSocket
    /// Of the state that is passed on: the newest that both know.
    let version: UInt32

    /// How long one of the two waits for the other's next word. The daemon's frames wait as long.
    private static let patience = Duration.seconds(10)
    /// How long the successor waits for the state: looks at domains end first.
    private static let longestPreparation = Duration.seconds(60)
    /// How long the daemon waits for TAKEN. The daemon's frames wait as long.
    static let longestRestoring = Duration.seconds(20)
    /// More than a message has.
    private static let mostBytes = 64

    init(socket: MessageSocket, version: Int = VIRTWIRE_STATE_VERSION) {
        self.socket = socket
        self.version = UInt32(min(version, VIRTWIRE_STATE_VERSION))
    }

    /// Takes a socket that came with a call; nil where none did.
    ///
    /// - Parameter version: the newest that the successor knows.
    init?(_ passed: PassedDescriptors?, version: UInt32) {
        guard let descriptor = passed?.takeFirst(), (try? descriptor.status().isSocket) == true,
            let socket = try? MessageSocket(UnixSocket(adopting: descriptor))
        else { return nil }
        self.init(socket: socket, version: Int(version))
    }

    /// A message and its descriptors.
    struct Message: ~Copyable {
        let step: virtwire_hand_over_step
        let count: Int
        var descriptors: DescriptorQueue
    }

    /// As the daemon: passes everything on.
    ///
    /// - Parameter limit: how long the successor may take to put everything back.
    /// - Throws: `PortError` where the successor does not take it; then all of it is here still, and it is
    ///   certain that the successor does not serve.
    func give(
        _ frozen: FrozenState, within limit: Duration = longestRestoring
    ) throws(PortError) {
        var frozen = try frozen.withoutRepetitions()
        frozen.state.version = version
        var rest = frozen.takeDescriptors()
        var file = DescriptorQueue()
        file.append(try frozen.file())
        try say(.VIRTWIRE_HAND_OVER_STATE, rest.count, file)
        while !rest.isEmpty {
            let part = rest.popFirst(MessageSocket.mostDescriptors)
            try say(.VIRTWIRE_HAND_OVER_DESCRIPTORS, part.count, part)
        }
        let answer = try hear(within: Self.patience)
        guard answer.step == .VIRTWIRE_HAND_OVER_READY else { throw .oddStep(answer.step) }
        // Who has gone meanwhile is found out here, and everything is here still.
        try say(.VIRTWIRE_HAND_OVER_YOURS)
        // One of an earlier version says no more.
        if answer.count > 0 { try waitUntilTaken(within: limit) }
    }

    private func waitUntilTaken(within limit: Duration) throws(PortError) {
        do throws(PortError) {
            let answer = try hear(within: limit)
            guard answer.step == .VIRTWIRE_HAND_OVER_TAKEN else { throw .oddStep(answer.step) }
        } catch {
            // What the successor says from here on does not reach this process, and it knows that.
            socket.stopReceiving()
            if let last = try? hear(within: .zero), last.step == .VIRTWIRE_HAND_OVER_TAKEN {
                return
            }
            throw error
        }
    }

    /// As the daemon: has changed its mind.
    func keep() { try? say(.VIRTWIRE_HAND_OVER_KEPT) }

    /// As the successor: takes everything.
    func take() throws(PortError) -> Inheritance {
        var state = try hear(within: Self.longestPreparation)
        guard state.step == .VIRTWIRE_HAND_OVER_STATE, let file = state.descriptors.popFirst()
        else {
            throw .oddStep(state.step)
        }
        var descriptors = DescriptorQueue()
        while descriptors.count < state.count {
            let part = try hear(within: Self.patience)
            guard part.step == .VIRTWIRE_HAND_OVER_DESCRIPTORS, part.count > 0,
                part.descriptors.count == part.count
            else { throw .oddStep(part.step) }
            descriptors.append(contentsOf: part.descriptors)
        }
        var inheritance = try Inheritance(file, descriptors)
        guard inheritance.claim != nil else { throw .badState("the locks are missing") }
        try say(.VIRTWIRE_HAND_OVER_READY, 1)
        let answer = try hear(within: Self.patience)
        guard answer.step == .VIRTWIRE_HAND_OVER_YOURS else { throw .oddStep(answer.step) }
        inheritance.predecessor = self
        return inheritance
    }

    /// As the successor: has put everything back, and serves from now on.
    ///
    /// - Throws: `PortError` where the daemon goes on itself. One that is gone does not.
    func confirm() throws(PortError) {
        do throws(PortError) {
            try say(.VIRTWIRE_HAND_OVER_TAKEN)
        } catch {
            // It takes no more, because it is gone, or because it goes on.
            guard try hasGone() else { throw .oddStep(.VIRTWIRE_HAND_OVER_KEPT) }
        }
    }

    private func hasGone() throws(PortError) -> Bool {
        do throws(SystemError) {
            return try socket.receive(mostBytes: Self.mostBytes, within: Self.patience)
                .bytes.isEmpty
        } catch {
            if error.code == ECONNRESET { return true }
            throw .lostPartner(error)
        }
    }

    /// As the successor: waits until the daemon has ended, or has taken too long.
    func waitForEnd() {
        while let message = try? socket.receive(mostBytes: Self.mostBytes, within: Self.patience) {
            if message.bytes.isEmpty { return }
        }
    }

    private func say(
        _ step: virtwire_hand_over_step, _ count: Int = 0,
        _ descriptors: borrowing DescriptorQueue = DescriptorQueue()
    ) throws(PortError) {
        let message = virtwire_hand_over_message(step: step, count: UInt32(count))
        do throws(SystemError) {
            let bytes = (try? XDR.encode(message)) ?? []
            try socket.send(bytes, descriptors, within: Self.patience)
        } catch {
            throw .lostPartner(error)
        }
    }

    private func hear(within limit: Duration) throws(PortError) -> Message {
        do throws(SystemError) {
            let received = try socket.receive(mostBytes: Self.mostBytes, within: limit)
            let message = try? XDR.decode(virtwire_hand_over_message.self, from: received.bytes)
            // The end of the socket has no bytes, and is no message either.
            return Message(
                step: message?.step ?? virtwire_hand_over_step(rawValue: 0),
                count: Int(message?.count ?? 0), descriptors: received.descriptors)
        } catch {
            throw .lostPartner(error)
        }
    }
}

extension PortError {
    fileprivate static func lostPartner(_ error: SystemError) -> PortError {
        PortError(
            reason: "the other virtwired is lost: \(error)",
            remedy: "look at its log, and try again")
    }

    fileprivate static func oddStep(_ step: virtwire_hand_over_step) -> PortError {
        let what =
            switch step {
            case .VIRTWIRE_HAND_OVER_KEPT: "goes on itself"
            case virtwire_hand_over_step(rawValue: 0): "has gone"
            default: "says \(step) out of turn"
            }
        return PortError(
            reason: "the other virtwired \(what)", remedy: "look at its log, and try again")
    }
}
