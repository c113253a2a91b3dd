public import LinuxIO
internal import Synchronization

/// Carries frames, and descriptors, over a connected UNIX socket.
public final class UnixCarrier: Carrier {
    /// The socket, shared by the side that reads and the side that writes; it closes when both
    /// have let go.
    private final class SharedSocket: Sendable {
        let socket: UnixSocket

        init(_ socket: consuming UnixSocket) { self.socket = socket }
    }

    private struct Input: ~Copyable {
        var socket: SharedSocket?
        var decoder: FrameDecoder
    }

    private struct Output: ~Copyable {
        var socket: SharedSocket?
        var writer = FrameWriter()
        var receiver: (any CarrierReceiver)?
        var watch: EventLoop.Watch?
        /// Whether the loop watches for room to write.
        var waitsForRoom = false
        /// Whether the loop watches for something to read.
        var isReading = true

        var interest: Readiness {
            waitsForRoom
                ? isReading ? [.readable, .writable] : .writable
                : isReading ? .readable : []
        }
        /// Whether a write has failed; what the peer said before it left is still to be read.
        var isBroken = false
        var hasEnded = false
        /// Whether what is to be sent is held back for a moment, to go together.
        var isGathering = false

        /// Whether nothing can be written now.
        var mustKeep: Bool { waitsForRoom || isBroken || isGathering }
    }

    private let loop: EventLoop
    /// Only the loop's thread reads, so this lock never waits.
    private let input: Mutex<Input>
    private let output: Mutex<Output>

    /// About how much is read in one wake-up, so that one busy peer cannot keep a loop from the others:
    /// one packet of a stream, whose reader may then let go of it before the next is read.
    private static let mostReadInARow = 262_144
    /// Reads after a write has failed, at most.
    private static let mostLastReads = 256

    /// Takes over a connected socket.
    ///
    /// - Parameters:
    ///   - loop: reads, and writes what did not go at once.
    ///   - longestFrame: the longest frame to accept.
    public init(
        _ socket: consuming UnixSocket, loop: EventLoop, longestFrame: Int = FrameLimits.longest
    ) {
        let shared = SharedSocket(socket)
        self.loop = loop
        input = Mutex(Input(socket: shared, decoder: FrameDecoder(longest: longestFrame)))
        output = Mutex(Output(socket: shared))
    }

    /// Begins to read.
    public func start(_ receiver: any CarrierReceiver) {
        output.withLock { $0.receiver = receiver }
        loop.submit { [self] in
            let failure = output.withLock { output -> SystemError? in
                guard let socket = output.socket, !output.hasEnded else { return nil }
                do throws(SystemError) {
                    output.watch = try loop.watch(
                        socket.socket.descriptor, for: output.interest
                    ) { [self] in ready($0, receiver) }
                    return nil
                } catch {
                    return error
                }
            }
            if let failure { close(.system(failure)) }
        }
    }

    /// Writes a frame: at once as far as there is room, and the rest when there is.
    public func send(_ frame: OutgoingFrame) -> Bool {
        enum Outcome { case done, ended, broken(SystemError) }
        let outcome: Outcome = output.withLock { output in
            guard !output.hasEnded else { return .ended }
            guard !output.mustKeep else {
                output.writer.append(frame)
                return .done
            }
            do throws(SystemError) {
                try send(frame, &output)
                return .done
            } catch {
                output.isBroken = true
                return .broken(error)
            }
        }
        switch outcome {
        case .done: return true
        case .ended: return false
        case .broken(let error):
            failAfterReading(error)
            return true
        }
    }

    /// Bytes that wait for room.
    public var queuedByteCount: Int { output.withLock { $0.writer.queuedByteCount } }

    /// Stops to read, or reads again.
    public func setReading(_ isReading: Bool) {
        let failure = output.withLock { output -> SystemError? in
            output.isReading = isReading
            do throws(SystemError) {
                try updateInterest(output)
                return nil
            } catch {
                return error
            }
        }
        // Later: whoever is told of the end may hold a lock of its own now.
        if let failure { loop.submit { [self] in close(.system(failure)) } }
    }

    private var isReading: Bool { output.withLock { $0.isReading } }

    /// Ends both directions; the peer reads the end of the stream.
    public func close(_ reason: LinkFailure.Reason) {
        let ended: (receiver: (any CarrierReceiver)?, unsent: [UInt32])? = output.withLock {
            output in
            guard !output.hasEnded else { return nil }
            output.hasEnded = true
            output.socket?.socket.shutdown()
            defer { output.receiver = nil }
            return (output.receiver, output.writer.takeUnsentCalls())
        }
        guard let ended else { return }
        ended.receiver?.ended(reason, unsentCalls: ended.unsent)
        loop.submit { [self] in
            release()
            ended.receiver?.released()
        }
    }
}

// MARK: - Writing

extension UnixCarrier {
    /// Writes what there is room for, and watches for more room exactly while something is left.
    private func flush(_ output: inout Output) throws(SystemError) {
        guard let socket = output.socket else { return }
        try output.writer.flush { (bytes, more, descriptors) throws(SystemError) in
            try socket.socket.send(bytes, more, descriptors: descriptors)
        }
        try watchForRoom(&output)
    }

    /// As `flush`, with a frame behind what is there.
    private func send(_ frame: OutgoingFrame, _ output: inout Output) throws(SystemError) {
        guard let socket = output.socket else { return output.writer.append(frame) }
        try output.writer.send(frame) { (bytes, more, descriptors) throws(SystemError) in
            try socket.socket.send(bytes, more, descriptors: descriptors)
        }
        try watchForRoom(&output)
    }

    /// Holds back what is to be sent; whoever receives the frames of one read may answer each.
    private func gather() { output.withLock { $0.isGathering = true } }

    /// Writes what was held back; who found no room meanwhile is told.
    private func sendGathered(_ receiver: any CarrierReceiver) {
        writeKept(receiver) { output in
            output.isGathering = false
            return !output.waitsForRoom
        }
    }

    /// Writes what is kept, where it may be written; who found no room meanwhile is told.
    private func writeKept(
        _ receiver: any CarrierReceiver, where mayWrite: (inout Output) -> Bool
    ) {
        let (failure, hasDrained) = output.withLock { output -> (SystemError?, Bool) in
            guard mayWrite(&output), !output.hasEnded, !output.isBroken else {
                return (nil, false)
            }
            do throws(SystemError) {
                try flush(&output)
                return (nil, output.writer.queuedByteCount < CarrierLimits.lowMark)
            } catch {
                output.isBroken = true
                return (error, false)
            }
        }
        if hasDrained { receiver.drained() }
        if let failure { failAfterReading(failure) }
    }

    private func watchForRoom(_ output: inout Output) throws(SystemError) {
        let mustWait = !output.writer.isEmpty
        guard mustWait != output.waitsForRoom else { return }
        output.waitsForRoom = mustWait
        try updateInterest(output)
    }

    private func updateInterest(_ output: borrowing Output) throws(SystemError) {
        guard let watch = output.watch, let socket = output.socket else { return }
        try loop.update(watch, socket.socket.descriptor, for: output.interest)
    }

    /// The peer is gone, but what it said before is worth more than the error of our write.
    private func failAfterReading(_ error: SystemError) {
        loop.submit { [self] in
            if let receiver = output.withLock({ $0.receiver }) { readToEnd(receiver) }
            close(.system(error))
        }
    }
}

// MARK: - On the loop's thread

extension UnixCarrier {
    private func ready(_ readiness: Readiness, _ receiver: any CarrierReceiver) {
        if readiness.contains(.writable) { writeKept(receiver) { _ in true } }
        // After the peer's end nothing more comes than is there: it is read, wanted or not, or the
        // loop would be told of it without end.
        let isOver = !readiness.isDisjoint(with: [.hangUp, .failure])
        guard isOver || readiness.contains(.readable) else { return }
        var byteCount = 0
        while byteCount < Self.mostReadInARow, isOver || isReading {
            guard case .more(let count) = read(receiver) else { return }
            byteCount += count
        }
    }

    /// Reads to the peer's end of the stream, or as far as it is there, or as far as is reasonable: a
    /// peer that no longer listens may still talk without end.
    private func readToEnd(_ receiver: any CarrierReceiver) {
        for _ in 0..<Self.mostLastReads {
            if case .over = read(receiver) { return }
        }
    }

    /// How a read went.
    private enum Progress {
        /// So many bytes came, as many as were asked for: there may be more.
        case more(Int)
        /// All that was there has been read; the end of the stream may be behind it.
        case drained
        /// Nothing was there, or nothing more will be.
        case over
    }

    /// Reads once and delivers what is whole.
    private func read(_ receiver: any CarrierReceiver) -> Progress {
        enum Outcome { case read(Progress), nothing, end(FrameError?), failed(SystemError) }
        let outcome: Outcome = input.withLock { input in
            guard let socket = input.socket else { return .nothing }
            do throws(SystemError) {
                let read = try input.decoder.fill { (room) throws(SystemError) in
                    try socket.socket.receive(appendingTo: &room)
                }
                guard let read else { return .nothing }
                if read.byteCount == 0 { return .end(input.decoder.endOfStream()) }
                return .read(read.byteCount < read.room ? .drained : .more(read.byteCount))
            } catch {
                return .failed(error)
            }
        }
        switch outcome {
        case .nothing: break
        case .read(let progress): return deliver(to: receiver) ? progress : .over
        case .end(let error): close(error.map { .malformed($0) } ?? .endOfStream)
        case .failed(let error): close(.system(error))
        }
        return .over
    }

    /// Hands on the frames that are whole; false when what came cannot be one.
    private func deliver(to receiver: any CarrierReceiver) -> Bool {
        var isGathering = false
        defer { if isGathering { sendGathered(receiver) } }
        do throws(FrameError) {
            while let (frame, isLast) = try nextFrame() {
                if !isLast, !isGathering {
                    gather()
                    isGathering = true
                }
                receiver.received(frame)
                if isLast { return true }
            }
            return true
        } catch {
            close(.malformed(error))
            return false
        }
    }

    private func nextFrame() throws(FrameError) -> (frame: Frame, isLast: Bool)? {
        try input.withLock { (input) throws(FrameError) in
            guard let frame = try input.decoder.next() else { return nil }
            return (frame, isLast: input.decoder.isAtEnd)
        }
    }

    private func release() {
        output.withLock { output in
            if let watch = output.watch, let socket = output.socket {
                loop.cancel(watch, socket.socket.descriptor)
            }
            output.watch = nil
            output.socket = nil
        }
        input.withLock { input in
            input.socket = nil
            input.decoder.letGo()
        }
    }
}
