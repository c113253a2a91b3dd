internal import CLinuxIO
internal import Glibc

/// What a descriptor is watched for, or found to be.
public struct Readiness: OptionSet, Hashable, Sendable {
    /// The bits of epoll(7).
    public let rawValue: UInt32
    /// Makes a set of epoll's bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// There is something to read, or the end of it.
    public static let readable = Readiness(rawValue: EPOLLIN.rawValue)
    /// There is room to write.
    public static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
    /// The peer will send no more. Anything sent before may still be there to read.
    public static let peerClosed = Readiness(rawValue: EPOLLRDHUP.rawValue)
    /// Both directions have ended. Reported whether asked for or not.
    public static let hangUp = Readiness(rawValue: EPOLLHUP.rawValue)
    /// The descriptor has failed. Reported whether asked for or not.
    public static let failure = Readiness(rawValue: EPOLLERR.rawValue)
    /// Report a change once, not a state again and again (EPOLLET).
    public static let edgeTriggered = Readiness(rawValue: EPOLLET.rawValue)
}

/// A set of descriptors that one thread waits for: epoll(7).
///
/// The set is itself a descriptor that can be polled, so that a program with an event loop of its
/// own needs to watch one descriptor only.
public struct Poller: ~Copyable, Sendable {
    /// The epoll descriptor: readable when an event is waiting.
    public let descriptor: OwnedDescriptor

    /// An empty set.
    public init() throws(SystemError) {
        descriptor = OwnedDescriptor(
            adopting: try systemCall("create an epoll set") {
                epoll_create1(Int32(EPOLL_CLOEXEC))
            })
    }

    /// Watches a descriptor; events for it carry the token.
    public borrowing func add(
        _ watched: borrowing OwnedDescriptor, for interest: Readiness, token: UInt64
    ) throws(SystemError) {
        try control(EPOLL_CTL_ADD, watched.rawValue, interest, token)
    }

    /// Changes what a descriptor is watched for.
    public borrowing func modify(
        _ watched: borrowing OwnedDescriptor, for interest: Readiness, token: UInt64
    ) throws(SystemError) {
        try control(EPOLL_CTL_MOD, watched.rawValue, interest, token)
    }

    /// Stops watching. Do it before the descriptor closes: a duplicate elsewhere would keep it in the set.
    public borrowing func remove(_ watched: borrowing OwnedDescriptor) {
        _ = try? control(EPOLL_CTL_DEL, watched.rawValue, [], 0)
    }

    private borrowing func control(
        _ operation: Int32, _ number: Int32, _ interest: Readiness, _ token: UInt64
    ) throws(SystemError) {
        var event = unsafe epoll_event(events: interest.rawValue, data: epoll_data_t(u64: token))
        let set = descriptor.rawValue
        try systemCall("watch a descriptor") { unsafe epoll_ctl(set, operation, number, &event) }
    }

    /// Waits until something is ready and hands each event on.
    ///
    /// - Parameters:
    ///   - milliseconds: how long at most; 0 does not wait, -1 waits without end.
    ///   - body: called with the token and the readiness of each. It may add to and remove from the
    ///     set; an event of a descriptor removed meanwhile may still come.
    /// - Returns: how many events came.
    @discardableResult
    public borrowing func wait(
        milliseconds: Int32 = -1, _ body: (UInt64, Readiness) -> Void
    ) throws(SystemError) -> Int {
        let set = descriptor.rawValue
        // SAFETY: epoll_wait answers how many events it has written, and no other is read.
        return try unsafe withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 64) {
            (events) throws(SystemError) in
            let count = unsafe epoll_wait(
                set, events.baseAddress, Int32(events.count), milliseconds)
            guard count >= 0 else {
                if errno == EINTR { return 0 }
                throw SystemError("wait for events")
            }
            for index in 0..<Int(count) {
                let event = unsafe events[index]
                unsafe body(event.data.u64, Readiness(rawValue: event.events))
            }
            return Int(count)
        }
    }
}
