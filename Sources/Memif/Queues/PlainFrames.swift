// SAFETY of the whole file: addresses come from `RingSlots.address`, which has checked that they hold as
// many bytes as the descriptor says, or from the batch, as `FrameBatch` hands out its own.

/// The loops that nearly all frames pass: each is one buffer, and nothing is odd about it. What is odd
/// ends them, and the caller looks at it with care.
extension ReceiveQueue {
    /// Copies frames to the end of a batch, until one is odd, the batch is full, or no more are known of.
    ///
    /// - Returns: the index of the first that was not copied.
    mutating func copyPlainFrames(from start: UInt16, into batch: inout FrameBatch) -> UInt16 {
        if let own = buffers.ownSlots { return copyPlainFrames(own, from: start, into: &batch) }
        return copyPlainFrames(buffers.peerSlots, from: start, into: &batch)
    }

    @inline(__always)
    private mutating func copyPlainFrames<Slots: RingSlots>(
        _ slots: Slots, from start: UInt16, into batch: inout FrameBatch
    ) -> UInt16 {
        // Copies in registers: the compiler must think that a store to a batch could change them.
        let (ring, longest) = (ring, longestFrame)
        var lookahead = Lookahead(
            slots, ring, marks, from: start, to: limit, isWriting: false)
        var filling = unsafe batch.filling
        let most = unsafe min(Int(limit &- start), filling.freeCount)
        var done = 0
        while done < most {
            lookahead.advance()
            let index = start &+ UInt16(truncatingIfNeeded: done)
            let descriptor = ring.descriptor(at: index)
            let length = Int(descriptor.length)
            guard !descriptor.hasNext, length > 0, length <= longest,
                let source = unsafe slots.address(descriptor, slot: index),
                unsafe filling.append(source, count: length)
            else { break }
            done &+= 1
        }
        marks = lookahead.marks
        unsafe counters.bytes &+= UInt64(filling.byteCount)
        unsafe batch.take(filling)
        return start &+ UInt16(truncatingIfNeeded: done)
    }

    /// Views frames behind those that are there, until one is odd, there is no room, or no more are known of.
    ///
    /// - Returns: the index of the first that is not viewed.
    mutating func viewPlainFrames(from start: UInt16, in pieces: inout FramePieces) -> UInt16 {
        if let own = buffers.ownSlots { return viewPlainFrames(own, from: start, in: &pieces) }
        return viewPlainFrames(buffers.peerSlots, from: start, in: &pieces)
    }

    @inline(__always)
    private mutating func viewPlainFrames<Slots: RingSlots>(
        _ slots: Slots, from start: UInt16, in pieces: inout FramePieces
    ) -> UInt16 {
        let (ring, end, longest, headroom) = (ring, limit, longestFrame, buffers.headroom)
        var index = start
        var bytes: UInt64 = 0
        while index != end, pieces.hasRoom {
            let descriptor = ring.descriptor(at: index)
            let length = Int(descriptor.length)
            guard !descriptor.hasNext, length > 0, length <= longest,
                let address = unsafe slots.address(descriptor, slot: index)
            else { break }
            unsafe pieces.append(
                FramePiece(
                    address: address, descriptor: descriptor, headroom: headroom, slot: index))
            pieces.closeFrame()
            bytes &+= UInt64(length)
            index &+= 1
        }
        counters.bytes &+= bytes
        return index
    }
}

extension TransmitQueue {
    /// Puts frames of a batch into a slot each, until one is odd, the room that is known of ends, or none is
    /// left.
    ///
    /// - Returns: how many.
    mutating func placePlainFrames(
        _ batch: borrowing FrameBatch, from first: Int, at start: UInt16
    ) -> Int {
        if let own = buffers.ownSlots {
            return placePlainFrames(own, batch, from: first, at: start)
        }
        return placePlainFrames(buffers.peerSlots, batch, from: first, at: start)
    }

    @inline(__always)
    private mutating func placePlainFrames<Slots: RingSlots>(
        _ slots: Slots, _ batch: borrowing FrameBatch, from first: Int, at start: UInt16
    ) -> Int {
        let (ring, longest) = (ring, longestFrame)
        var lookahead = Lookahead(slots, ring, marks, from: start, to: limit, isWriting: true)
        let frames = unsafe batch.frames(from: first)
        let most = unsafe min(Int(limit &- start), frames.count)
        var bytes = 0
        var done = 0
        while done < most {
            lookahead.advance()
            let index = start &+ UInt16(truncatingIfNeeded: done)
            let (frame, length) = unsafe frames[done]
            let room = slots.room(ring, slot: index)
            guard length > 0, length <= longest, length <= Int(room.length),
                let target = unsafe slots.address(room, slot: index)
            else { break }
            unsafe copyFrame(from: frame, to: target, count: length)
            slots.describe(ring, room.withLength(length), slot: index)
            bytes &+= length
            done &+= 1
        }
        marks = lookahead.marks
        counters.packets &+= UInt64(done)
        counters.bytes &+= UInt64(bytes)
        return done
    }
}
