internal import LibvirtProtocol
public import LinuxIO
internal import XDR

/// Cuts a stream of bytes, as it comes, into frames.
///
/// The decoder owns the memory that is read into. Small frames are read many at a time and copied
/// out; a long frame's payload is read straight into the array that the frame will own. That array
/// is not written before bytes arrive, so that a length word alone takes addresses and no memory.
///
/// Use: fill with `fill`, or `append`; then take frames with `next` until it returns nil.
public struct FrameDecoder: ~Copyable {
    private enum Phase {
        /// Length word, header and, for some types, the count of descriptors.
        case prefix
        /// A long frame's payload, which goes straight to `body`.
        case body(Prefix)
        /// The dummy bytes that carry a frame's descriptors.
        case descriptors(Prefix, payload: [UInt8])
    }

    struct Prefix {
        let header: virNetMessageHeader
        let length: Int
        let byteCount: Int
        let descriptorCount: Int
        var payloadLength: Int { length - byteCount }
    }

    private static let bufferSize = 65_536
    /// How much is read at a time soon after a long frame: likely another's beginning, whose payload is
    /// better read into its own memory than copied there.
    private static let shortRead = 4_096
    private static let shortReadsBehindLong = 4

    private let allowed: ClosedRange<Int>
    private var phase = Phase.prefix
    /// What has been read, frames taken before `start` included.
    private var buffer: [UInt8] = []
    private var start = 0
    private var body: [UInt8] = []
    private var shortReadsLeft = 0
    private var descriptors = DescriptorQueue()
    private var collected = DescriptorQueue()
    /// Whether one came for which this process had no room.
    private var hasLostDescriptors = false
    /// Where in the stream the frame begins that is being read.
    private var frameOffset: UInt64 = 0

    /// A decoder at the start of a stream.
    ///
    /// - Parameter longest: the longest frame to accept, length word included.
    public init(longest: Int = FrameLimits.longest) {
        precondition(FrameLimits.shortest <= longest && longest <= FrameLimits.longest)
        allowed = FrameLimits.shortest...longest
        buffer.reserveCapacity(Self.bufferSize)
    }

    /// Reads more of the stream.
    ///
    /// - Parameter read: appends bytes to the memory that it is given (never without room), and
    ///   returns the descriptors that came; nil for nothing.
    /// - Returns: how many bytes were read and how many were asked for; nil for nothing.
    public mutating func fill<Failure: Error>(
        _ read: (inout OutputSpan<UInt8>) throws(Failure) -> Received?
    ) throws(Failure) -> (byteCount: Int, room: Int)? {
        var received: Received?
        let room: Int
        if case .body(let prefix) = phase {
            room = prefix.payloadLength - body.count
            try body.append(addingCapacity: room) { (output) throws(Failure) in
                received = try read(&output)
            }
        } else {
            room = makeRoom()
            try buffer.append(addingCapacity: room) { (output) throws(Failure) in
                received = try read(&output)
            }
        }
        guard let count = received?.byteCount else { return nil }
        if received?.isTruncated == true { hasLostDescriptors = true }
        while let descriptor = received?.descriptors.popFirst() { descriptors.append(descriptor) }
        return (count, room)
    }

    /// Takes in bytes that were read elsewhere, and descriptors that came with them.
    ///
    /// - Parameter body: called after each part that fits the decoder's memory; takes the frames.
    public mutating func append<Failure: Error>(
        _ bytes: RawSpan, descriptors: consuming DescriptorQueue = DescriptorQueue(),
        _ body: (inout FrameDecoder) throws(Failure) -> Void
    ) throws(Failure) {
        self.descriptors.append(contentsOf: descriptors)
        var taken = 0
        while taken < bytes.byteCount {
            let part = fill { output in
                let count = min(output.freeCapacity, bytes.byteCount - taken)
                output.append(copying: bytes.extracting(taken..<taken + count))
                return Received(
                    byteCount: count, isTruncated: false, descriptors: DescriptorQueue())
            }
            taken += part?.byteCount ?? 0
            try body(&self)
        }
    }

    /// The next frame that is there whole, with all of its descriptors; nil when more must be read.
    ///
    /// - Throws: `FrameError` when what is there cannot be a frame. The stream is lost then.
    public mutating func next() throws(FrameError) -> Frame? {
        while true {
            switch phase {
            case .prefix:
                guard let prefix = try parsePrefix() else {
                    try checkDescriptorsLeft(atMost: 0)
                    return nil
                }
                // As most are: whole and without descriptors.
                if prefix.descriptorCount == 0, buffer.count - start >= prefix.length {
                    defer { frameOffset += UInt64(prefix.length) }
                    return Frame(
                        header: prefix.header, payload: copyPayload(of: prefix),
                        streamOffset: frameOffset)
                }
                guard takePayload(of: prefix) else {
                    try checkDescriptorsLeft(atMost: 0)
                    return nil
                }
            case .body(let prefix):
                guard body.count == prefix.payloadLength else {
                    try checkDescriptorsLeft(atMost: 0)
                    return nil
                }
                let payload = body
                body = []
                shortReadsLeft = Self.shortReadsBehindLong
                phase = .descriptors(prefix, payload: payload)
            case .descriptors(let prefix, let payload):
                guard try collectDescriptors(prefix.descriptorCount) else {
                    try checkDescriptorsLeft(atMost: prefix.descriptorCount - collected.count)
                    return nil
                }
                phase = .prefix
                defer { frameOffset += UInt64(prefix.length + prefix.descriptorCount) }
                return Frame(
                    header: prefix.header, payload: payload,
                    descriptors: prefix.descriptorCount > 0 ? takeCollected() : nil,
                    streamOffset: frameOffset)
            }
        }
    }

    /// What the end of the stream means here: nil between two frames, an error within one.
    public func endOfStream() -> FrameError? {
        switch phase {
        case .prefix:
            let count = buffer.count - start
            if count == 0 { return nil }
            let length = count >= 4 ? Int(word(at: 0)) : nil
            return FrameError(.truncated(received: count, expected: length), at: frameOffset)
        case .body(let prefix):
            return FrameError(
                .truncated(received: prefix.byteCount + body.count, expected: prefix.length),
                at: frameOffset)
        case .descriptors: return FrameError(.missingDescriptor, at: frameOffset)
        }
    }

    /// Lets go of the memory, and of what came of a frame that will never be whole, descriptors too.
    mutating func letGo() {
        phase = .prefix
        (buffer, start, body) = ([], 0, [])
        descriptors = DescriptorQueue()
        collected = DescriptorQueue()
    }
}

extension FrameDecoder {
    private func word(at offset: Int) -> UInt32 {
        buffer.span.raw.bigEndianWord(at: start + offset)
    }

    /// Whether nothing is there that belongs to a frame not taken yet.
    var isAtEnd: Bool { start == buffer.count && descriptors.isEmpty }

    /// Takes a payload that is there whole.
    private mutating func copyPayload(of prefix: Prefix) -> [UInt8] {
        let payload = [UInt8](
            copying: buffer.span.raw.extracting(
                start + prefix.byteCount..<start + prefix.length))
        start += prefix.length
        return payload
    }

    /// Reads what comes before the payload, once it is there.
    private func parsePrefix() throws(FrameError) -> Prefix? {
        let available = buffer.count - start
        guard available >= 4 else { return nil }
        let length = word(at: 0)
        guard allowed.contains(Int(length)) else {
            let head = Array(buffer[start...].prefix(16))
            if let peer = ForeignPeer.recognise(head) {
                throw FrameError(.foreignPeer(peer), at: frameOffset)
            }
            throw FrameError(.length(length, allowed: allowed), at: frameOffset)
        }
        guard available >= FrameLimits.shortest else { return nil }
        let header = parseHeader()
        guard (0...6).contains(header.type.rawValue) else {
            throw FrameError(.unknownType(header.type.rawValue), at: frameOffset)
        }
        guard header.type.carriesDescriptors else {
            return Prefix(
                header: header, length: Int(length), byteCount: FrameLimits.shortest,
                descriptorCount: 0)
        }
        let byteCount = FrameLimits.shortest + 4
        guard length >= byteCount else {
            throw FrameError(
                .length(length, allowed: byteCount...allowed.upperBound), at: frameOffset)
        }
        guard available >= byteCount else { return nil }
        let count = word(at: FrameLimits.shortest)
        guard count <= FrameLimits.mostDescriptors else {
            throw FrameError(.descriptorCount(count), at: frameOffset)
        }
        return Prefix(
            header: header, length: Int(length), byteCount: byteCount, descriptorCount: Int(count))
    }

    private func parseHeader() -> virNetMessageHeader {
        virNetMessageHeader(
            prog: word(at: 4), vers: word(at: 8), proc: Int32(bitPattern: word(at: 12)),
            type: virNetMessageType(rawValue: Int32(bitPattern: word(at: 16))),
            serial: word(at: 20),
            status: virNetMessageStatus(rawValue: Int32(bitPattern: word(at: 24))))
    }

    /// Copies a payload that is there whole, or begins to read a long one into memory of its own;
    /// false when more must be read.
    private mutating func takePayload(of prefix: Prefix) -> Bool {
        if buffer.count - start >= prefix.length {
            phase = .descriptors(prefix, payload: copyPayload(of: prefix))
            return true
        }
        guard prefix.length > Self.bufferSize else { return false }
        body.reserveCapacity(prefix.payloadLength)
        body.append(contentsOf: buffer[(start + prefix.byteCount)...])
        start = buffer.count
        phase = .body(prefix)
        return false
    }

    /// Lets go of frames that were taken, and says how much is to be read.
    private mutating func makeRoom() -> Int {
        // Moves at most one unfinished frame, which is shorter than the buffer.
        buffer.removeFirst(start)
        start = 0
        // A long frame leaves less than a short read: there is room for them all.
        guard shortReadsLeft > 0 else { return Self.bufferSize - buffer.count }
        shortReadsLeft -= 1
        return Self.shortRead
    }

    /// Takes a dummy byte and its descriptor for each that the frame announced; false when one has
    /// not come yet.
    private mutating func collectDescriptors(_ count: Int) throws(FrameError) -> Bool {
        while collected.count < count {
            guard start < buffer.count else { return false }
            start += 1
            guard let descriptor = descriptors.popFirst() else {
                throw FrameError(
                    hasLostDescriptors ? .lostDescriptor : .missingDescriptor, at: frameOffset)
            }
            collected.append(descriptor)
        }
        return true
    }

    private mutating func takeCollected() -> PassedDescriptors {
        var taken = DescriptorQueue()
        while let descriptor = collected.popFirst() { taken.append(descriptor) }
        return PassedDescriptors(taken)
    }

    /// Descriptors come only behind the frame that announces them: a peer cannot pile them up.
    private func checkDescriptorsLeft(atMost count: Int) throws(FrameError) {
        guard descriptors.count <= count else {
            throw FrameError(.unannouncedDescriptor, at: frameOffset)
        }
    }
}

extension virNetMessageType {
    /// Whether descriptors follow frames of this type.
    var carriesDescriptors: Bool {
        self == .VIR_NET_CALL_WITH_FDS || self == .VIR_NET_REPLY_WITH_FDS
    }
}
