public import LinuxIO
internal import Synchronization

/// The listener: where it comes from, where it goes, and whom it brings.
extension MasterSocket {
    /// Listens at an address. A socket file appears whole, with its mode, and is removed at the end;
    /// one that a dead process left behind is replaced.
    ///
    /// - Parameters:
    ///   - namespace: the network namespace in which an abstract address is meant; nil for our own.
    ///   - mode: the file's permission bits.
    /// - Throws: `MemifError` with `.system`: EADDRINUSE when somebody listens there, EEXIST when
    ///   something else stands there, EACCES for a directory that may not be written, and so on.
    public static func listen(
        at address: UnixAddress, in namespace: NetworkNamespace? = nil, mode: UInt32 = 0o660,
        on loop: EventLoop, options: Options = Options()
    ) throws(MemifError) -> MasterSocket {
        do throws(SystemError) {
            let socket = try make(at: address, in: namespace, mode, loop, options)
            socket.state.withLock { $0.address = address }
            return socket
        } catch {
            throw MemifError(error)
        }
    }

    private static func make(
        at address: UnixAddress, in namespace: NetworkNamespace?, _ mode: UInt32, _ loop: EventLoop,
        _ options: Options
    ) throws(SystemError) -> MasterSocket {
        if address.isAbstract {
            if let namespace {
                return try make(namespace.listen(at: address, kind: .messages), loop, options)
            }
            return try make(UnixListener.bind(to: address, kind: .messages), loop, options)
        }
        switch try SocketFile.probe(address.name) {
        case .absent, .stale: break
        case .live: throw SystemError(code: 98, operation: "listen on", subject: address.name)
        case .foreign:
            throw SystemError(code: 17, operation: "put a socket at", subject: address.name)
        }
        return try make(at: address.name, mode, loop, options)
    }

    private static func make(
        at path: String, _ mode: UInt32, _ loop: EventLoop, _ options: Options
    ) throws(SystemError) -> MasterSocket {
        var identity: FileIdentity?
        let listener = try SocketFile.listenUnlessTaken(
            at: path, kind: .messages, mode: mode, identity: &identity)
        do throws(SystemError) {
            let socket = try make(listener, loop, options)
            socket.state.withLock { $0.file = identity.map { (path, $0) } }
            return socket
        } catch {
            if let identity { SocketFile.remove(path, ifStill: identity) }
            throw error
        }
    }

    private static func make(
        _ listener: consuming UnixListener, _ loop: EventLoop, _ options: Options
    ) throws(SystemError) -> MasterSocket {
        do throws(MemifError) {
            let socket = try MasterSocket(listener, on: loop, options: options)
            socket.state.withLock { $0.isOurs = true }
            return socket
        } catch {
            throw error.systemError ?? SystemError(code: 22, operation: "watch a listener")
        }
    }

    /// Listens with another socket from now on, as when the file of the first was taken away. Links
    /// that stand, and handshakes that go on, are not concerned; who waits to be accepted by the old
    /// one is disconnected. The new one's socket file is not removed at the end.
    ///
    /// - Throws: `MemifError`: `.closed`, or `.system` when the loop cannot watch it: then the old
    ///   one listens on.
    public func replaceListener(_ listener: consuming UnixListener) throws(MemifError) {
        var new: UnixListener? = listener
        var old: UnixListener?
        let wasShared = state.withLock { !$0.isOurs }
        try state.withLock { state throws(MemifError) in
            guard !state.isClosed else { throw MemifError(.closed, "the memif socket is closed") }
            let watch: EventLoop.Watch?
            do throws(SystemError) {
                watch = try new?.watch(on: loop) { [weak self] in self?.acceptAll() }
            } catch {
                throw MemifError(error)
            }
            if let old = state.watch { state.listener?.cancel(old, on: loop) }
            state.watch = watch
            old = state.listener.take()
            state.listener = new.take()
            state.isOurs = false
            state.address = nil
        }
        if let old = old.take() { old.close(by: doorkeeper, isShared: wasShared) }
    }

    /// Takes the listener out, for whoever is to serve it from now on: another socket of this
    /// program, or another process. Links that stand, and handshakes that go on, are not concerned. Its
    /// socket file is no longer ours to remove.
    ///
    /// - Returns: nil when there is none any more.
    public func releaseListener() -> UnixListener? {
        let watch = state.withLock { state in
            state.file = nil
            state.address = nil
            return state.watch.take()
        }
        var listener = state.withLock { $0.listener.take() }
        guard let taken = listener.take() else { return nil }
        if let watch { loop.cancel(watch, taken.descriptor) }
        taken.letPeersPassDescriptors(true)
        return taken
    }

    /// Accepts who waits; a few at a time, so that a crowd at the door does not keep links waiting.
    func acceptAll() {
        let mayPass = !Disposal.refusesSomebody
        state.withLock { $0.listener?.letPeersPassDescriptors(mayPass) }
        guard !Disposal.isFull else { return pauseAccepting() }
        for _ in 0..<16 {
            var accepted: UnixSocket?
            do throws(SystemError) {
                accepted = try state.withLock { state throws(SystemError) in
                    try state.listener?.accept()
                }
            } catch {
                pauseAccepting()
                return
            }
            guard let connected = accepted.take(), admit(connected) else { return }
        }
    }

    /// Descriptors or threads have run out, or too many descriptors cannot be closed: who waits goes on
    /// waiting, and the loop does not spin on it.
    func pauseAccepting() {
        watchListener(for: [])
        loop.schedule(after: .milliseconds(100)) { [weak self] in
            self?.watchListener(for: .readable)
        }
    }

    private func watchListener(for interest: Readiness) {
        state.withLock { state in
            guard let watch = state.watch else { return }
            try? state.listener?.update(watch, on: loop, for: interest)
        }
    }

    // MARK: For a hand-over

    /// Accepts nobody until `thawListener`. Who connects meanwhile waits.
    ///
    /// - Returns: another descriptor of the listener.
    func freezeListener() throws(MemifError) -> OwnedDescriptor {
        try state.withLock { state throws(MemifError) in
            guard let watch = state.watch.take() else {
                throw MemifError(.closed, "the memif socket has no listener any more")
            }
            state.listener?.cancel(watch, on: loop)
            state.listener?.letPeersPassDescriptors(true)
            do throws(SystemError) {
                if let descriptor = try state.listener?.duplicate() { return descriptor }
            } catch {
                throw MemifError(error)
            }
            throw MemifError(.closed, "the memif socket is closed")
        }
    }

    /// Another descriptor of the listener, which goes on.
    func duplicateListener() throws(MemifError) -> OwnedDescriptor {
        try state.withLock { state throws(MemifError) in
            do throws(SystemError) {
                if let descriptor = try state.listener?.duplicate() { return descriptor }
            } catch {
                throw MemifError(error)
            }
            throw MemifError(.closed, "the memif socket is closed")
        }
    }

    /// Accepts again.
    func thawListener() throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            guard state.watch == nil else { return }
            state.watch = try state.listener?.watch(on: loop) { [weak self] in self?.acceptAll() }
        }
    }

    /// Closes the listener and leaves its socket file where it is: somebody else serves it.
    func abandonListener() {
        var watch: EventLoop.Watch?
        var taken = state.withLock { state in
            state.isClosed = true
            state.file = nil
            watch = state.watch.take()
            return state.listener.take()
        }
        guard let listener = taken.take() else { return }
        if let watch { listener.cancel(watch, on: loop) }
        listener.close(by: doorkeeper, isShared: true)
    }
}
