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
    /// One at a time tries whether the daemon admits another.
    private let door = Places(1)

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
    ///
    /// - Parameter awaitsPause: whether a failure a short while ago is reason enough not to try.
    func takeSoon(
        _ parameters: ConnectionParameters, deadline: ContinuousClock.Instant?,
        awaitsPause: Bool = true
    ) async -> Connection? {
        if let idle = takeIdle() { return idle }
        let start = ContinuousClock.now
        let mayTry = {
            self.state.withLock { $0.attempts.isAllowed(at: .now, awaitsPause: awaitsPause) }
        }
        guard mayTry() else { return nil }
        // The other half of the caller's time is for the call.
        let half = CallDeadline.earliest(deadline).map { start + start.duration(to: $0) / 2 }
        let turn = min(half ?? .now + SideAttempts.patience, .now + SideAttempts.patience)
        // Several at once would be as many logins that fail, or as many questions to a person.
        guard case .entered = await door.enter(until: turn, timers: timers) else { return nil }
        // Where the one before has just come in, all who waited for it follow at once.
        if state.withLock({ $0.attempts.haveSucceeded(since: start) }) {
            door.leave()
            return await attempt(parameters, until: half)
        }
        defer { door.leave() }
        return mayTry() ? await attempt(parameters, until: half) : nil
    }

    /// Opens one, and remembers how that went.
    private func attempt(
        _ parameters: ConnectionParameters, until limit: ContinuousClock.Instant?
    ) async -> Connection? {
        let patience = ContinuousClock.now + SideAttempts.patience
        let end = min(limit ?? patience, patience)
        do throws(LibvirtError) {
            return try await open(parameters, deadline: end)
        } catch {
            if Task.isCancelled { return nil }
            // A caller that waited no longer says nothing of the next one's chances.
            let isCallers = end < patience && end <= .now
            state.withLock { $0.attempts.failed(error, isCallers: isCallers, at: .now) }
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
            state.attempts.succeeded(at: .now)
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
        guard let side = await sides.takeSoon(parameters, deadline: deadline) else {
            // It may wait for ever behind calls that hang; the next one's attempt needs the place.
            sides.places.leave()
            if Task.isCancelled { throw unsent(.cancelled(.notSent), procedure.name) }
            // The daemon admits no more, or a person would have to log in again: this one stands.
            return try await call(procedure, arguments, placement: .shared, deadline: deadline)
        }
        defer { sides.places.leave() }
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
            // A migration's calls would hold up all others for as long as it takes.
            let side = await sides.takeSoon(parameters, deadline: nil, awaitsPause: false)
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
