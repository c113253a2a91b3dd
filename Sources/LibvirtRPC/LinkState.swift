/// A reply's way back: what it must have in common with its call besides the serial.
struct CallRoute: Hashable {
    let program: UInt32
    let version: UInt32
    let procedure: Int32
}

/// Which calls are under way on a link: numbers them, holds back those that are too many, and finds
/// for what comes back whose it is.
///
/// No I/O: an event goes in, what to do comes out, and it is done after the lock is let go. `Context`
/// is what finishes a call: a continuation, or a string in tests.
struct LinkState<Context>: ~Copyable {
    typealias Route = CallRoute

    /// What is known of whether the peer has run a call that ends without a reply.
    typealias Ended = (context: Context, delivery: CallDelivery)

    private struct InFlight {
        let serial: UInt32
        let route: Route
        /// Nil once the call was given up: the reply, should it come, is nobody's.
        var context: Context?
        /// Whether the carrier has ended before it took the frame.
        var isUnsent = false

        var delivery: CallDelivery { isUnsent ? .notSent : .mayHaveRun }
    }

    private struct Waiting {
        let route: Route
        let frame: OutgoingFrame
        let name: String
        let context: Context
    }

    /// A few: found by looking at each.
    private var inFlight: [InFlight] = []
    private var waiting: [UInt32: Waiting] = [:]
    /// The serials of waiting calls in order; those given up meanwhile are in `waiting` no more.
    private var order = FirstInFirstOut<UInt32>()
    /// Serials of streams, which live longer than the calls that opened them.
    private var reserved: Set<UInt32> = []
    private var nextSerial: UInt32
    private let mostInFlight: Int
    /// When the last call in flight was given up.
    private var lastGivenUp: ContinuousClock.Instant?
    /// Why the link is closed, which it stays; nil while it is open. All tables are empty then.
    private(set) var failure: LinkFailure?
    /// Whether there is a failure, asked without a copy of it.
    private var isClosed = false
    /// The name of the call sent last, for the error should the peer end the link over it.
    private(set) var lastCall: String?

    init(mostInFlight: Int, firstSerial: UInt32 = 0) {
        precondition(mostInFlight > 0, "a link that may send no call is of no use")
        self.mostInFlight = mostInFlight
        nextSerial = firstSerial
    }

    /// Whether a call would be sent at once.
    var hasFreePlace: Bool { inFlight.count < mostInFlight }

    /// How many calls wait for a place.
    var waitingCount: Int { waiting.count }

    /// Since when every place has been taken by a call that nobody waits for any more; nil while it is not
    /// so. The peer may never answer them, and then nothing is sent again.
    var stuckSince: ContinuousClock.Instant? {
        !hasFreePlace && inFlight.allSatisfy { $0.context == nil } ? lastGivenUp : nil
    }

    /// A serial that nothing alive has. After 2^32 calls numbers come again.
    mutating func takeSerial() -> UInt32 {
        while isLive(nextSerial) { nextSerial &+= 1 }
        defer { nextSerial &+= 1 }
        return nextSerial
    }

    private func isLive(_ serial: UInt32) -> Bool {
        place(of: serial) != nil || !waiting.isEmpty && waiting[serial] != nil
            || !reserved.isEmpty && reserved.contains(serial)
    }

    /// Where a call in flight stands.
    private func place(of serial: UInt32) -> Int? {
        for index in inFlight.indices where inFlight[index].serial == serial { return index }
        return nil
    }

    /// Keeps a serial from being taken again after its call has ended.
    mutating func reserve(_ serial: UInt32) { reserved.insert(serial) }

    /// Ends that.
    mutating func release(_ serial: UInt32) { reserved.remove(serial) }
}

// MARK: - Calls

extension LinkState {
    enum Begin {
        /// There is room: write the frame.
        case send(OutgoingFrame)
        /// As many as may be are in flight; the frame comes out of a later event.
        case wait
        /// The link is closed.
        case refuse(Context, LinkFailure)
    }

    /// A new call, whose serial was taken before.
    mutating func begin(
        _ serial: UInt32, _ route: Route, _ frame: OutgoingFrame, name: String, _ context: Context
    ) -> Begin {
        if isClosed, let failure { return .refuse(context, failure) }
        guard hasFreePlace else {
            waiting[serial] = Waiting(route: route, frame: frame, name: name, context: context)
            order.append(serial)
            return .wait
        }
        inFlight.append(InFlight(serial: serial, route: route, context: context))
        lastCall = name
        return .send(frame)
    }

    enum Reply {
        /// The call's own reply; and, into the place it leaves, the frame to write next.
        case deliver(Context, next: OutgoingFrame?)
        /// The reply of a call that was given up.
        case discard(next: OutgoingFrame?)
        /// No call has this serial: a late packet.
        case ignore
        /// The serial is a live call's, and the rest another procedure's.
        case mismatch
    }

    /// A reply has come.
    mutating func replied(_ serial: UInt32, _ route: Route) -> Reply {
        guard let place = place(of: serial) else { return .ignore }
        guard inFlight[place].route == route else { return .mismatch }
        let context = inFlight[place].context
        inFlight.swapAt(place, inFlight.count - 1)
        inFlight.removeLast()
        let next = waiting.isEmpty ? nil : promote()
        return context.map { .deliver($0, next: next) } ?? .discard(next: next)
    }

    /// The caller no longer waits: its task was cancelled or its time is over. Nil when the call
    /// has ended already; otherwise its owner is to be told.
    mutating func giveUp(_ serial: UInt32, at now: ContinuousClock.Instant = .now) -> Ended? {
        if let call = waiting.removeValue(forKey: serial) {
            forgetGivenUp()
            return (call.context, .notSent)
        }
        guard let place = place(of: serial), let context = inFlight[place].context else {
            return nil
        }
        // The server works on: the call keeps its place until the reply comes.
        inFlight[place].context = nil
        lastGivenUp = now
        return (context, inFlight[place].delivery)
    }

    /// The carrier took no byte of a call's frame, as it had ended. The call ends with all others
    /// when the carrier says why.
    mutating func notSent(_ serial: UInt32) {
        if let place = place(of: serial) { inFlight[place].isUnsent = true }
    }

    /// The link has ended: everything under way ends with it.
    ///
    /// - Parameter unsent: serials of calls in flight whose frames were not written to the end.
    mutating func close(_ failure: LinkFailure, unsent: [UInt32]) -> [Ended] {
        guard self.failure == nil else { return [] }
        self.failure = failure
        isClosed = true
        var ended: [Ended] = []
        for call in inFlight {
            guard let context = call.context else { continue }
            ended.append((context, unsent.contains(call.serial) ? .notSent : call.delivery))
        }
        for serial in order.elements {
            guard let call = waiting[serial] else { continue }
            ended.append((call.context, .notSent))
        }
        inFlight = []
        waiting = [:]
        order = FirstInFirstOut()
        return ended
    }

    /// Keeps the order in proportion to the calls that still wait, however many are given up.
    private mutating func forgetGivenUp() {
        guard order.count > 2 * waiting.count + 64 else { return }
        order.removeAll { waiting[$0] == nil }
    }

    /// Moves the call that has waited longest into a place that has become free.
    private mutating func promote() -> OutgoingFrame? {
        while let serial = order.popFirst() {
            guard let call = waiting.removeValue(forKey: serial) else { continue }
            inFlight.append(InFlight(serial: serial, route: call.route, context: call.context))
            lastCall = call.name
            return call.frame
        }
        return nil
    }
}
