internal import LibvirtRPC
internal import LinuxIO
internal import Synchronization
internal import XDR

/// The connections beside a connection, opened as it was, each for one use at a time: a stream, a call
/// that lasts, a migration.
final class SideConnections: Sendable {
    /// A connection in use, which lives as long as its use does.
    private struct InUse {
        weak let connection: Connection?
    }

    private struct State {
        /// Those that wait for another use, and since when.
        var idle: [(connection: Connection, since: ContinuousClock.Instant)] = []
        var inUse: [ObjectIdentifier: InUse] = [:]
        var attempts = SideAttempts()
        var isClosed = false
        /// Whether somebody will look after those that wait.
        var isArmed = false
    }

    /// How many are kept for the next use.
    private static let mostIdle = 2
    /// How long one is kept, and at most twice as long: routers forget a connection over which nothing
    /// goes, and tell neither end.
    static let longestIdle = Duration.seconds(60)
    /// How many long calls are on their way at once. A daemon has 20 workers, for all its clients.
    private static let mostLongCalls = 8

    /// The places of long calls.
    let places = Places(mostLongCalls)

    private let timers: EventLoop
    private let state = Mutex(State())

    init(timers: EventLoop) { self.timers = timers }

    /// A connection for one who needs it: one that an earlier use has left, or a new one.
    func take(
        _ parameters: ConnectionParameters, deadline: ContinuousClock.Instant?
    ) async throws(LibvirtError) -> Connection {
        if let idle = takeIdle() { return idle }
        return try await open(parameters, deadline: deadline)
    }

    /// A connection for one who can do without: nil where none is to be had soon.
    func takeSoon(
        _ parameters: ConnectionParameters, deadline: ContinuousClock.Instant?
    ) async -> Connection? {
        if let idle = takeIdle() { return idle }
        guard state.withLock({ $0.attempts.isAllowed(at: .now) }) else { return nil }
        let end = ContinuousClock.now + SideAttempts.patience
        do throws(LibvirtError) {
            return try await open(parameters, deadline: min(deadline ?? end, end))
        } catch {
            // A caller that waited no longer says nothing of the next one's chances.
            let isCallers = CallDeadline.earliest(deadline).map { $0 < end } ?? false
            if !Task.isCancelled, error.isRefusal || !isCallers {
                state.withLock { $0.attempts.failed(error, at: .now) }
            }
            return nil
        }
    }

    private func takeIdle() -> Connection? {
        state.withLock { state -> Connection? in
            while let connection = state.idle.popLast()?.connection {
                // A daemon that was restarted has ended it meanwhile.
                guard connection.isAlive else { continue }
                state.inUse[ObjectIdentifier(connection)] = InUse(connection: connection)
                return connection
            }
            return nil
        }
    }

    private func open(
        _ parameters: ConnectionParameters, deadline: ContinuousClock.Instant?
    ) async throws(LibvirtError) -> Connection {
        let connection = try await Connection.open(
            parameters, purpose: .aside, deadline: deadline)
        let isClosed = state.withLock { state in
            state.attempts.succeeded()
            state.inUse[ObjectIdentifier(connection)] = InUse(connection: connection)
            return state.isClosed
        }
        // Closed meanwhile: whatever is asked over it fails as over the first one.
        if isClosed { connection.link.close() }
        return connection
    }

    /// Takes a connection back, to keep it when its use has ended as it should, and room is left.
    func giveBack(_ connection: Connection, isReusable: Bool) {
        let (isKept, mustArm) = state.withLock { state in
            state.inUse[ObjectIdentifier(connection)] = nil
            guard isReusable, connection.isAlive, !state.isClosed,
                state.idle.count < Self.mostIdle
            else { return (false, false) }
            state.idle.append((connection, .now))
            defer { state.isArmed = true }
            return (true, !state.isArmed)
        }
        if !isKept { connection.link.close() }
        if mustArm { arm() }
    }

    private func arm() {
        timers.schedule(after: Self.longestIdle) { [weak self] in
            guard let self else { return }
            close(idleSince: .now - Self.longestIdle)
            let goesOn = state.withLock { state in
                state.isArmed = !state.idle.isEmpty
                return state.isArmed
            }
            if goesOn { arm() }
        }
    }

    /// Ends those that nobody has used since then.
    func close(idleSince instant: ContinuousClock.Instant) {
        let old = state.withLock { state in
            let old = state.idle.filter { $0.since <= instant }
            state.idle.removeAll { $0.since <= instant }
            return old
        }
        for (connection, _) in old { connection.link.close() }
    }

    /// Ends them all, with what they carry; those that are taken later end at once.
    func close() -> [Connection] {
        let all = state.withLock { state in
            state.isClosed = true
            defer {
                state.idle = []
                state.inUse = [:]
            }
            return state.idle.map(\.connection) + state.inUse.values.compactMap(\.connection)
        }
        for connection in all { connection.link.close() }
        return all
    }
}

extension Connection {
    /// Makes a call over a connection of its own.
    func callAside<Arguments, Result>(
        _ procedure: XDRProcedure<Arguments, Result>, _ arguments: Arguments,
        _ sides: SideConnections, deadline: ContinuousClock.Instant?
    ) async throws(LibvirtError) -> Result {
        switch await sides.places.enter(until: deadline, timers: timers) {
        case .entered: break
        case .cancelled: throw unsent(.cancelled(.notSent), procedure.name)
        case .tooLate: throw unsent(.deadlineExceeded(.notSent), procedure.name)
        }
        defer { sides.places.leave() }
        guard let side = await sides.takeSoon(parameters, deadline: deadline) else {
            if Task.isCancelled { throw unsent(.cancelled(.notSent), procedure.name) }
            // The daemon admits no more, or a person would have to log in again: this one stands.
            return try await call(procedure, arguments, placement: .shared, deadline: deadline)
        }
        do throws(RPCError) {
            let result = try await side.link.call(procedure, arguments, deadline: deadline)
            sides.giveBack(side, isReusable: true)
            return result
        } catch {
            // The reply of one that was given up may still come.
            sides.giveBack(side, isReusable: !error.mayHaveRun)
            throw LibvirtError(error, uri: uri.description)
        }
    }

    /// Does something over a connection of its own, or over this one where no other can be had.
    func aside<Value: Sendable>(
        _ body: (Connection) async throws(LibvirtError) -> Value
    ) async throws(LibvirtError) -> Value {
        guard let sides, isAlive, uri.isSharedAmongConnections,
            let side = await sides.takeSoon(parameters, deadline: nil)
        else { return try await body(self) }
        do throws(LibvirtError) {
            let value = try await body(side)
            sides.giveBack(side, isReusable: true)
            return value
        } catch {
            sides.giveBack(side, isReusable: false)
            throw error
        }
    }

    private func unsent(_ kind: RPCError.Kind, _ procedure: String) -> LibvirtError {
        LibvirtError(RPCError(kind, procedure: procedure), uri: uri.description)
    }
}
