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

    /// Receives one message with any descriptors, or nil when there is none yet.
    borrowing func receiveMessage() throws(SystemError) -> ReceivedMessage? {
        var bytes = ControlMessage.Bytes(repeating: 0)
        var span = bytes.mutableSpan
        var raw = unsafe span.mutableBytes
        // No message carries more than one; one more is taken to tell that there were more.
        guard let received = try receive(into: &raw, mostDescriptors: 2) else { return nil }
        return ReceivedMessage(bytes: bytes, received: received)
    }
}

extension UnixSocket {
    /// Takes one message out and throws it away, descriptors and all; false when there is none.
    borrowing func discardMessage() -> Bool {
        do {
            guard let message = try receiveMessage() else { return false }
            return message.received.byteCount > 0
        } catch {
            return false
        }
    }

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
