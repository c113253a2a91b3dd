import Glibc
import LinuxIO
import Memif
import Synchronization

struct Scarcity: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// What an interface was told, by itself.
final class Told: Sendable {
    private struct State {
        var isUp = false
        var failures: [LinkEnd] = []
    }

    private let state = Mutex(State())

    var isUp: Bool { state.withLock(\.isUp) }
    /// Since the last time.
    func takeFailures() -> [LinkEnd] { state.withLock { exchange(&$0.failures, with: []) } }

    func listen(to interface: MemifInterface) {
        interface.onEvent { [self] event in
            state.withLock { state in
                switch event {
                case .up: state.isUp = true
                case .down: state.isUp = false
                case .failed(let end, _): state.failures.append(end)
                }
            }
        }
    }
}

/// The other end, which has descriptors enough. All that it opens it opens and closes on its loop's thread.
final class ScarcePeer: Sendable {
    let told = Told()
    private let role: MemifRole
    private let address: UnixAddress
    private let loop: EventLoop
    private let socket: MasterSocket?
    private let interface = Mutex<MemifInterface?>(nil)

    init(_ role: MemifRole, at address: UnixAddress) throws {
        self.role = role
        self.address = address
        loop = try EventLoop.start(name: "peer")
        socket =
            role == .master
            ? try MasterSocket.listen(at: address, on: loop, options: .patient) : nil
        guard let master = try socket?.add(InterfaceConfiguration()) else { return }
        told.listen(to: master)
        interface.withLock { $0 = master }
    }

    /// As a slave, connects until it is connected.
    func begin() {
        guard role == .slave else { return }
        loop.submit { [self] in
            let slave = try? MemifInterface.connect(
                to: address, InterfaceConfiguration(), on: loop, reconnect: .eager,
                handshakeTimeout: .seconds(120))
            if let slave { told.listen(to: slave) }
            interface.withLock { $0 = slave }
        }
    }

    /// As a slave, goes away.
    func end() {
        guard role == .slave else { return }
        loop.submit { [self] in interface.withLock { $0.take() }?.remove() }
    }
}

/// An end that has as many descriptors as it is given, on a thread with a table of its own, where all of
/// it must stay.
final class ScarceEnd {
    /// Which numbers are left free.
    enum Places: CaseIterable {
        /// Those behind which nothing is free, though there is room up to the limit.
        case lowest
        /// Those below the limit, as in a process that opens more and more.
        case highest
    }

    private static let limit: Int32 = 600
    private let address: UnixAddress
    private let loop: EventLoop
    private let peer: ScarcePeer
    private let socket: MasterSocket?
    private var interface: MemifInterface?
    private let told = Told()
    private var hoard: [Int32] = []
    private var open = 0

    init(_ role: MemifRole, at address: UnixAddress, _ peer: ScarcePeer) throws {
        self.address = address
        self.peer = peer
        loop = try EventLoop.unattended()
        socket =
            role == .master
            ? try MasterSocket.listen(at: address, on: loop, options: .patient) : nil
        if let master = try socket?.add(InterfaceConfiguration()) {
            told.listen(to: master)
            interface = master
        }
        limitDescriptors(to: UInt(Self.limit))
        // The first link opens what stays.
        try begin()
        try loop.turn(until: "there is a link") { told.isUp && peer.told.isUp }
        try end()
        open = countOpen()
    }

    /// Makes an attempt at a link with this many descriptors, and one with more if nothing came of it.
    ///
    /// - Parameter texts: gets what this end said of failures.
    /// - Returns: whether the first came up.
    func attempt(with spare: Int, _ places: Places, _ texts: inout Set<String>) throws -> Bool {
        fill(leaving: spare, places)
        try begin()
        // A master without a descriptor for a connection has nothing to say, and waits.
        let patience = ContinuousClock.now + .milliseconds(150)
        var failures: [LinkEnd] = []
        while failures.isEmpty, !told.isUp, ContinuousClock.now < patience {
            try loop.turn()
            failures += told.takeFailures()
            if places == .highest { try checkReserve(spare) }
        }
        let isUp = told.isUp
        for number in hoard { close(number) }
        hoard = []
        try loop.turn(until: "there is a link again") { told.isUp && peer.told.isUp }
        failures += told.takeFailures()
        for failure in failures {
            guard failure.cause == .system, failure.reason.text.contains("Too many open files")
            else { throw Scarcity("with \(spare) free: \(failure)") }
            texts.insert(failure.reason.text)
        }
        for failure in peer.told.takeFailures() {
            guard failure.cause == .peer, failure.reason.code == .systemFailure,
                texts.contains(failure.reason.text)
            else { throw Scarcity("with \(spare) free the peer was told: \(failure)") }
        }
        try end()
        return isUp
    }

    private func begin() throws {
        peer.begin()
        guard socket == nil else { return }
        let slave = try MemifInterface.connect(
            to: address, InterfaceConfiguration(), on: loop, reconnect: .eager,
            handshakeTimeout: .seconds(120))
        told.listen(to: slave)
        interface = slave
    }

    /// Ends the link, and waits until nothing of it is left.
    private func end() throws {
        peer.end()
        if socket == nil { interface.take()?.remove() }
        try loop.turn(until: "the link is over") { !told.isUp && !peer.told.isUp }
        try loop.turn(until: "all is disposed of") { Disposal.pendingInAll(most: .max) == 0 }
        try loop.turn(until: "all is closed") { open == 0 || countOpen() == open }
        try loop.turn(until: "all is unmapped") {
            try ProcessResources.current().sharedMappings == 0
        }
    }

    private func fill(leaving spare: Int, _ places: Places) {
        while case let number = fcntl(0, F_DUPFD_CLOEXEC, 0), number >= 0 { hoard.append(number) }
        for _ in 0..<spare {
            close(places == .lowest ? hoard.removeFirst() : hoard.removeLast())
        }
    }

    private func countOpen() -> Int {
        (0..<Self.limit).count { fcntl($0, F_GETFD) >= 0 }
    }

    /// Nobody but the runtime has the last ones.
    private func checkReserve(_ spare: Int) throws {
        let last = min(Int32(DescriptorReserve.count), Int32(spare))
        for number in Self.limit - last..<Self.limit where fcntl(number, F_GETFD) >= 0 {
            throw Scarcity("with \(spare) free, \(number) of \(Self.limit) is taken")
        }
    }
}

extension ReconnectPolicy {
    /// For tests that wait for the next attempt.
    static let eager = ReconnectPolicy(
        firstPause: .milliseconds(1), longestPause: .milliseconds(1))
}
