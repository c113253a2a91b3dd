internal import LibvirtProtocol

/// What arrives on a stream.
public enum StreamItem: Hashable, Sendable {
    /// Bytes, never none.
    case data([UInt8])
    /// So many bytes that are zero and were not sent.
    case hole(Int64)
}

/// How far a stream is, at either of its ends, and what has come and was not read yet.
///
/// No I/O: a packet goes in, what to send comes out, and it is done after the lock is let go.
struct StreamState: ~Copyable {
    enum Role { case client, server }

    /// What is to be sent in answer to what has come.
    enum Answer {
        case nothing
        /// A client's word that it has given the stream up.
        case abort
        /// A server's word that the stream has ended as the client asked.
        case confirm
    }

    private enum Phase {
        /// The call that opens the stream is under way.
        case opening
        case open
        /// This end awaits the peer's word that the stream has ended. What comes before it is nobody's.
        case finishing, aborting
        case ended
    }

    /// What each item costs beside its bytes: many small ones must not fill the memory either.
    static let itemOverhead = 128

    private let role: Role
    private let mostBytes: Int
    /// Whether the stream is given up when more waits than may.
    private let endsWhenFull: Bool
    private var phase = Phase.opening
    private var items = FirstInFirstOut<StreamItem>()
    /// What waits to be read, overhead included.
    private(set) var byteCount = 0
    /// Whether the peer sends no more data.
    private var hasAllData = false
    private var isAbandoned = false
    private var end: StreamEnd?
    /// Whether so much waits that the link should not be read; some is read before it is again.
    private(set) var isFull = false

    /// - Parameters:
    ///   - mostBytes: how many bytes may wait to be read.
    ///   - endsWhenFull: gives the stream up when there are more; otherwise `isFull` tells of it.
    init(_ role: Role, mostBytes: Int, endsWhenFull: Bool) {
        self.role = role
        self.mostBytes = mostBytes
        self.endsWhenFull = endsWhenFull
        if role == .server { phase = .open }
    }

    /// Whether the stream's serial may be used again.
    var isOver: Bool { phase == .ended }
}

// MARK: - Begin and end

extension StreamState {
    /// The call that opens the stream was answered.
    mutating func answered(isOpen: Bool) -> Answer {
        guard phase == .opening else { return .nothing }
        guard isOpen else {
            settle(.aborted)
            return .nothing
        }
        phase = .open
        return isAbandoned ? abort() : .nothing
    }

    /// Nobody awaits the stream any more, open or not.
    mutating func abandon() -> Answer {
        isAbandoned = true
        return phase == .opening ? .nothing : abort()
    }

    /// Gives the stream up: what has come is dropped. The serial stays taken until the server confirms.
    mutating func abort(_ reason: StreamEnd = .aborted) -> Answer {
        switch phase {
        case .open, .finishing:
            end = end ?? reason
            drop()
            phase = role == .client ? .aborting : .ended
            return .abort
        case .opening:
            end = end ?? reason
            isAbandoned = true
            return .nothing
        case .aborting, .ended: return .nothing
        }
    }

    /// What a wish to finish comes to.
    enum Finish {
        /// Tell the peer; a client then waits for its word.
        case send
        case wait
        case done
        case failed(StreamEnd)
    }

    /// This side has no more to say, and wants to hear no more.
    mutating func finish() -> Finish {
        switch phase {
        case .opening, .finishing: return .wait
        case .open:
            drop()
            if role == .client {
                phase = .finishing
            } else {
                settle(.finished)
            }
            return .send
        case .aborting, .ended:
            if case .finished? = end { return .done }
            return .failed(end ?? .aborted)
        }
    }

    /// Ends the stream at once, whatever was awaited.
    mutating func settle(_ reason: StreamEnd) {
        guard phase != .ended else { return }
        end = end ?? reason
        phase = .ended
        isFull = false
    }

    private mutating func drop() {
        items = FirstInFirstOut()
        byteCount = 0
        isFull = false
    }
}

// MARK: - Data

extension StreamState {
    /// A packet has come.
    mutating func received(_ packet: StreamPacket) -> Answer {
        switch (packet, role) {
        case (.data(let bytes), _): return keep(.data(bytes), bytes.count)
        case (.hole(let length), _): return keep(.hole(length), 0)
        case (.endOfData, _): hasAllData = true
        case (.finish, .client): settle(.finished)
        case (.finish, .server): hasAllData = true
        case (.failure(let error), .client): settle(error.map { .failed($0) } ?? .aborted)
        case (.failure, .server):
            guard phase != .ended else { return .nothing }
            drop()
            settle(.aborted)
            return .confirm
        case (.malformed(let error), .client) where phase == .opening || phase == .open:
            return abort(.malformed(error))
        // An end that is awaited is an end, however it is worded.
        case (.malformed(let error), .client): settle(.malformed(error))
        case (.malformed(let error), .server):
            return abort(.malformed(error))
        }
        return .nothing
    }

    private mutating func keep(_ item: StreamItem, _ count: Int) -> Answer {
        guard phase == .open || phase == .opening, !hasAllData else { return .nothing }
        let cost = count + Self.itemOverhead
        if endsWhenFull, byteCount + cost > mostBytes {
            return overflow(byteCount + cost)
        }
        items.append(item)
        byteCount += cost
        if byteCount > mostBytes { isFull = true }
        return .nothing
    }

    /// What came before may still be read; then the reader learns of it.
    private mutating func overflow(_ count: Int) -> Answer {
        end = .overflow(byteCount: count)
        guard phase == .open else {
            isAbandoned = true
            return .nothing
        }
        phase = role == .client ? .aborting : .ended
        return .abort
    }

    enum Taken {
        case item(StreamItem)
        /// No more data comes.
        case end
        case failed(StreamEnd)
        /// Nothing is there yet.
        case wait
    }

    /// Takes what comes next.
    mutating func take() -> Taken {
        if let item = items.popFirst() {
            if case .data(let bytes) = item { byteCount -= bytes.count }
            byteCount -= Self.itemOverhead
            if byteCount <= mostBytes / 2 { isFull = false }
            return .item(item)
        }
        switch (phase, end) {
        case (_, .finished?): return .end
        case (_, let end?): return .failed(end)
        case (.finishing, nil): return .end
        case (_, nil): return hasAllData ? .end : .wait
        }
    }

    /// Whether a reader that waits has something to learn.
    var hasNews: Bool {
        !items.isEmpty || hasAllData || end != nil || phase == .finishing
    }

    /// Why nothing can be sent; nil when it can.
    var refusal: StreamEnd? {
        switch phase {
        case .opening, .open: nil
        case .finishing: .finished
        case .aborting, .ended: end ?? .aborted
        }
    }
}
