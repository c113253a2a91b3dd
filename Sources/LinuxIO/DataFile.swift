internal import CLinuxIO
internal import Glibc

/// A file of any size, read and written at any place, with its holes.
///
/// Source: pread(2), pwrite(2), lseek(2) with SEEK_DATA and SEEK_HOLE.
public struct DataFile: ~Copyable, Sendable {
    /// A part of a file.
    public enum Extent: Hashable, Sendable {
        /// Bytes that the file holds.
        case data(Range<Int64>)
        /// Zeros that take no room.
        case hole(Range<Int64>)
    }

    private let descriptor: OwnedDescriptor
    /// Where the file is, for errors.
    public let path: String

    init(_ descriptor: consuming OwnedDescriptor, called path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    /// Opens a file to read it.
    ///
    /// - Throws: `SystemError`.
    public init(reading path: String) throws(SystemError) {
        descriptor = try File.open(path, O_RDONLY, mode: 0)
        self.path = path
    }

    /// Makes a file to write, which must not exist.
    ///
    /// - Throws: `SystemError`; EEXIST when it exists.
    public init(creating path: String, mode: UInt32 = 0o600) throws(SystemError) {
        descriptor = try File.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
        self.path = path
    }

    /// Opens a file to write behind what is in it, and makes it where it is missing.
    ///
    /// - Throws: `SystemError`.
    public init(appendingTo path: String, mode: UInt32 = 0o600) throws(SystemError) {
        descriptor = try File.open(
            path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, mode: mode)
        self.path = path
    }

    /// Opens a file, such as a device or a pipe, to write into it.
    ///
    /// - Throws: `SystemError`.
    public init(writing path: String) throws(SystemError) {
        descriptor = try File.open(path, O_WRONLY, mode: 0)
        self.path = path
    }

    /// Its size in bytes: of a device too.
    public func size() throws(SystemError) -> Int64 {
        Int64(try systemCall("find the size of", path) { lseek(descriptor.rawValue, 0, SEEK_END) })
    }

    /// What lies at an offset, to its end or to the end that is given.
    ///
    /// - Returns: nil at the end of the file.
    public func extent(at offset: Int64, to end: Int64) throws(SystemError) -> Extent? {
        guard offset < end else { return nil }
        let data = lseek(descriptor.rawValue, off_t(offset), Int32(CLINUXIO_SEEK_DATA))
        // ENXIO: nothing but a hole up to the end. EINVAL: a file system that does not tell.
        if data == -1 {
            return errno == ENXIO ? .hole(offset..<end) : .data(offset..<end)
        }
        if data > offset { return .hole(offset..<min(Int64(data), end)) }
        let hole = try systemCall("find holes in", path) {
            lseek(descriptor.rawValue, off_t(offset), Int32(CLINUXIO_SEEK_HOLE))
        }
        return .data(offset..<min(Int64(hole), end))
    }

    /// Reads at most so many bytes; none at the end of the file.
    public func read(at offset: Int64, count: Int) throws(SystemError) -> [UInt8] {
        var failure: SystemError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { memory, filled in
            do throws(SystemError) {
                // SAFETY: pread writes at most the memory's count of bytes.
                filled = try systemCall("read", path) {
                    unsafe pread(
                        descriptor.rawValue, memory.baseAddress, memory.count, off_t(offset))
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Writes bytes at an offset; into what has no offsets, behind what was written before.
    public func write(_ bytes: [UInt8], at offset: Int64) throws(SystemError) {
        var rest = bytes[...]
        var place = offset
        while !rest.isEmpty {
            // SAFETY: the calls read the slice's bytes while they last.
            let count = try systemCall("write", path) {
                unsafe rest.withUnsafeBytes { memory in
                    let count = unsafe pwrite(
                        descriptor.rawValue, memory.baseAddress, memory.count, off_t(place))
                    guard count == -1, errno == ESPIPE else { return count }
                    return unsafe Glibc.write(
                        descriptor.rawValue, memory.baseAddress, memory.count)
                }
            }
            rest = rest.dropFirst(count)
            place += Int64(count)
        }
    }

    /// Writes bytes behind all others; of a file that was opened for that.
    public func append(_ bytes: [UInt8]) throws(SystemError) {
        // Such a file takes them at its end, whatever the offset is.
        try write(bytes, at: 0)
    }

    /// Makes the file as long as that: a hole where nothing was written.
    public func setSize(_ size: Int64) throws(SystemError) {
        try systemCall("set the size of", path) { ftruncate(descriptor.rawValue, off_t(size)) }
    }

    /// Waits until what was written is on the disk.
    public func synchronize() throws(SystemError) {
        try systemCall("write to disk", path) { fsync(descriptor.rawValue) }
    }
}

extension File {
    /// Puts a file in the place of another, or of none.
    ///
    /// - Throws: `SystemError`.
    public static func move(_ path: String, to target: String) throws(SystemError) {
        // SAFETY: the paths are C strings that live for the call.
        try systemCall("put in place", target) { unsafe rename(path, target) }
    }
}
