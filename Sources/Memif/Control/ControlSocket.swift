internal import LinuxIO

/// A received message and what came with it.
struct ReceivedMessage: ~Copyable {
    var bytes: ControlMessage.Bytes
    var received: Received
}

// SAFETY of the spans in this file: every byte pattern is a value of `UInt8`, which has no padding.

extension UnixSocket {
    /// Sends one message, with at most one descriptor.
    ///
    /// - Returns: false when the socket has no room for it.
    borrowing func send(
        _ bytes: ControlMessage.Bytes, _ descriptor: borrowing OwnedDescriptor?
    ) throws(SystemError) -> Bool {
        var numbers: [Int32] = []
        // The number is used during this call only, and its owner is borrowed for as long.
        switch descriptor {
        case .some(let descriptor): numbers = [descriptor.rawValue]
        case .none: break
        }
        return try unsafe send(bytes.span.bytes, descriptors: numbers) != nil
    }

    /// Receives one message with all its descriptors, which a disposal closes, or nil when there is none
    /// yet.
    ///
    /// - Throws: `SystemError`: EMFILE where descriptors are too few for any message. It stays in the socket
    ///   with what it passes, which is closed with that.
    borrowing func receiveMessage(
        _ disposal: Disposal
    ) throws(SystemError) -> ReceivedMessage? {
        guard let takesTooMany = nextMayTakeTooManyDescriptors() else { return nil }
        if takesTooMany { throw .noDescriptorForPeer }
        var bytes = ControlMessage.Bytes(repeating: 0)
        var span = bytes.mutableSpan
        var raw = unsafe span.mutableBytes
        guard let received = try receive(into: &raw, disposal: disposal) else { return nil }
        return ReceivedMessage(bytes: bytes, received: received)
    }
}

extension SystemError {
    /// EMFILE: it is not the peer's fault.
    static var noDescriptorForPeer: SystemError {
        SystemError(code: 24, operation: "take the descriptor that the peer passed")
    }
}

extension UnixSocket {
    /// Watches for messages; a method, because an optional socket cannot be lent to a call.
    borrowing func watch(
        on loop: EventLoop, _ handler: @escaping @Sendable () -> Void
    ) throws(SystemError) -> EventLoop.Watch {
        try loop.watch(descriptor, for: .readable) { _ in handler() }
    }

    /// Stops watching.
    borrowing func cancel(_ watch: EventLoop.Watch, on loop: EventLoop) {
        loop.cancel(watch, descriptor)
    }

    /// Another descriptor of it.
    borrowing func duplicate() throws(SystemError) -> OwnedDescriptor {
        try descriptor.duplicate()
    }

    /// Changes what is watched for.
    borrowing func update(
        _ watch: EventLoop.Watch, on loop: EventLoop, for interest: Readiness
    ) throws(SystemError) {
        try loop.update(watch, descriptor, for: interest)
    }
}
