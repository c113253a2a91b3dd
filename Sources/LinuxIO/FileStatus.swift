internal import CLinuxIO
internal import Glibc

/// What the system knows of a file. Source: stat(2).
public struct FileStatus: Hashable, Sendable {
    /// The size in bytes.
    public let byteCount: Int
    /// Type and permission bits.
    public let mode: UInt32
    /// The owner's user id.
    public let user: UInt32
    /// The owning group's id.
    public let group: UInt32
    /// Device and inode: together the file's identity.
    public let identity: FileIdentity

    init(_ raw: stat) {
        byteCount = Int(raw.st_size)
        mode = raw.st_mode
        user = raw.st_uid
        group = raw.st_gid
        identity = FileIdentity(device: raw.st_dev, inode: raw.st_ino)
    }

    /// What stands at a path itself, symbolic links not followed.
    ///
    /// - Throws: `SystemError`; ENOENT when nothing does.
    public init(path: String) throws(SystemError) {
        var result = stat()
        // SAFETY: lstat reads a C string that lives for the call and writes one `stat`.
        try systemCall("read the status of", path) { unsafe lstat(path, &result) }
        self.init(result)
    }

    /// Read, write and execute bits of owner, group and others.
    public var permissions: UInt32 { mode & 0o7777 }

    /// Whether it is a socket file.
    public var isSocket: Bool { clinuxio_is_socket(mode) != 0 }

    /// Whether it is a regular file: no device, pipe, socket or directory.
    public var isRegularFile: Bool { mode & S_IFMT == S_IFREG }

    /// Whether it is a directory.
    public var isDirectory: Bool { mode & S_IFMT == S_IFDIR }
}

extension OwnedDescriptor {
    /// The number of the file system's kind that the file lies in. Source: fstatfs(2), `f_type`.
    public borrowing func fileSystemType() throws(SystemError) -> UInt32 {
        let number = rawValue
        return UInt32(
            truncatingIfNeeded: try systemCall("read the file system of a descriptor") {
                clinuxio_file_system_type(number)
            })
    }
}

/// A file's identity on this host while it is up: two paths with one identity are one file.
public struct FileIdentity: Hashable, Sendable {
    /// The device number.
    public let device: UInt
    /// The inode number.
    public let inode: UInt

    /// Makes an identity from its numbers.
    public init(device: UInt, inode: UInt) {
        self.device = device
        self.inode = inode
    }
}
