internal import LibvirtRPC
internal import Synchronization

/// The connections that carry a connection's streams, each one stream at a time.
final class StreamConnections: Sendable {
    /// A connection in use, which lives as long as its stream does.
    private struct InUse {
        weak let connection: Connection?
    }

    private struct State {
        var idle: [Connection] = []
        var inUse: [ObjectIdentifier: InUse] = [:]
        var isClosed = false
    }

    /// How many are kept for the next streams.
    private static let mostIdle = 2

    private let state = Mutex(State())

    /// A connection for a stream: one that an earlier stream has left, or a new one.
    func take(
        _ parameters: ConnectionParameters, deadline: ContinuousClock.Instant?
    ) async throws(LibvirtError) -> Connection {
        let idle = state.withLock { state -> Connection? in
            while let connection = state.idle.popLast() {
                // A daemon that was restarted has ended it meanwhile.
                guard connection.isAlive else { continue }
                state.inUse[ObjectIdentifier(connection)] = InUse(connection: connection)
                return connection
            }
            return nil
        }
        if let idle { return idle }
        let connection = try await Connection.open(
            parameters, purpose: .streams, deadline: deadline)
        let isClosed = state.withLock { state in
            state.inUse[ObjectIdentifier(connection)] = InUse(connection: connection)
            return state.isClosed
        }
        // Closed meanwhile: whatever is asked over it fails as over the first one.
        if isClosed { connection.link.close() }
        return connection
    }

    /// Takes a connection back, to keep it when its stream has ended as it should, and room is left.
    func giveBack(_ connection: Connection, isReusable: Bool) {
        let isKept = state.withLock { state in
            state.inUse[ObjectIdentifier(connection)] = nil
            guard isReusable, connection.isAlive, !state.isClosed,
                state.idle.count < Self.mostIdle
            else { return false }
            state.idle.append(connection)
            return true
        }
        if !isKept { connection.link.close() }
    }

    /// Ends them all, with the streams that they carry; those that are taken later end at once.
    func close() -> [Connection] {
        let all = state.withLock { state in
            state.isClosed = true
            defer {
                state.idle = []
                state.inUse = [:]
            }
            return state.idle + state.inUse.values.compactMap(\.connection)
        }
        for connection in all { connection.link.close() }
        return all
    }
}
