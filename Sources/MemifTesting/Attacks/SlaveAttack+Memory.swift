internal import Glibc
internal import LinuxIO
internal import Memif

extension SlaveAttack {
    /// Files and sizes that no region may have.
    static var regions: [SlaveAttack] {
        numbered + files
    }

    private static var numbered: [SlaveAttack] {
        func region(
            _ name: String, _ code: DisconnectReason.Code, index: UInt16 = 0, _ size: UInt64,
            _ text: String = "region"
        ) -> SlaveAttack {
            SlaveAttack(name, .refusal(code), text) { slave in
                try await slave.advance(to: .initialized)
                try slave.say(
                    .addRegion(ControlMessage.AddRegion(index: index, byteCount: size)))
            }
        }
        return [
            region("region 1 before region 0", .protocolViolation, index: 1, 4096),
            region("region 65535", .protocolViolation, index: .max, 4096),
            region("a region of no byte", .protocolViolation, 0),
            region("a region of 2^64 - 1 bytes", .limitExceeded, .max),
            region("a region of 2^63 bytes", .limitExceeded, 1 << 63),
            region("a region of 1 TiB", .limitExceeded, 1 << 40),
            region("a region longer than its file", .regionRefused, 1 << 20, "of a file of"),
            SlaveAttack("region 0 twice", .refusal(.protocolViolation), "1 is next") { slave in
                try await slave.advance(to: .regionAdded)
                try slave.say(
                    .addRegion(ControlMessage.AddRegion(index: 0, byteCount: 4096)))
            },
            SlaveAttack("257 regions", .refusal(.limitExceeded), "256 regions") { slave in
                try await slave.advance(to: .initialized)
                // Apart, because an optimised build of a loop that awaits at times crashes the compiler.
                try await slave.announceRegions(256)
                try slave.say(
                    .addRegion(ControlMessage.AddRegion(index: 256, byteCount: 4096)))
            },
        ]
    }

    private static var files: [SlaveAttack] {
        func file(
            _ name: String, _ text: String,
            _ make: @escaping @Sendable (RawSlave) throws -> OwnedDescriptor
        ) -> SlaveAttack {
            SlaveAttack(name, .refusal(.regionRefused), text) { slave in
                try await slave.advance(to: .initialized)
                let region = ControlMessage.AddRegion(index: 0, byteCount: 4096)
                let file = try make(slave)
                try slave.peer.send(.addRegion(region), descriptors: [file.rawValue])
            }
        }
        return [
            file("a file that can be cut", "F_SEAL_SHRINK") { _ in
                try .memoryFile(name: "hostile", byteCount: 4096, seals: [])
            },
            file("a file that can only grow", "F_SEAL_SHRINK") { _ in
                try .memoryFile(name: "hostile", byteCount: 4096, seals: .grow)
            },
            file("a file that cannot be written", "Operation not permitted") { _ in
                // F_SEAL_WRITE (8): no mapping of it can be written.
                try .memoryFile(
                    name: "hostile", byteCount: 4096, seals: [.shrink, Seals(rawValue: 8)])
            },
            file("a descriptor that may only read", "") { slave in
                try HostileFile.open("/proc/self/fd/\(slave.memory.file.rawValue)", O_RDONLY)
            },
            file("a device", "F_SEAL_SHRINK") { _ in
                try HostileFile.open("/dev/zero", O_RDWR)
            },
            file("a file on a disk", "F_SEAL_SHRINK") { _ in
                try HostileFile.open("/proc/self/exe", O_RDONLY)
            },
            file("a directory", "F_SEAL_SHRINK") { _ in try HostileFile.open("/", O_RDONLY) },
            file("a file of the kernel's", "F_SEAL_SHRINK") { _ in
                try HostileFile.open("/proc/self/mem", O_RDWR)
            },
            file("an eventfd in place of a file", "") { slave in
                try slave.sendingInterrupt.descriptor.duplicate()
            },
            file("a socket in place of a file", "") { _ in
                try UnixSocket.pair(.stream).first.descriptor.duplicate()
            },
        ]
    }

    /// Rings that do not lie where rings may, are too many, or are none.
    static var rings: [SlaveAttack] { places + numbers + contents }

    private static func ring(
        _ name: String, _ code: DisconnectReason.Code, _ text: String,
        _ change: @escaping @Sendable (inout ControlMessage.AddRing) -> Void
    ) -> SlaveAttack {
        SlaveAttack(name, .refusal(code), text) { slave in
            try await slave.advance(to: .regionAdded)
            var ring = slave.announcements[0]
            change(&ring)
            try slave.say(.addRing(ring))
        }
    }

    private static var places: [SlaveAttack] {
        [
            ring("a ring in region 1 of 1", .protocolViolation, "region 1") { $0.region = 1 },
            ring("a ring in region 65535", .protocolViolation, "region 65535") {
                $0.region = .max
            },
            ring("a ring beyond its region", .protocolViolation, "beyond region 0") {
                $0.offset = 0xFFFF_FFF0
            },
            ring("a ring whose last slot is outside", .protocolViolation, "beyond region 0") {
                $0.log2Size = 14
            },
            ring("a ring that is not aligned", .protocolViolation, "not aligned") {
                $0.offset = 8
            },
            ring("a ring of one slot", .protocolViolation, "2^0 slots") { $0.log2Size = 0 },
            ring("a ring of 2^15 slots", .protocolViolation, "2^15 slots") { $0.log2Size = 15 },
            ring("a ring of 2^255 slots", .protocolViolation, "2^255 slots") {
                $0.log2Size = .max
            },
            ring("private headers", .protocolViolation, "private headers") {
                $0.privateHeaderByteCount = 1
            },
            SlaveAttack("two rings in one place", .refusal(.protocolViolation), "overlaps") {
                try await $0.advance(to: .regionAdded)
                var ring = $0.announcements[0]
                try $0.say(.addRing(ring))
                ring.direction = .masterToSlave
                ring.offset = 64
                try $0.say(.addRing(ring))
            },
        ]
    }

    private static var numbers: [SlaveAttack] {
        [
            ring("ring 1 before ring 0", .protocolViolation, "0 is next") { $0.index = 1 },
            ring("ring 65535", .protocolViolation, "0 is next") { $0.index = .max },
            SlaveAttack("a ring twice", .refusal(.protocolViolation), "1 is next") { slave in
                try await slave.advance(to: .regionAdded)
                try slave.say(.addRing(slave.announcements[0]))
                try slave.say(.addRing(slave.announcements[0]))
            },
            SlaveAttack(
                "17 rings where 16 are allowed", .refusal(.limitExceeded), "more than 16 rings"
            ) { slave in
                try await slave.advance(to: .regionAdded)
                try await slave.announceRings(16)
                try slave.say(.addRing(slave.ring(16)))
            },
            SlaveAttack("CONNECT without a ring", .refusal(.protocolViolation), "without any ring")
            {
                try await $0.advance(to: .regionAdded)
                try $0.say(.connect(interfaceName: ""))
            },
            SlaveAttack(
                "CONNECT without a region", .refusal(.protocolViolation), "without any ring"
            ) {
                try await $0.advance(to: .initialized)
                try $0.say(.connect(interfaceName: ""))
            },
        ]
    }

    private static var contents: [SlaveAttack] {
        func cookie(_ direction: RingDirection, _ value: UInt32) -> SlaveAttack {
            SlaveAttack(
                "cookie \(value) in the ring \(direction.rawValue)",
                .refusal(.protocolViolation), "\(direction.rawValue) ring 0 does not begin"
            ) { slave in
                let ring = direction == .slaveToMaster ? slave.sending : slave.receiving
                ring.setCookie(value)
                try await slave.advance(to: .ringsAdded)
                try slave.say(.connect(interfaceName: ""))
            }
        }
        func interrupt(
            _ name: String, _ text: String = "without an eventfd",
            _ make: @escaping @Sendable (RawSlave) throws -> OwnedDescriptor
        ) -> SlaveAttack {
            SlaveAttack(name, .refusal(.protocolViolation), text) { slave in
                try await slave.advance(to: .regionAdded)
                let descriptor = try make(slave)
                for ring in slave.announcements {
                    try slave.peer.send(.addRing(ring), descriptors: [descriptor.rawValue])
                    try await slave.peer.expect("ACK")
                }
                try slave.say(.connect(interfaceName: ""))
            }
        }
        return [
            cookie(.slaveToMaster, 0), cookie(.masterToSlave, 0x03E3_1F21),
            // A write to it would end a process that does not ignore SIGPIPE.
            interrupt("a socket without a reader as an interrupt") { _ in
                try UnixSocket.pair(.stream).first.descriptor.duplicate()
            },
            interrupt("a file as an interrupt") { try $0.memory.file.duplicate() },
            interrupt("an eventfd that cannot be emptied", "counts down by one") { _ in
                try EventCounter(value: 1_000_000, isSemaphore: true).descriptor.duplicate()
            },
            interrupt("a device as an interrupt") { _ in
                try HostileFile.open("/dev/null", O_RDWR)
            },
        ]
    }
}

extension RawSlave {
    /// The announcement of one of many rings.
    fileprivate func ring(_ index: UInt16) -> ControlMessage.AddRing {
        var ring = announcements[0]
        ring.index = index
        ring.offset = UInt32(index) * 512
        return ring
    }

    /// Announces so many rings, each of which the master takes.
    fileprivate func announceRings(_ count: UInt16) async throws {
        for index in 0..<count {
            try say(.addRing(ring(index)))
            try await peer.expect("ACK")
        }
    }

    /// Announces so many regions, each of which the master takes.
    fileprivate func announceRegions(_ count: UInt16) async throws {
        for index in 0..<count {
            try say(.addRegion(ControlMessage.AddRegion(index: index, byteCount: 4096)))
            try await peer.expect("ACK")
        }
    }
}
