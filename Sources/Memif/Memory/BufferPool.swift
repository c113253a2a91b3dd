public import LinuxIO
internal import Synchronization

/// Memory for frames that the interfaces of slaves can share: buffers in it go from one link to
/// another without a copy, and the caller may bring the file, or have it made of huge pages.
///
/// Interfaces that have it in `InterfaceConfiguration.pools` announce it to their masters as a region. A
/// link takes as many buffers as its rings have slots, and gives them back when the last of its queues is let go.
///
/// Every master that is given the pool can read and write all of it, at any time, also after its
/// link: share one only among masters that may see each other's frames.
public final class BufferPool: Sendable {
    /// How many buffers it has.
    public let bufferCount: Int
    /// The bytes of each, headroom included.
    public let bufferSize: Int
    /// Bytes from one buffer's start to the next one's.
    public let bufferSpacing: Int
    /// The bytes of the whole pool.
    public let byteCount: Int
    let region: Region
    /// Where the free buffers begin.
    private let free: Mutex<[UInt32]>

    /// A pool of its own memory, sealed, all pages faulted in.
    ///
    /// - Parameters:
    ///   - bufferSpacing: nil takes the next odd number of lines of 64 bytes, so that no buffers share
    ///     one, nor do all begin in the same sets of the cache.
    ///   - hugePages: makes it of pages of 2 MiB, of which the system must have as many reserved.
    /// - Throws: `MemifError`: `.invalidConfiguration` for sizes that no pool can have, `.system`
    ///   when there is no memory, or no huge pages.
    public convenience init(
        name: String = "pool", bufferCount: Int, bufferSize: Int = 2048,
        bufferSpacing: Int? = nil, hugePages: Bool = false
    ) throws(MemifError) {
        let spacing = try Self.spacing(bufferSpacing, bufferSize, "\(bufferCount) buffers")
        let page = hugePages ? Region.hugePageByteCount : 4096
        let (bytes, isTooMuch) = bufferCount.multipliedReportingOverflow(by: spacing)
        guard bufferCount > 0, !isTooMuch, bytes <= 1 << 32 - page else {
            throw MemifError(
                .invalidConfiguration,
                "a pool of \(bufferCount) buffers every \(spacing) bytes: descriptors reach 4 GiB")
        }
        do throws(SystemError) {
            let region = try Region(
                name: "memif \(name)", byteCount: (bytes + page - 1) / page * page,
                hugePages: hugePages)
            self.init(region, count: bufferCount, size: bufferSize, spacing: spacing)
        } catch {
            throw MemifError(error)
        }
    }

    /// A pool in memory of the caller's: a memory file, of huge pages or not. It is sealed against
    /// shrinking, for a peer could cut it otherwise.
    ///
    /// - Throws: `MemifError`: `.invalidConfiguration` for sizes that no pool can have, `.system`
    ///   when the file is shorter, cannot be sealed, or cannot be mapped.
    public convenience init(
        file: consuming OwnedDescriptor, byteCount: Int, bufferSize: Int = 2048,
        bufferSpacing: Int? = nil
    ) throws(MemifError) {
        let spacing = try Self.spacing(bufferSpacing, bufferSize, "\(byteCount) bytes")
        guard (bufferSize...1 << 32 - 4096).contains(byteCount) else {
            throw MemifError(
                .invalidConfiguration,
                "a pool of \(byteCount) bytes: it must hold a buffer, and descriptors reach 4 GiB")
        }
        do throws(SystemError) {
            let region = try Region(ownFile: file, byteCount: byteCount)
            self.init(
                region, count: (byteCount - bufferSize) / spacing + 1, size: bufferSize,
                spacing: spacing)
        } catch {
            throw MemifError(error)
        }
    }

    private init(_ region: Region, count: Int, size: Int, spacing: Int) {
        self.region = region
        byteCount = region.byteCount
        bufferCount = count
        bufferSize = size
        bufferSpacing = spacing
        // The last first: buffers are taken from the end.
        free = Mutex((0..<count).reversed().map { UInt32($0 * spacing) })
    }

    private static func spacing(
        _ wanted: Int?, _ size: Int, _ what: String
    ) throws(MemifError) -> Int {
        guard (1...1 << 24).contains(size), (size...1 << 25).contains(wanted ?? size) else {
            throw MemifError(
                .invalidConfiguration,
                "a pool of \(what) of \(size) bytes every \(wanted ?? size): the size must be 1 to "
                    + "\(1 << 24), and the spacing no less than the size")
        }
        return wanted ?? SlaveGeometry.usualSpacing(of: size)
    }

    /// Buffers that no link has.
    public var freeCount: Int { free.withLock(\.count) }

    /// Takes buffers, the most recently used first: they may be in the cache still.
    ///
    /// - Throws: `SystemError` with ENOBUFS when there are not as many.
    func take(_ count: Int) throws(SystemError) -> [UInt32] {
        let taken = free.withLock { free -> [UInt32]? in
            guard free.count >= count else { return nil }
            defer { free.removeLast(count) }
            return free.suffix(count).reversed()
        }
        guard let taken else {
            throw SystemError(
                code: 105, operation: "take \(count) buffers from a pool with \(freeCount) free")
        }
        return taken
    }

    /// Takes buffers back.
    func give(_ offsets: [UInt32]) { free.withLock { $0 += offsets.reversed() } }
}

extension BufferPool: Hashable {
    /// A pool equals itself only.
    public static func == (left: BufferPool, right: BufferPool) -> Bool { left === right }

    /// Hashes its identity.
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
