internal import Memif

extension RingAttack {
    /// Indexes that cannot be true.
    static var indexes: [RingAttack] {
        let jumps = [17, 60_000, 65_535].map { (jump: UInt16) in
            RingAttack(
                "the sender's index jumps by \(jump)",
                .refusal("the sender's index jumped by \(jump)")
            ) { $0.publish(jump, on: $0.sending) }
        }
        let room = [17, 60_000].map { (jump: UInt16) in
            RingAttack(
                "the receiver's index jumps by \(jump)", .refusal("the receiver's index jumped")
            ) { end in
                end.publish(end.ownIndex(end.receiving) &+ jump, on: end.receiving)
                try await end.fillTwice()
            }
        }
        let back = RingAttack("the sender takes a frame back", .refusal("jumped by 65535")) { end in
            end.transmit([UInt8](repeating: 1, count: 60))
            try await end.awaitVictim(end.receiving, at: 1)
            end.publish(0, on: end.sending)
        }
        let taken = RingAttack(
            "the receiver takes room back", .refusal("the receiver's index jumped")
        ) { end in
            end.transmit([UInt8](repeating: 1, count: 60))
            try await end.awaitVictim(end.receiving, at: 1)
            end.publish(end.ownIndex(end.receiving) &- 7, on: end.receiving)
            try await end.fillTwice()
        }
        return jumps + room + [back, taken]
    }

    /// Descriptors that point where no buffer can be.
    static var descriptors: [RingAttack] {
        let wild: [(region: UInt16, length: UInt32, offset: UInt32)] = [
            (1, 60, 0), (65_535, 60, 0), (0, 60, .max), (0, .max, 0), (0, .max, .max),
            (0, 2, 0xFFFF_FFFF),
        ]
        let everywhere = wild.map { descriptor in
            RingAttack(
                "a frame in region \(descriptor.region) at \(descriptor.offset) of "
                    + "\(descriptor.length) bytes", .refusal("points outside the regions"),
                to: [.master]
            ) { end in
                end.transmit([UInt8](repeating: 1, count: 60))
                end.sending.setDescriptor(
                    1, region: descriptor.region, length: descriptor.length,
                    offset: descriptor.offset)
                end.publish(2, on: end.sending)
            }
        }
        let lengths = [2049, 65_536, .max].map { (length: UInt32) in
            RingAttack(
                "a frame of \(length) bytes in a buffer of 2048",
                .refusal("points outside the regions"), to: [.slave]
            ) { end in
                end.sending.setDescriptor(0, length: length, offset: end.buffer(0))
                end.publish(1, on: end.sending)
            }
        }
        let odd = RingAttack("flags and metadata that nobody knows", .link) { end in
            let frame = [UInt8](repeating: 7, count: 60)
            end.describe(frame, at: 0)
            let slot = end.sending.offset + end.sending.layout.slotsOffset
            end.memory[word: slot] = 0xFFFE
            end.memory[long: slot + 12] = .max
            end.publish(1, on: end.sending)
            try await end.expectEcho(of: frame, at: 0)
        }
        return everywhere + lengths + [odd]
    }

    /// Frames in many pieces.
    static var chains: [RingAttack] {
        [
            RingAttack("a chain without an end", .refusal("a chain without an end")) { end in
                for slot in 0..<16 as Range<UInt16> {
                    end.describe([1, 2], hasNext: true, at: slot)
                }
                end.publish(16, on: end.sending)
            },
            RingAttack("a chain of which the end never comes", .link) { end in
                end.transmit([UInt8](repeating: 1, count: 60))
                for slot in 1..<9 as Range<UInt16> {
                    end.describe([1, 2], hasNext: true, at: slot)
                }
                end.publish(9, on: end.sending)
                try await end.expectEcho(of: [UInt8](repeating: 1, count: 60), at: 0)
            },
            RingAttack(
                "a chain that is too long to be kept and then points outside",
                .refusal("points outside the regions")
            ) { end in
                for slot in 0..<12 as Range<UInt16> {
                    end.describe([UInt8](repeating: 1, count: 2000), hasNext: true, at: slot)
                }
                end.sending.setDescriptor(12, length: .max, offset: 0)
                end.publish(13, on: end.sending)
            },
            RingAttack("frames without a byte, and chains of them", .link) { end in
                for slot in 0..<15 as Range<UInt16> {
                    end.sending.setDescriptor(
                        slot, hasNext: slot % 2 == 0, length: 0, offset: end.buffer(slot))
                }
                end.sending.setDescriptor(14, length: 0, offset: end.buffer(14))
                end.publish(15, on: end.sending)
                let frame = [UInt8](repeating: 3, count: 60)
                end.transmit(frame)
                try await end.expectEcho(of: frame, at: 0)
            },
        ]
    }
}

extension HostileEnd {
    /// Waits for a frame of one slot to come back, and looks at its bytes.
    func expectEcho(of frame: [UInt8], at index: UInt16) async throws {
        try await awaitVictim(receiving, at: index &+ 1)
        let place = Int(receiving.bufferOffset(index))
        guard Int(receiving.length(index)) == frame.count,
            memory.bytes(at: place, count: frame.count) == frame
        else { throw RawPeerError("another frame came back than was sent") }
    }

    /// Sends until the victim's own ring is full and it must look for room.
    func fillTwice() async throws {
        let start = ownIndex(sending)
        for slot in start..<start + ringSize { describe([1, 2, 3], at: slot) }
        publish(start + ringSize, on: sending)
        // A master looks at once; a slave knows of a whole ring's room.
        if role == .slave { return }
        try await awaitConsumed(Int(start + ringSize))
        transmit([1])
    }
}
