internal import CLinuxIO
internal import Glibc

/// How a file of a directory is renamed to where nothing stands: renameat2(2) with RENAME_NOREPLACE, and
/// -1 with EINVAL of a file system that cannot.
struct Renaming: Sendable {
    static let system = Renaming { directory, name, target in
        // SAFETY: the names are C strings that live for the call.
        unsafe clinuxio_rename_to_absent(directory, name, target)
    }

    let rename: @Sendable (_ directory: Int32, _ name: String, _ target: String) -> Int32
}

/// The directory that a socket file stands in, held open: every step is about the same directory,
/// and a temporary name in it is never too long for an address.
struct SocketDirectory: ~Copyable {
    private let descriptor: OwnedDescriptor

    init(of path: String) throws(SystemError) {
        let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        descriptor = OwnedDescriptor(
            adopting: try systemCall("open the directory", directory) {
                // SAFETY: the path is a C string that lives for the call.
                unsafe clinuxio_open_directory(directory)
            })
    }

    func bind(
        _ name: String, kind: UnixSocketKind, for path: String
    ) throws(SystemError) -> OwnedDescriptor {
        let address = try UnixAddress(path: "/proc/self/fd/\(descriptor.rawValue)/\(name)")
        do {
            return try UnixListener.bound(to: address, kind: kind)
        } catch {
            // The reader knows the path, not our detour to its directory.
            throw SystemError(code: error.code, operation: "bind a socket at", subject: path)
        }
    }

    // SAFETY, for the calls below: names and paths are C strings that live for each call.

    func setMode(_ mode: UInt32, of name: String, for path: String) throws(SystemError) {
        let number = descriptor.rawValue
        try systemCall("set the mode of", path) { unsafe fchmodat(number, name, mode, 0) }
    }

    func setOwner(
        _ user: UInt32?, _ group: UInt32?, of name: String, for path: String
    ) throws(SystemError) {
        if user == nil && group == nil { return }
        let number = descriptor.rawValue
        try systemCall("set the owner of", path) {
            // UInt32.max is chown's "leave as it is".
            unsafe fchownat(number, name, user ?? .max, group ?? .max, AT_SYMLINK_NOFOLLOW)
        }
    }

    func identity(of name: String, for path: String) throws(SystemError) -> FileIdentity {
        let number = descriptor.rawValue
        var result = stat()
        try systemCall("look at", path) {
            unsafe fstatat(number, name, &result, AT_SYMLINK_NOFOLLOW)
        }
        return FileStatus(result).identity
    }

    func rename(_ name: String, to path: String) throws(SystemError) {
        let number = descriptor.rawValue
        let last = Self.name(of: path)
        try systemCall("put in place", path) { unsafe renameat(number, name, number, last) }
    }

    /// Renames to where nothing stands, and nothing has been put since the caller looked.
    ///
    /// - Throws: `SystemError` with EADDRINUSE for what stands there.
    func rename(
        _ name: String, toAbsent path: String, _ fileSystem: Renaming
    ) throws(SystemError) {
        let number = descriptor.rawValue
        let last = Self.name(of: path)
        do {
            try systemCall("put in place", path) { fileSystem.rename(number, name, last) }
        } catch {
            switch error.code {
            // A file system that knows no more than rename(2) does: the caller has looked, and has the lock.
            case EINVAL: try rename(name, to: path)
            case EEXIST:
                throw SystemError(code: EADDRINUSE, operation: "put a socket at", subject: path)
            default: throw error
            }
        }
    }

    private static func name(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }

    func remove(_ name: String) {
        // SAFETY: as above. Nothing to remove is what is wanted.
        _ = unsafe unlinkat(descriptor.rawValue, name, 0)
    }
}

/// Who of several starters at one path has their turn.
///
/// A lock ends with the process that holds it. Its file is removed by the holder alone, so who has locked a
/// file that still stands at the name is alone.
extension SocketDirectory {
    private static let lockSuffix = ".starting"

    private static func lockName(for path: String) -> String { ".\(name(of: path))\(lockSuffix)" }

    /// The name of the socket that a file is the lock of; nil for another file.
    static func subject(ofLock name: String) -> String? {
        guard name.hasPrefix("."), name.hasSuffix(lockSuffix) else { return nil }
        return String(name.dropFirst().dropLast(lockSuffix.count))
    }

    /// Removes a lock's file that nobody holds.
    static func removeLock(of path: String) {
        guard let directory = try? SocketDirectory(of: path) else { return }
        do throws(SystemError) {
            directory.unlock(try directory.lock(path), path)
        } catch {
            // Somebody holds it, or may keep it: it stays.
        }
    }

    /// - Throws: `SystemError` with EADDRINUSE while another has it.
    func lock(_ path: String) throws(SystemError) -> OwnedDescriptor {
        let number = descriptor.rawValue
        let name = Self.lockName(for: path)
        while true {
            let file = OwnedDescriptor(
                adopting: try systemCall("put a socket at", path) {
                    unsafe clinuxio_open_lock(number, name)
                })
            do {
                try systemCall("lock the place of", path) {
                    flock(file.rawValue, LOCK_EX | LOCK_NB)
                }
            } catch {
                guard error.code == EWOULDBLOCK else { throw error }
                throw SystemError(code: EADDRINUSE, operation: "put a socket at", subject: path)
            }
            // One that its last holder has removed meanwhile is no lock any more.
            if (try? identity(of: name, for: path)) == (try file.status().identity) { return file }
        }
    }

    func unlock(_ lock: borrowing OwnedDescriptor, _ path: String) {
        remove(Self.lockName(for: path))
        // Closing alone would leave it to a child between its fork and its exec.
        _ = flock(lock.rawValue, LOCK_UN)
    }
}
