/// Frames on their way out, in order, each whole before the next.
///
/// A frame's descriptors follow its bytes: each with a dummy byte of its own, one to a `sendmsg`,
/// because that is how libvirt's peers receive them.
struct FrameWriter: ~Copyable {
    private var frames = FirstInFirstOut<OutgoingFrame>()
    /// How many bytes of the first frame have gone.
    private var sent = 0
    /// Bytes that have not gone yet.
    private(set) var queuedByteCount = 0
    /// Short frames that go together, kept for its memory.
    private var gathered: [UInt8] = []

    /// Frames up to this length are gathered, to about as much at a time.
    private static let mostGathered = 16_384

    var isEmpty: Bool { frames.isEmpty }

    mutating func append(_ frame: OutgoingFrame) {
        frames.append(frame)
        queuedByteCount += frame.byteCount
    }

    /// Sends until all has gone or there is no more room.
    ///
    /// - Parameter send: sends some of the bytes, and of those that follow them, with descriptors, and
    ///   says how many went; nil when there is no room.
    mutating func flush<Failure: Error>(
        _ send: (RawSpan, RawSpan, [Int32]) throws(Failure) -> Int?
    ) throws(Failure) {
        while let frame = frames.first {
            if frames.count > 1, gather() {
                guard let count = try send(gathered.span.raw, RawSpan(), []) else { return }
                let isAll = count == gathered.count
                drop(count)
                if isAll { continue } else { return }
            }
            if sent < frame.byteCount {
                let head = frame.head.span.raw.extracting(min(sent, frame.head.count)...)
                let data = frame.data.span.raw.extracting(max(0, sent - frame.head.count)...)
                guard let count = try send(head, data, []) else { return }
                sent += count
                queuedByteCount -= count
                // Part of it went: there is no more room.
                guard sent == frame.byteCount else { return }
            }
            guard try flushDescriptors(of: frame, send) else { return }
            sent = 0
            _ = frames.popFirst()
        }
    }

    /// Sends a frame at once where none is before it, and keeps what there is no room for.
    mutating func send<Failure: Error>(
        _ frame: OutgoingFrame, _ send: (RawSpan, RawSpan, [Int32]) throws(Failure) -> Int?
    ) throws(Failure) {
        guard isEmpty, frame.descriptors == nil else {
            append(frame)
            return try flush(send)
        }
        do throws(Failure) {
            let count = try send(frame.head.span.raw, frame.data.span.raw, []) ?? 0
            guard count < frame.byteCount else { return }
            append(frame)
            sent = count
            queuedByteCount -= count
        } catch {
            append(frame)
            throw error
        }
    }

    /// Joins what is left of the first frame with the short ones behind it; false where there are none,
    /// or descriptors come between.
    private mutating func gather() -> Bool {
        gathered.removeAll(keepingCapacity: true)
        var count = 0
        while count < frames.count, let frame = frames[count], frame.descriptors == nil,
            frame.data.isEmpty, gathered.count + frame.byteCount <= Self.mostGathered
        {
            gathered += count == 0 && sent > 0 ? Array(frame.head[sent...]) : frame.head
            count += 1
        }
        return count > 1
    }

    /// Forgets bytes that have gone, of frames without descriptors.
    private mutating func drop(_ count: Int) {
        queuedByteCount -= count
        sent += count
        while let frame = frames.first, sent >= frame.byteCount {
            sent -= frame.byteCount
            _ = frames.popFirst()
        }
    }

    /// False when there is no more room.
    private mutating func flushDescriptors<Failure: Error>(
        of frame: OutgoingFrame, _ send: (RawSpan, RawSpan, [Int32]) throws(Failure) -> Int?
    ) throws(Failure) -> Bool {
        guard let descriptors = frame.descriptors else { return true }
        let dummy: [1 of UInt8] = [0]
        while let number = descriptors.first {
            guard try send(dummy.span.raw, RawSpan(), [number]) != nil else { return false }
            // The peer has a descriptor of its own now; ours closes.
            _ = descriptors.takeFirst()
        }
        return true
    }

    /// The serials of calls that have not gone whole; the queue is empty afterwards.
    mutating func takeUnsentCalls() -> [UInt32] {
        let serials = frames.elements.compactMap(\.callSerial)
        frames = FirstInFirstOut()
        sent = 0
        queuedByteCount = 0
        return serials
    }
}
