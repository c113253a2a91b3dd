public import LinuxIO
internal import Synchronization

/// A socket and its links go from one process to another, and the slaves notice nothing.
///
/// The one that goes has its workers let the queues go, then calls `freeze()` and passes what it gets. The
/// one that comes makes a frozen `MasterSocket` of the listener, adds the interfaces, and calls `resume` for
/// each link. Up to here nothing is final: the second can call `abandon()` and the first `thaw()`, and no
/// slave has noticed anything. Or the second says that it has what it needs and calls `thaw()`, and the first
/// calls `abandon()`. Never do both serve.
extension MasterSocket {
    /// Whether a slave is in the midst of the handshake. `freeze()` would send it away, and it may be one
    /// that never tries again.
    public var isShakingHands: Bool {
        state.withLock { !$0.pending.isEmpty || $0.channelsToBegin > 0 }
    }

    /// Stands still: nobody is accepted, and nothing that a slave says is read, until `thaw()`. Frames
    /// wait in their rings. Slaves in the midst of the handshake are sent away, to come again.
    ///
    /// - Returns: what another process needs; all descriptors are of its own.
    /// - Throws: `MemifError`: `.queuesTaken` while a queue is still held, `.closed`, or `.system` when
    ///   descriptors run out. Then it goes on as before, unless it is closed.
    public func freeze() throws(MemifError) -> FrozenSocket {
        var frozen = FrozenSocket()
        do throws(MemifError) {
            frozen.descriptors.append(try freezeListener())
            for connection in connections { try connection.freeze(into: &frozen) }
        } catch {
            try thaw()
            throw error
        }
        return frozen
    }

    /// What another process needs should this one end without a word, as in a crash. Nothing stands still,
    /// and it holds until the listener or a link changes.
    ///
    /// The other makes a frozen `MasterSocket` of it, as after `freeze()`, and calls `MemifLink.wakePeer()`
    /// for each link. It goes on where each ring's index in shared memory stands, which this end had
    /// published last. So frames that were received in place and not released are received again, and so
    /// are those of a burst that a crash has cut short. Frames that had been received whole and not
    /// handled are lost with the process, and so are those that were not published. A slave finds no half of
    /// one; but buffers that such a frame was put into are only as long as it was until the slave has them
    /// back, and a longer frame takes several.
    ///
    /// - Returns: the links that are up; all descriptors are of its own.
    /// - Throws: `MemifError`: `.closed`, or `.system` when descriptors run out.
    public func copy() throws(MemifError) -> FrozenSocket {
        var copied = FrozenSocket()
        copied.descriptors.append(try duplicateListener())
        for connection in connections { try connection.copy(to: &copied) }
        return copied
    }

    /// Goes on after `freeze()`, as when the other process has failed.
    ///
    /// - Throws: `MemifError` with `.system` when the listener cannot be watched: links go on, and nobody
    ///   else is accepted. It can be tried again.
    public func thaw() throws(MemifError) {
        let failed = state.withLock { exchange(&$0.failed, with: []) }
        for (connection, end) in failed { connection.finish(end) }
        for connection in connections { connection.thaw() }
        do throws(SystemError) {
            try thawListener()
        } catch {
            throw MemifError(error)
        }
    }

    /// Ends it after `freeze()`, without a word to the slaves and with the socket file left where it is:
    /// another process goes on with it.
    public func abandon() {
        state.withLock { $0.failed = [] }
        for connection in connections { connection.abandon() }
        abandonListener()
        close()
    }

    /// Goes on with a link that another process has frozen. Its interface must have been added. On a socket
    /// that stands still nothing that the slave says is read, and it is told nothing, before `thaw()`: the
    /// caller has no queue taken until then.
    ///
    /// - Parameter descriptors: those that belong to the link: see `LinkRecord`.
    /// - Throws: `LinkEnd`: why it cannot be. The slave is told, and may connect anew.
    public func resume(
        _ record: LinkRecord, _ descriptors: consuming DescriptorQueue
    ) throws(LinkEnd) -> MemifLink {
        guard let descriptor = descriptors.popFirst() else {
            throw .violation("a link without a control socket")
        }
        let peer = record.peer
        let kept = keep(
            try Self.connected(descriptor), of: peer, closedBy: try disposal(of: peer))
        guard let connection = kept else {
            throw LinkEnd(.local, DisconnectReason(.removed, "the socket is being closed"))
        }
        do throws(LinkEnd) {
            guard let interface = interface(id: record.terms.id) else {
                throw LinkEnd(
                    .refused,
                    DisconnectReason(
                        .unknownInterface, "no interface has id \(record.terms.id)"))
            }
            let link = try connection.resume(record, descriptors, as: interface)
            if !isFrozen { connection.thaw() }
            return link
        } catch {
            let isFrozen = isFrozen
            if isFrozen { state.withLock { $0.failed.append((connection, error)) } }
            if !isFrozen { connection.finish(error) }
            throw error
        }
    }

    /// Whether it has a listener and accepts nobody.
    private var isFrozen: Bool { state.withLock { $0.listener != nil && $0.watch == nil } }

    private func disposal(of peer: PeerCredentials?) throws(LinkEnd) -> Disposal {
        do throws(SystemError) {
            return try Disposal(of: peer?.user, on: loop)
        } catch {
            throw MasterConnection.end(of: error)
        }
    }

    private static func connected(
        _ descriptor: consuming OwnedDescriptor
    ) throws(LinkEnd) -> UnixSocket {
        do throws(SystemError) {
            return try UnixSocket(adopting: descriptor)
        } catch {
            throw MasterConnection.end(of: error)
        }
    }
}
