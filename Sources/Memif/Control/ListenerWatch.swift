internal import LinuxIO

extension UnixListener {
    /// Watches for connections; a method, because an optional listener cannot be lent to a call.
    borrowing func watch(
        on loop: EventLoop, _ handler: @escaping @Sendable () -> Void
    ) throws(SystemError) -> EventLoop.Watch {
        try loop.watch(descriptor, for: .readable) { _ in handler() }
    }

    /// Stops watching.
    borrowing func cancel(_ watch: EventLoop.Watch, on loop: EventLoop) {
        loop.cancel(watch, descriptor)
    }

    /// Another descriptor of it; a method, because an optional listener cannot be lent to a call.
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
