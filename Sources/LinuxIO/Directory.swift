internal import CLinuxIO
internal import Glibc

/// Directories: made with exactly the mode and group asked for, listed, removed.
public enum Directory {
    /// Makes a directory, or gives one that is there the mode and group asked for.
    ///
    /// The umask has no say. An existing directory's owner stays as it is.
    ///
    /// - Parameters:
    ///   - mode: permission bits with set-group-id and sticky, such as 0o3770.
    ///   - group: its group; nil leaves what the parent gives, or what it has.
    /// - Throws: `SystemError`; ENOTDIR when something else stands there, ENOENT without a parent.
    public static func ensure(
        _ path: String, mode: UInt32, group: UInt32? = nil
    ) throws(SystemError) {
        do {
            // SAFETY: here and below, the path is a C string that lives for the call.
            try systemCall("make the directory", path) { unsafe mkdir(path, mode & 0o777) }
        } catch {
            guard error.code == EEXIST else { throw error }
        }
        let status = try FileStatus(path: path)
        guard status.isDirectory else {
            throw SystemError(code: ENOTDIR, operation: "make the directory", subject: path)
        }
        // A change of group clears set-group-id, so the mode comes second.
        if let group, group != status.group {
            try systemCall("set the group of", path) { unsafe lchown(path, .max, group) }
        }
        if status.permissions != mode || group != status.group {
            try systemCall("set the mode of", path) { unsafe chmod(path, mode) }
        }
    }

    /// Makes a directory and those above it that are missing; what is there stays as it is.
    public static func ensurePath(_ path: String, mode: UInt32 = 0o755) throws(SystemError) {
        do throws(SystemError) {
            guard try FileStatus(path: path).isDirectory || isLinkToDirectory(path) else {
                throw SystemError(code: ENOTDIR, operation: "make the directory", subject: path)
            }
        } catch {
            guard error.code == ENOENT else { throw error }
            if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
                try ensurePath(String(path[..<slash]), mode: mode)
            }
            try ensure(path, mode: mode)
        }
    }

    /// Whether this process may make and remove files in a directory, as far as can be told without
    /// trying.
    public static func isWritable(_ path: String) -> Bool {
        // SAFETY: the path is a C string that lives for the call.
        unsafe faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) == 0
    }

    private static func isLinkToDirectory(_ path: String) -> Bool {
        var result = stat()
        return unsafe stat(path, &result) == 0 && FileStatus(result).isDirectory
    }

    /// The names in a directory, sorted, without "." and "..".
    public static func entries(of path: String) throws(SystemError) -> [String] {
        guard let directory = unsafe opendir(path) else { throw SystemError("list", path) }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            // SAFETY: d_name is a NUL-terminated string within the entry, valid until the next readdir.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Removes an empty directory.
    ///
    /// - Returns: false when there is none.
    /// - Throws: `SystemError`; ENOTEMPTY when something is in it.
    @discardableResult
    public static func remove(_ path: String) throws(SystemError) -> Bool {
        do {
            try systemCall("remove the directory", path) { unsafe rmdir(path) }
            return true
        } catch {
            if error.code == ENOENT { return false }
            throw error
        }
    }
}
