internal import LinuxIO
internal import Synchronization

/// The connections of slaves, from the door to their end.
extension MasterSocket {
    /// All connections, in the order in which they came.
    var connections: [MasterConnection] {
        state.withLock { $0.connections.values.sorted { $0.id < $1.id } }
    }

    /// Keeps a connection from now on; one that comes when the socket is closed is sent away.
    ///
    /// - Parameters:
    ///   - peer: who is at the other end.
    ///   - disposal: closes what they pass.
    func keep(
        _ connected: consuming UnixSocket, of peer: PeerCredentials?, closedBy disposal: Disposal
    ) -> MasterConnection? {
        let serial = state.withLock { state in
            state.nextSerial += 1
            return state.nextSerial
        }
        let connection = MasterConnection(
            id: serial, connected, peer: peer, disposal: disposal, socket: self, loop: loop)
        let isClosed = state.withLock { state in
            if !state.isClosed {
                state.connections[serial] = connection
                state.pending.insert(serial)
            }
            return state.isClosed
        }
        guard isClosed else { return connection }
        connection.finish(
            LinkEnd(.local, DisconnectReason(.removed, "the socket is being closed")))
        return nil
    }

    /// Begins the handshake with who has connected, or sends them away.
    ///
    /// - Parameter known: who is at the other end, where the kernel knows another.
    /// - Returns: false when there is no room for anybody, and nobody is accepted for a while.
    @discardableResult
    func admit(_ connected: consuming UnixSocket, as known: PeerCredentials? = nil) -> Bool {
        let peer = known ?? (try? connected.peerCredentials())
        let disposal: Disposal
        do throws(SystemError) {
            disposal = try Disposal(of: peer?.user, on: loop)
        } catch {
            refuse(connected, LinkEnd(error))
            return false
        }
        guard let connection = keep(connected, of: peer, closedBy: disposal) else { return true }
        if let admits = options.admits, peer.map(admits) != true {
            // Who cannot be known is not let in either.
            let user = peer.map { "user \($0.user)" } ?? "a peer without credentials"
            let reason = DisconnectReason(.notPermitted, "\(user) is not admitted")
            connection.finish(LinkEnd(.refused, reason))
        } else if let problem = disposal.problem ?? crowdProblem(of: peer?.user) {
            connection.finish(problem)
        } else {
            connection.start(hello: hello, timeout: options.handshakeTimeout)
        }
        return true
    }

    /// Sends away who cannot be kept, and lets the next ones wait for a while.
    private func refuse(_ connected: consuming UnixSocket, _ end: LinkEnd) {
        if let reason = end.reasonForPeer {
            _ = try? connected.send(ControlMessage.disconnect(reason).encoded(), nil)
        }
        connected.close(by: doorkeeper)
        pauseAccepting()
    }

    /// Why one more of a user's connections, which is kept already, has to go; nil when it may stay.
    private func crowdProblem(of user: UInt32?) -> LinkEnd? {
        let (all, own) = state.withLock { state in
            let users = state.pending.map { state.connections[$0]?.peer?.user }
            return (users.count, users.count { $0 == user })
        }
        if own > options.mostPendingPerUser {
            let name = user.map { "user \($0)" } ?? "a user that the kernel does not name"
            return .limit("\(own - 1) handshakes of \(name) are going on, try again later")
        }
        guard all > options.mostPending else { return nil }
        return .limit("\(all - 1) handshakes are going on, try again later")
    }

    // MARK: For connections

    /// A connection's handshake has ended well.
    func settle(_ connection: MasterConnection) {
        state.withLock { state in _ = state.pending.remove(connection.id) }
    }

    /// A connection has ended.
    func forget(_ connection: MasterConnection, _ end: LinkEnd) {
        state.withLock { state in
            state.pending.remove(connection.id)
            guard state.connections.removeValue(forKey: connection.id) != nil else { return }
            if end.cause == .refused || end.cause == .timedOut {
                state.refused += 1
                state.lastRefusal = end
            }
        }
    }

    /// Says why a user's secret is not even looked at: they have shown too many wrong ones.
    func guessingProblem(of peer: PeerCredentials?) -> DisconnectReason? {
        state.withLock { $0.guesses.problem(of: peer?.user, at: .now) }
    }

    /// A peer has shown a wrong secret.
    func countWrongSecret(of peer: PeerCredentials?) {
        state.withLock { $0.guesses.count(peer?.user, at: .now) }
    }

    /// What slaves are told first.
    private var hello: ControlMessage.Hello {
        state.withLock { state in
            if let hello = state.hello { return hello }
            let hello = ControlMessage.Hello(
                name: options.name,
                limits: state.interfaces.values.map(\.interface.configuration.limits))
            state.hello = hello
            return hello
        }
    }
}
