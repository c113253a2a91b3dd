internal import CLinuxIO
internal import Glibc

/// Small files: read with a limit, replaced as a whole, removed, locked.
public enum File {
    /// Reads a whole file.
    ///
    /// - Parameter limit: the most bytes to accept; a longer file is an error (EFBIG).
    public static func read(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        let file = try open(path, O_RDONLY, mode: 0)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            // SAFETY: read writes at most the array's count of bytes.
            let count = try systemCall("read", path) {
                unsafe Glibc.read(file.rawValue, &chunk, chunk.count)
            }
            if count == 0 { return bytes }
            guard bytes.count + count <= limit else {
                throw SystemError(code: EFBIG, operation: "read", subject: path)
            }
            bytes += chunk[..<count]
        }
    }

    /// What a symbolic link leads to, as it is written there.
    ///
    /// Source: readlink(2). Of a link in `/proc` it is the kernel's word.
    public static func target(ofLink path: String) throws(SystemError) -> String {
        var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX))
        // SAFETY: readlink writes at most the buffer's length and the result says how much.
        let length = try systemCall("read the link", path) {
            unsafe readlink(path, &bytes, bytes.count)
        }
        return String(decoding: bytes[..<length], as: UTF8.self)
    }

    /// Whether there is anything at a path, symbolic links followed.
    public static func exists(_ path: String) -> Bool {
        // SAFETY: the path is a C string that lives for the call.
        unsafe access(path, F_OK) == 0
    }

    /// Replaces a file by a temporary file beside it, fsync and rename: after a crash the path holds
    /// either the old bytes or the new ones, whole.
    ///
    /// One writer to a path at a time; the temporary file is `<path>.new`.
    public static func replace(
        _ path: String, with bytes: [UInt8], mode: UInt32 = 0o600
    ) throws(SystemError) {
        let temporary = path + ".new"
        do throws(SystemError) {
            let file = try open(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
            try write(bytes, to: file, temporary)
            try systemCall("write to disk", temporary) { fsync(file.rawValue) }
            try systemCall("put in place", path) { unsafe rename(temporary, path) }
        } catch {
            unsafe unlink(temporary)
            throw error
        }
        try synchronizeDirectory(of: path)
    }

    private static func write(
        _ bytes: [UInt8], to file: borrowing OwnedDescriptor, _ path: String
    ) throws(SystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            // SAFETY: write reads the slice's bytes during the call only.
            let count = try systemCall("write", path) {
                unsafe rest.withUnsafeBytes {
                    unsafe Glibc.write(file.rawValue, $0.baseAddress, $0.count)
                }
            }
            rest = rest.dropFirst(count)
        }
    }

    /// A rename is on disk once its directory is.
    private static func synchronizeDirectory(of path: String) throws(SystemError) {
        let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let descriptor = try open(directory, O_RDONLY, mode: 0)
        try systemCall("write to disk", directory) { fsync(descriptor.rawValue) }
    }

    /// Removes a file or socket file.
    ///
    /// - Returns: false when there is none.
    @discardableResult
    public static func remove(_ path: String) throws(SystemError) -> Bool {
        do {
            // SAFETY: the path is a C string that lives for the call.
            try systemCall("remove", path) { unsafe unlink(path) }
            return true
        } catch {
            if error.code == ENOENT { return false }
            throw error
        }
    }

    /// Sets a file's owner and group, symbolic links not followed; nil leaves one as it is.
    public static func setOwner(
        _ path: String, user: UInt32?, group: UInt32?
    ) throws(SystemError) {
        // UInt32.max is chown's "leave as it is".
        try systemCall("set the owner of", path) {
            unsafe lchown(path, user ?? .max, group ?? .max)
        }
    }

    /// Sets a file's permission bits.
    public static func setMode(_ path: String, _ mode: UInt32) throws(SystemError) {
        try systemCall("set the mode of", path) { unsafe chmod(path, mode) }
    }

    static func open(
        _ path: String, _ flags: Int32, mode: UInt32
    ) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(
            adopting: try systemCall("open", path) {
                // SAFETY: the path is a C string that lives for the call.
                unsafe Glibc.open(path, flags | O_CLOEXEC, mode)
            })
    }
}

/// An exclusive advisory lock on a file, held until its owner lets go of it or dies.
///
/// Source: flock(2).
public struct FileLock: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor
    /// Whether another process has the lock as well, and is to keep it when this one closes it.
    private var isShared = false

    /// Takes the lock, without waiting, and makes the file if it is missing.
    ///
    /// - Throws: `SystemError`; EAGAIN when another holds it.
    public init(path: String) throws(SystemError) {
        let file = try File.open(path, O_RDWR | O_CREAT, mode: 0o600)
        try systemCall("lock", path) { flock(file.rawValue, LOCK_EX | LOCK_NB) }
        descriptor = file
    }

    /// Takes over a lock that another process holds: see ``duplicate()``. It goes on holding it until
    /// ``own()``.
    ///
    /// - Returns: nil where it is one of another file than stands at the path.
    public init?(adopting descriptor: consuming OwnedDescriptor, path: String) {
        guard let file = try? FileStatus(path: path), let held = try? descriptor.status(),
            file.identity == held.identity
        else { return nil }
        self.descriptor = descriptor
        isShared = true
    }

    /// Has the lock for itself: the process that it was taken over from leaves it.
    public mutating func own() { isShared = false }

    /// Another descriptor of the lock: a process that gets it has the lock as well, until one of the two
    /// lets go of it.
    public borrowing func duplicate() throws(SystemError) -> OwnedDescriptor {
        try descriptor.duplicate()
    }

    /// Closes it without a word: a process that has another descriptor of the lock keeps it.
    public consuming func leave() { isShared = true }

    deinit {
        if isShared { return }
        // Closing alone would leave the lock to a child between its fork and its exec.
        _ = flock(descriptor.rawValue, LOCK_UN)
    }
}
