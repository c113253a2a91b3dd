internal import LinuxIO
internal import Synchronization

/// A piece of shared memory of a link, mapped here.
///
/// The file stays open beside the mapping: with it, another process could take the link over.
final class Region: Sendable {
    let file: OwnedDescriptor
    let mapping: SharedMapping
    /// Whether it was made here.
    private let isOurs: Bool

    var byteCount: Int { mapping.byteCount }

    /// Admits a region that a peer announced.
    ///
    /// The file must be at least as large as announced and sealed against shrinking, so that no
    /// access can meet a page that is gone. `populate` is to be called before any access, so that none waits
    /// for a page.
    init(
        peerFile file: consuming OwnedDescriptor, byteCount: UInt64, limits: InterfaceLimits
    ) throws(LinkEnd) {
        do throws(SystemError) {
            if limits.requiresSealedRegions { try Self.check(file, limits) }
            let size = try file.status().byteCount
            guard UInt64(clamping: size) >= byteCount else {
                throw SystemError(
                    code: 22, operation: "use \(byteCount) bytes of a file of \(size) bytes")
            }
            mapping = try SharedMapping(file, byteCount: Int(byteCount))
        } catch {
            throw LinkEnd(.refused, DisconnectReason(.regionRefused, error.description))
        }
        self.file = file
        isOurs = false
    }

    /// Bytes that are faulted in at a time, in a few milliseconds.
    static let sliceByteCount = 16 << 20

    /// Faults in the next part of it: of a region that a peer announced, it is the peer's fault where
    /// there is nothing.
    ///
    /// - Returns: the offset at which it ends.
    func populate(from start: Int, atMost count: Int = sliceByteCount) throws(LinkEnd) -> Int {
        do throws(SystemError) {
            return try mapping.populate(from: start, atMost: count)
        } catch {
            if isOurs { throw LinkEnd(error) }
            throw LinkEnd(.refused, DisconnectReason(.regionRefused, error.description))
        }
    }

    /// Faults in the rest of it on an event loop, a part in each turn, so that others have theirs.
    ///
    /// - Parameters:
    ///   - isWanted: asked before each part; false ends it.
    ///   - done: called on the loop's thread at the end, with what was in the way of it.
    func populate(
        from start: Int = 0, on loop: EventLoop, while isWanted: @escaping @Sendable () -> Bool,
        _ done: @escaping @Sendable (LinkEnd?) -> Void
    ) {
        loop.submitPart(of: byteCount - start) { [self] in
            guard isWanted() else { return }
            do throws(LinkEnd) {
                let end = try populate(from: start)
                guard end < byteCount else { return done(nil) }
                populate(from: end, on: loop, while: isWanted, done)
            } catch {
                done(error)
            }
        }
    }

    /// HUGETLBFS_MAGIC of statfs(2).
    static let hugePageFileSystem: UInt32 = 0x9584_58F6

    /// Refuses a peer's file whose pages could vanish under a mapping.
    ///
    /// The seals are looked at first, for the kernel knows those by itself: any other question may go to a
    /// file system that a program serves, and wait for its answer. No file there can have seals. So where
    /// none are required, none of its questions is asked that is not needed, and the peer is trusted.
    private static func check(
        _ file: borrowing OwnedDescriptor, _ limits: InterfaceLimits
    ) throws(SystemError) {
        // EPERM, both.
        guard try file.isSealedAgainstShrinking() else {
            throw SystemError(
                code: 1, operation: "use a region whose file is not sealed (F_SEAL_SHRINK)")
        }
        guard isRefused(fileSystem: try file.fileSystemType(), limits) else { return }
        throw SystemError(code: 1, operation: "use a region of a peer's in huge pages")
    }

    /// Whether a sealed file's pages could still vanish.
    ///
    /// A hole that is punched in a file of shared memory is filled again when it is touched. In huge pages,
    /// of which there is a fixed number, it may not be.
    static func isRefused(fileSystem: UInt32, _ limits: InterfaceLimits) -> Bool {
        fileSystem == hugePageFileSystem && !limits.admitsHugePages
    }

    /// The size of the huge pages that are asked for.
    static let hugePageByteCount = 1 << 21

    /// Makes a region of our own, sealed.
    ///
    /// - Parameters:
    ///   - isPopulated: whether its pages are faulted in; else the caller does so before any use.
    ///   - disposal: unmaps it and closes its file; nil does so where it is let go of.
    init(
        name: String, byteCount: Int, hugePages: Bool = false, isPopulated: Bool = true,
        disposal: Disposal? = nil
    ) throws(SystemError) {
        do throws(SystemError) {
            let made = try OwnedDescriptor.memoryFile(
                name: name, byteCount: byteCount, hugePages: hugePages)
            try DescriptorReserve.spare(made, "keep a memory file")
            let file = made.closed(by: disposal)
            mapping = try SharedMapping(file, byteCount: byteCount)
            if isPopulated { try mapping.populate() }
            self.file = file
            isOurs = true
        } catch {
            // ENOMEM
            guard hugePages, error.code == 12 else { throw error }
            throw SystemError(
                code: error.code,
                operation: "have \(byteCount >> 21) huge pages of 2 MiB (see vm.nr_hugepages) for",
                subject: name)
        }
    }

    /// Makes a region of a file of the caller's, sealed here against shrinking: who gets a
    /// descriptor of it could cut it otherwise. Its pages are faulted in.
    init(ownFile file: consuming OwnedDescriptor, byteCount: Int) throws(SystemError) {
        if try !file.isSealedAgainstShrinking() { try file.addSeals(.shrink) }
        let size = try file.status().byteCount
        guard byteCount > 0, byteCount <= size else {
            throw SystemError(
                code: 22, operation: "use \(byteCount) bytes of a file of \(size) bytes")
        }
        mapping = try SharedMapping(file, byteCount: byteCount)
        try mapping.populate()
        self.file = file
        isOurs = true
    }

    /// A ring in this region, or nil where it would not lie whole and aligned within it.
    func ring(
        at offset: Int, layout: RingLayout, log2Size: UInt8, role: MemifRole
    ) -> RingMemory? {
        let end = offset + layout.byteCount(log2Size: log2Size)
        guard offset >= 0, offset % RingLayout.descriptorByteCount == 0, end <= byteCount,
            log2Size <= MemifProtocol.largestLog2RingSize
        else { return nil }
        // SAFETY: the whole range lies within the mapping, as just checked; mappings begin on a page.
        return unsafe RingMemory(
            base: mapping.baseAddress + offset, layout: layout, log2Size: log2Size, role: role)
    }

    /// The first four bytes of a ring that `ring(at:…)` admits.
    func cookie(at offset: Int) -> UInt32 {
        guard offset >= 0, offset % 4 == 0, offset + 4 <= byteCount else { return 0 }
        // SAFETY: four bytes within the mapping; the atomic load is one load whatever the peer writes.
        return unsafe (mapping.baseAddress + offset).assumingMemoryBound(to: Atomic<UInt32>.self)
            .pointee.load(ordering: .acquiring)
    }

    /// What stands at an offset, as a descriptor; nil beyond the end.
    func descriptor(at offset: Int) -> Descriptor? {
        guard offset >= 0, offset % 8 == 0, offset + 16 <= byteCount else { return nil }
        // SAFETY: sixteen bytes within the mapping, aligned; each load is one load.
        let words = unsafe (mapping.baseAddress + offset).assumingMemoryBound(
            to: Atomic<UInt64>.self)
        return unsafe Descriptor(
            first: words.pointee.load(ordering: .acquiring),
            second: (words + 1).pointee.load(ordering: .acquiring))
    }

    /// Writes a ring's cookie, as its maker. Flags, head and tail of fresh memory are zero already.
    func setCookie(at offset: Int) {
        guard offset >= 0, offset % 4 == 0, offset + 4 <= byteCount else { return }
        // SAFETY: four bytes within the mapping.
        unsafe (mapping.baseAddress + offset).assumingMemoryBound(to: Atomic<UInt32>.self)
            .pointee.store(MemifProtocol.cookie, ordering: .releasing)
    }
}

extension OwnedDescriptor {
    /// Whether pages can vanish under a mapping of the file. A file that cannot be sealed at all can.
    borrowing func isSealedAgainstShrinking() throws(SystemError) -> Bool {
        do {
            return try seals().contains(.shrink)
        } catch {
            // EINVAL: not a file that can have seals.
            if error.code == 22 { return false }
            throw error
        }
    }
}
