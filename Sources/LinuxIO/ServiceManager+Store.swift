internal import Glibc

/// Descriptors that a service manager has kept, and hands to this process. Frozen, so that other modules
/// can take its parts.
@frozen
public struct StoredDescriptors: ~Copyable, Sendable {
    /// Their names, in order.
    public let names: [String]
    /// The descriptors.
    public var descriptors: DescriptorQueue

    /// Those that the environment tells of; none where it tells of none, or of another process's. To be
    /// called once, for they have one owner.
    ///
    /// Source: sd_listen_fds_with_names(3): LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES; the first is 3.
    ///
    /// - Throws: `SystemError` where what it tells of is not there.
    public static func take() throws(SystemError) -> StoredDescriptors {
        try StoredDescriptors(
            process: Environment.value("LISTEN_PID"), count: Environment.value("LISTEN_FDS"),
            names: Environment.value("LISTEN_FDNAMES"))
    }

    init(process: String?, count: String?, names: String?) throws(SystemError) {
        descriptors = DescriptorQueue()
        guard let process, Int32(process) == getpid(), let count = count.flatMap({ Int32($0) }),
            (1...65_536).contains(count)
        else {
            self.names = []
            return
        }
        let given = names?.split(separator: ":", omittingEmptySubsequences: false) ?? []
        self.names = (0..<Int(count)).map { $0 < given.count ? String(given[$0]) : "" }
        for number in 3..<3 + count {
            // Another of the same, which programs that are started here do not get.
            descriptors.append(try OwnedDescriptor(adopting: number).duplicate())
        }
    }
}

extension ServiceManager {
    /// Has it keep descriptors for the next process of this service, each under the name of its own.
    ///
    /// Source: sd_pid_notify_with_fds(3): FDSTORE, FDNAME; FDPOLL=0 has it keep those whose peer has gone.
    /// BARRIER=1 tells when it has read everything: it closes the descriptor that comes along.
    ///
    /// - Parameter limit: how long all of it may take. It waits: call it from a thread of its own.
    /// - Throws: `SystemError` when it does not take them; some may be kept then.
    public func store(
        _ stored: consuming StoredDescriptors, within limit: Duration
    ) throws(SystemError) {
        let socket = try connect()
        let end = ContinuousClock.now + limit
        try Self.send(stored, over: socket, until: end)
        let pair = try UnixSocket.pair(.messages)
        var barrier = DescriptorQueue()
        barrier.append(try pair.second.descriptor.duplicate())
        let first = try pair.first.descriptor.duplicate()
        _ = consume pair
        let waiting = try MessageSocket(UnixSocket(adopting: first))
        try socket.send(
            Self.message(["BARRIER=1"]), barrier, within: ContinuousClock.now.duration(to: end))
        _ = consume barrier
        let answer = try waiting.receive(
            mostBytes: 1, within: ContinuousClock.now.duration(to: end))
        _ = consume answer
    }

    private static func send(
        _ stored: consuming StoredDescriptors, over socket: MessageSocket,
        until end: ContinuousClock.Instant
    ) throws(SystemError) {
        for name in stored.names {
            let lines = ["FDSTORE=1", "FDNAME=\(name)", "FDPOLL=0"]
            let descriptor = stored.descriptors.popFirst(1)
            try socket.send(
                message(lines), descriptor, within: ContinuousClock.now.duration(to: end))
        }
    }

    /// Has it keep descriptors and then let go of others, without waiting until it has done so: it does
    /// everything in the order in which it is told.
    ///
    /// - Parameter limit: how long it may take to have room for that. It waits: call it from a thread of
    ///   its own.
    /// - Throws: `SystemError` when it does not listen; some may be kept then.
    public func change(
        storing stored: consuming StoredDescriptors, removing names: [String],
        within limit: Duration
    ) throws(SystemError) {
        let socket = try connect()
        let end = ContinuousClock.now + limit
        try Self.send(stored, over: socket, until: end)
        for name in names {
            try socket.send(
                Self.removal(of: name), within: ContinuousClock.now.duration(to: end))
        }
    }

    private static func removal(of name: String) -> [UInt8] {
        message(["FDSTOREREMOVE=1", "FDNAME=\(name)"])
    }

    /// Has it let go of descriptors that it keeps.
    ///
    /// - Throws: `SystemError` when it cannot be reached.
    public func removeStored(_ names: [String]) throws(SystemError) {
        let socket = try connect()
        for name in names {
            try socket.send(Self.removal(of: name), within: .seconds(5))
        }
    }
}

extension StoredDescriptors {
    /// Descriptors to be stored, and a name for each.
    public init(names: [String], descriptors: consuming DescriptorQueue) {
        self.names = names
        self.descriptors = descriptors
    }
}
