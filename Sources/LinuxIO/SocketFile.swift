internal import CLinuxIO
internal import Glibc

/// What stands at the path of a socket.
public enum SocketFileState: Hashable, Sendable {
    /// Nothing.
    case absent
    /// A socket that somebody has bound and still holds.
    case live
    /// A socket that nobody holds any more: left behind by a process that died.
    case stale
    /// Something that is no socket.
    case foreign
}

/// Socket files: found out about without disturbing anyone, and put in place whole.
public enum SocketFile {
    /// Finds out what stands at a path. Nothing lands in a live server's accept queue: the probe
    /// connects with a socket type that no stream or message server can accept.
    ///
    /// Source: connect(2): EPROTOTYPE from a socket that is held, ECONNREFUSED from one that is not.
    public static func probe(_ path: String) throws(SystemError) -> SocketFileState {
        let address = try UnixAddress(path: path)
        do {
            guard try FileStatus(path: path).isSocket else { return .foreign }
        } catch {
            if error.code == ENOENT { return .absent }
            throw error
        }
        let probe = OwnedDescriptor(
            adopting: try systemCall("create a socket") {
                socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            })
        let number = probe.rawValue
        do {
            try systemCall("probe the socket", path) {
                unsafe address.withSocketAddress { pointer, length in
                    unsafe connect(number, pointer, length)
                }
            }
        } catch {
            switch error.code {
            case EPROTOTYPE: return .live
            case ECONNREFUSED: return .stale
            case ENOENT: return .absent
            default: throw error
            }
        }
        return .live
    }

    /// Removes a socket file if it is still the one with this identity; one that has taken its place
    /// stays.
    public static func remove(_ path: String, ifStill identity: FileIdentity) {
        guard (try? FileStatus(path: path))?.identity == identity else { return }
        // SAFETY: the C string lives for the call.
        _ = unsafe unlink(path)
    }

    /// Gives a socket file its owner, group and mode again if it is still the one with this identity.
    ///
    /// Whoever owns the socket may put a link in its place at any moment, and a path would lead to what
    /// the link names. So the file itself is held, looked at, and changed.
    ///
    /// - Throws: `SystemError`; ESTALE when something else stands there.
    public static func adjust(
        _ path: String, ifStill identity: FileIdentity, mode: UInt32, user: UInt32?, group: UInt32?
    ) throws(SystemError) {
        // SAFETY: here and below, a path is a C string that lives for the call.
        let file = OwnedDescriptor(
            adopting: try systemCall("look at", path) { unsafe clinuxio_open_file_itself(path) })
        guard try file.status().identity == identity else {
            throw SystemError(code: ESTALE, operation: "set the owner of", subject: path)
        }
        let itself = "/proc/self/fd/\(file.rawValue)"
        // UInt32.max is chown's "leave as it is".
        try systemCall("set the owner of", path) {
            unsafe chown(itself, user ?? .max, group ?? .max)
        }
        try systemCall("set the mode of", path) { unsafe chmod(itself, mode) }
    }

    /// What the name of a socket that is not in place yet ends with; it begins with a dot.
    public static let temporarySuffix = ".new"

    /// Whether a name is that of a socket on its way into place.
    public static func isTemporary(_ name: String) -> Bool {
        name.hasPrefix(".") && name.hasSuffix(temporarySuffix)
    }

    /// Removes what processes that died before a socket was in place left in a directory. Sockets that
    /// somebody holds, and everything else, stay.
    public static func removeUnfinished(in directory: String) {
        for name in (try? Directory.entries(of: directory)) ?? [] where isTemporary(name) {
            let path = "\(directory)/\(name)"
            if (try? probe(path)) == .stale { _ = try? File.remove(path) }
        }
    }

    /// As ``listen(at:kind:mode:user:group:backlog:)``, where nobody listens and nothing but a socket
    /// that somebody left stands.
    ///
    /// Of several that begin to listen there at once, one does, and the others are told that it is taken.
    ///
    /// - Throws: `SystemError` with EADDRINUSE for a path that is taken.
    public static func listenUnlessTaken(
        at path: String, kind: UnixSocketKind, mode: UInt32, group: UInt32? = nil
    ) throws(SystemError) -> UnixListener {
        var identity: FileIdentity?
        return try listenUnlessTaken(
            at: path, kind: kind, mode: mode, group: group, identity: &identity)
    }

    /// As ``listenUnlessTaken(at:kind:mode:group:)``.
    ///
    /// - Parameter identity: is set to that of the new file, whatever has become of the path by now.
    public static func listenUnlessTaken(
        at path: String, kind: UnixSocketKind, mode: UInt32, group: UInt32? = nil,
        identity: inout FileIdentity?
    ) throws(SystemError) -> UnixListener {
        let state = try probe(path)
        guard state == .absent || state == .stale else {
            throw SystemError(code: EADDRINUSE, operation: "put a socket at", subject: path)
        }
        return try place(
            at: path, kind: kind, mode: mode, group: group, replaces: false, identity: &identity)
    }

    /// Binds a listening socket and renames it into place, so that nobody ever meets a path with
    /// the wrong mode or owner, or a socket that does not listen yet.
    ///
    /// An existing file at the path is replaced; probe first. Connections of a replaced listener live on.
    ///
    /// - Parameters:
    ///   - mode: permission bits, such as 0o660.
    ///   - user: the owner; nil leaves the process's own.
    ///   - group: the group; nil leaves what the directory gives.
    public static func listen(
        at path: String, kind: UnixSocketKind, mode: UInt32, user: UInt32? = nil,
        group: UInt32? = nil, backlog: Int32 = 128
    ) throws(SystemError) -> UnixListener {
        var identity: FileIdentity?
        return try place(
            at: path, kind: kind, mode: mode, user: user, group: group, backlog: backlog,
            replaces: true, identity: &identity)
    }

    /// - Parameter replaces: whether a socket that is held by somebody makes way too.
    static func place(
        at path: String, kind: UnixSocketKind, mode: UInt32, user: UInt32? = nil,
        group: UInt32? = nil, backlog: Int32 = 128, replaces: Bool,
        identity: inout FileIdentity?
    ) throws(SystemError) -> UnixListener {
        _ = try UnixAddress(path: path)
        let directory = try SocketDirectory(of: path)
        let names = [getpid(), Thread.currentID].map { String($0, radix: 36) }
        let temporary = ".\(names.joined(separator: "-"))\(temporarySuffix)"
        directory.remove(temporary)
        let socket = try directory.bind(temporary, kind: kind, for: path)
        do throws(SystemError) {
            guard DescriptorReserve.leavesRoom(beside: socket) else {
                throw SystemError(code: EMFILE, operation: "listen on", subject: path)
            }
            try directory.setMode(mode, of: temporary, for: path)
            try directory.setOwner(user, group, of: temporary, for: path)
            // Only now: nobody is let in by the mode that the umask gave.
            let listener = try UnixListener.listening(socket, backlog: backlog, subject: path)
            identity = try directory.identity(of: temporary, for: path)
            if replaces {
                try directory.rename(temporary, to: path)
            } else {
                try directory.putInPlace(temporary, at: path)
            }
            return listener
        } catch {
            directory.remove(temporary)
            throw error
        }
    }
}

/// The directory that a socket file stands in, held open: every step is about the same directory,
/// and a temporary name in it is never too long for an address.
private struct SocketDirectory: ~Copyable {
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

    /// Renames to where nothing, or a socket that nobody holds any more, stands.
    func putInPlace(_ name: String, at path: String) throws(SystemError) {
        do {
            try rename(name, to: path, exchanges: 0)
            return
        } catch {
            // EINVAL: a file system that knows no more than rename(2) does.
            if error.code == EINVAL { return try rename(name, to: path) }
            if error.code != EEXIST { throw error }
        }
        // What stood there is looked at once it is out of the way, where nobody puts another in its place.
        try rename(name, to: path, exchanges: 1)
        let state = try? SocketFile.probe("/proc/self/fd/\(descriptor.rawValue)/\(name)")
        guard state == .stale else {
            // It was put there since the caller looked, and goes back; the caller removes ours.
            try rename(name, to: path, exchanges: 1)
            throw SystemError(code: EADDRINUSE, operation: "put a socket at", subject: path)
        }
        remove(name)
    }

    private func rename(_ name: String, to path: String, exchanges: Int32) throws(SystemError) {
        let number = descriptor.rawValue
        let last = Self.name(of: path)
        try systemCall("put in place", path) {
            unsafe clinuxio_rename(number, name, last, exchanges)
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
