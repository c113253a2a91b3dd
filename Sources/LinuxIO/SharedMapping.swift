internal import CLinuxIO
internal import Glibc

/// A shared, writable mapping of a file, unmapped when its owner lets go of it.
///
/// The bytes may change at any moment: whoever holds the file's descriptor can write them.
@safe
public struct SharedMapping: ~Copyable, @unchecked Sendable {
    // @unchecked: the address is constant; who reads and writes the bytes is the owner's concern, as
    // it must be with memory that another process writes.

    /// The first byte. Valid while the mapping lives.
    @unsafe public let baseAddress: UnsafeMutableRawPointer
    /// The length in bytes.
    public let byteCount: Int
    /// Who unmaps it; nil where its owner does, in letting go of it.
    private let disposal: Disposal?

    /// Maps the first `byteCount` bytes of a file. Who closes the file unmaps them.
    public init(_ file: borrowing OwnedDescriptor, byteCount: Int) throws(SystemError) {
        let address = unsafe mmap(
            nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, file.rawValue, 0)
        // SAFETY: mmap answers MAP_FAILED or an address of `byteCount` bytes that is ours until munmap.
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            throw SystemError("map \(byteCount) bytes of shared memory")
        }
        unsafe self.baseAddress = address
        self.byteCount = byteCount
        disposal = file.disposal
    }

    deinit {
        // SAFETY: address and length are those that mmap gave; nothing borrows past the owner's life.
        guard let disposal else {
            _ = unsafe munmap(baseAddress, byteCount)
            return
        }
        let (address, byteCount) = unsafe (UInt(bitPattern: baseAddress), byteCount)
        disposal.submit {
            _ = unsafe munmap(UnsafeMutableRawPointer(bitPattern: address), byteCount)
        }
    }

    /// Faults in every page now, so that no page fault comes later and a file that is shorter than
    /// the mapping is found out by an error (EFAULT) and not by SIGBUS.
    ///
    /// Source: madvise(2), MADV_POPULATE_WRITE (Linux 5.14).
    public borrowing func populate() throws(SystemError) {
        _ = try populate(from: 0, atMost: byteCount)
    }

    /// As ``populate()``, of a part only.
    ///
    /// - Parameter start: the offset at which it begins, a multiple of the page's size.
    /// - Returns: the offset at which it ends: the mapping's length once all of it is there.
    public borrowing func populate(from start: Int, atMost count: Int) throws(SystemError) -> Int {
        precondition(start >= 0 && start <= byteCount && count >= 0, "no such part of a mapping")
        let length = min(count, byteCount - start)
        // SAFETY: the range lies within the mapping, as just checked.
        let result = unsafe clinuxio_populate(baseAddress + start, length)
        if result != 0 { throw SystemError("fault in \(byteCount) bytes of shared memory") }
        return start + length
    }
}
