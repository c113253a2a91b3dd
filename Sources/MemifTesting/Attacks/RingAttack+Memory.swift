internal import LinuxIO
internal import Memif

extension RingAttack {
    /// Empty buffers in which a master cannot put anything.
    static var buffers: [RingAttack] {
        let wild: [(region: UInt16, length: UInt32, offset: UInt32, text: String)] = [
            (1, 2048, 0, "lies outside"), (65_535, 2048, 0, "lies outside"),
            (0, 2048, .max, "lies outside"), (0, .max, 64, "lies outside"),
            (0, .max, .max, "lies outside"), (0, 0, 4096, "has no room"),
        ]
        let outside = wild.map { buffer in
            RingAttack(
                "an empty buffer in region \(buffer.region) at \(buffer.offset) of "
                    + "\(buffer.length) bytes", .refusal("an empty buffer \(buffer.text)"),
                to: [.master]
            ) { end in
                end.receiving.setDescriptor(
                    0, region: buffer.region, length: buffer.length, offset: buffer.offset)
                end.transmit([UInt8](repeating: 1, count: 60))
            }
        }
        let tiny = RingAttack(
            "buffers of one byte: no frame fits into the whole ring", .link, to: [.master]
        ) { end in
            for slot in 0..<end.ringSize {
                end.receiving.setDescriptor(slot, length: 1, offset: 4096)
            }
            end.transmit([UInt8](repeating: 1, count: 60))
            try await end.awaitConsumed(1)
        }
        let inRing = RingAttack(
            "empty buffers where the rings themselves are", .either, to: [.master]
        ) { end in
            for slot in 0..<end.ringSize {
                end.receiving.setDescriptor(slot, length: 2048, offset: 0)
            }
            for value in [0xFF, 0x00, 0x5A] as [UInt8] {
                end.transmit([UInt8](repeating: value, count: 900))
            }
        }
        let full = RingAttack("room is never given back", .link) { end in
            for round in 0..<40 as Range<UInt16> {
                end.transmit([UInt8(round)])
                try await end.awaitConsumed(Int(round) + 1)
            }
            guard end.victimIndex(end.receiving) == end.ringSize else {
                throw RawPeerError("the victim sent more than there was room for")
            }
        }
        return outside + [tiny, inRing, full]
    }

    /// Words that are the victim's to write, and those that nobody should.
    static var rewrites: [RingAttack] {
        [
            RingAttack("the victim's own indexes, again and again", .link) { end in
                for round in 0..<10 as Range<UInt16> {
                    let frame = [UInt8](repeating: UInt8(round), count: 60)
                    end.setVictimIndex(round &* 777, of: end.sending)
                    end.setVictimIndex(round &* 999, of: end.receiving)
                    end.transmit(frame)
                    try await end.expectEcho(of: frame, at: round)
                }
            },
            RingAttack("the places of the victim's own buffers", .link, to: [.slave]) { end in
                let places = (0..<end.ringSize).map { end.buffer($0) }
                for slot in 0..<end.ringSize {
                    end.receiving.setDescriptor(slot, region: 9, length: .max, offset: .max)
                }
                let frame = [UInt8](repeating: 5, count: 60)
                end.memory.set(frame, at: Int(places[0]))
                end.sending.setDescriptor(0, region: 77, length: 60, offset: 12)
                end.publish(1, on: end.sending)
                try await end.expectEcho(of: frame, at: 0)
                guard end.buffer(0) == places[0] else {
                    throw RawPeerError("the buffer was given back at another place")
                }
            },
            RingAttack("cookies and flags", .link) { end in
                for ring in [end.sending, end.receiving] {
                    ring.setCookie(0xFFFF_FFFF)
                    ring.flags = 0xFFFE
                }
                let frame = [UInt8](repeating: 6, count: 60)
                end.transmit(frame)
                try await end.expectEcho(of: frame, at: 0)
            },
            // A seal against shrinking does not keep pages from being emptied.
            RingAttack("a hole in place of all rings and buffers", .either) { end in
                end.transmit([UInt8](repeating: 1, count: 60))
                try await end.awaitVictim(end.receiving, at: 1)
                try end.memory.punchHole()
                for _ in 0..<20 { end.sendingInterrupt.counter.signal() }
            },
        ]
    }

    /// Eventfds that are spoiled.
    static var interrupts: [RingAttack] {
        [
            RingAttack("eventfds that block and are full", .link) { end in
                for interrupt in [end.sendingInterrupt, end.receivingInterrupt] {
                    try interrupt.counter.descriptor.setNonblocking(false)
                    interrupt.fill()
                }
                let frame = [UInt8](repeating: 4, count: 60)
                end.transmit(frame)
                try await end.expectEcho(of: frame, at: 0)
            },
            RingAttack("interrupts without a frame, as fast as they go", .link) { end in
                let until = ContinuousClock.now + .milliseconds(50)
                while ContinuousClock.now < until { end.sendingInterrupt.counter.signal() }
                let frame = [UInt8](repeating: 4, count: 60)
                end.transmit(frame)
                try await end.expectEcho(of: frame, at: 0)
            },
            RingAttack("frames without an interrupt", .link) { end in
                try await Task.sleep(for: .milliseconds(5))
                end.describe([UInt8](repeating: 4, count: 60), at: 0)
                if end.role == .slave { end.sending.head = 1 } else { end.sending.tail = 1 }
            },
        ]
    }

    /// What is written while it is looked at.
    static var races: [RingAttack] {
        func race(
            _ name: String, _ scribble: @escaping @Sendable (HostileEnd, UInt16) -> Void
        ) -> RingAttack {
            RingAttack(name, .either) { end in
                let until = ContinuousClock.now + .milliseconds(100)
                var round: UInt16 = 0
                while ContinuousClock.now < until {
                    end.transmit([UInt8](repeating: 1, count: 60))
                    for _ in 0..<20 {
                        scribble(end, round)
                        round &+= 1
                    }
                }
            }
        }
        return [
            race("lengths that change while a frame is taken") { end, round in
                for slot in 0..<end.ringSize {
                    end.sending.setDescriptor(
                        slot, length: round % 2 == 0 ? 60 : 0xFFFF_FF00, offset: end.buffer(slot))
                }
            },
            race("chains that grow and shrink while they are followed") { end, round in
                for slot in 0..<end.ringSize {
                    end.sending.setDescriptor(
                        slot, hasNext: (round ^ slot) % 3 == 0, length: 700,
                        offset: end.buffer(slot))
                }
            },
            race("empty buffers that are elsewhere for a moment while they are filled") { end, _ in
                for slot in 0..<end.ringSize {
                    end.receiving.setDescriptor(slot, region: 9, length: .max, offset: .max)
                    end.receiving.setDescriptor(slot, length: 2048, offset: 4096)
                }
            },
            race("indexes that change while they are read") { end, round in
                end.setVictimIndex(round, of: end.sending)
                end.setVictimIndex(round, of: end.receiving)
                end.publish(end.ownIndex(end.receiving) &+ round % 3, on: end.receiving)
            },
            race("bytes that change while they are copied") { end, round in
                end.memory.set(
                    [UInt8](repeating: UInt8(round & 255), count: 60), at: Int(end.buffer(0)))
            },
        ]
    }
}
