extension ReceiveQueue {
    /// How a frame that is not one plain buffer went.
    enum OddFrame {
        /// It was taken or dropped; the next frame begins at this index.
        case done(UInt16)
        /// It stays where it is, and the burst ends here: for what cannot be right, or for now.
        case stays(LinkEnd?)
    }

    /// Receives a frame of any kind: a chained one most of the time. Drops an empty or overlong one.
    ///
    /// A chain is bounded by what the sender has published, which is bounded by the ring.
    @inline(never)
    mutating func takeOddFrame<Sink: FrameSink & ~Copyable>(
        at start: UInt16, into sink: inout Sink
    ) -> OddFrame {
        var index = start
        var length = 0
        var isWanted = true
        while index != limit {
            let descriptor = ring.descriptor(at: index)
            length += Int(descriptor.length)
            if length > longestFrame { isWanted = false }
            // What is to be dropped is followed to its end all the same.
            let piece =
                isWanted
                ? sink.take(descriptor, slot: index, from: buffers)
                : buffers.isWithinBounds(descriptor, slot: index) ? .taken : .outOfBounds
            switch piece {
            case .taken: break
            case .outOfBounds:
                sink.abandonFrame()
                return .stays(violation("a descriptor points outside the regions"))
            case .noRoom:
                sink.abandonFrame()
                // A frame for which there is no room where nothing else is will never have any.
                guard sink.isEmpty else { return .stays(nil) }
                isWanted = false
            }
            index &+= 1
            if !descriptor.hasNext {
                finish(isWanted ? length : 0, &sink)
                return .done(index)
            }
        }
        sink.abandonFrame()
        // Slots that views hold have no room for frames: such a chain may have an end yet.
        if index &- start == ring.size { return .stays(violation("a chain without an end")) }
        isStalled = true
        return .stays(nil)
    }

    private mutating func finish<Sink: FrameSink & ~Copyable>(_ length: Int, _ sink: inout Sink) {
        guard length > 0 else {
            sink.abandonFrame()
            counters.drops &+= 1
            return
        }
        counters.bytes &+= UInt64(length)
        sink.closeFrame()
    }

    private func violation(_ text: StaticString) -> LinkEnd { .violation("\(title): \(text)") }

    /// Ends a burst that brought so many frames: the link too, where the peer broke the rules.
    @inline(__always)
    mutating func endBurst(_ count: Int, _ problem: LinkEnd?) throws(LinkEnd) -> Int {
        counters.packets &+= UInt64(count)
        shared.store(counters)
        if let problem {
            fail(problem)
            if count == 0 { throw problem }
        }
        return count
    }
}

/// What received frames are put into, piece by piece.
protocol FrameSink: ~Copyable {
    /// Whether it holds no frame, but for the one that is open.
    var isEmpty: Bool { get }

    /// Adds a slot's bytes to the frame that is open.
    mutating func take(
        _ descriptor: Descriptor, slot index: UInt16, from buffers: BufferSpace
    ) -> BufferSpace.Taking

    /// Ends the frame that is open.
    mutating func closeFrame()

    /// Forgets the frame that is open.
    mutating func abandonFrame()
}

extension FrameBatch: FrameSink {
    @inline(__always)
    mutating func take(
        _ descriptor: Descriptor, slot index: UInt16, from buffers: BufferSpace
    ) -> BufferSpace.Taking {
        buffers.copyOut(descriptor, slot: index, into: &self)
    }
}

extension FramePieces: FrameSink {
    var isEmpty: Bool { frameCount == 0 }

    @inline(__always)
    mutating func take(
        _ descriptor: Descriptor, slot index: UInt16, from buffers: BufferSpace
    ) -> BufferSpace.Taking {
        guard let piece = buffers.piece(descriptor, slot: index) else { return .outOfBounds }
        guard hasRoom else { return .noRoom }
        // An empty piece within a chain is nothing to look at.
        if descriptor.length > 0 { append(piece) }
        return .taken
    }
}
