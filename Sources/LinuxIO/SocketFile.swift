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
    ///
    /// To be called while its listener is open still: nobody puts another in the place of a socket that is
    /// held, and the system gives its number to no other file.
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

    /// Removes what processes that died before a socket was in place left in a directory. Sockets and
    /// locks that somebody holds, and everything else, stay.
    public static func removeUnfinished(in directory: String) {
        for name in (try? Directory.entries(of: directory)) ?? [] {
            let path = "\(directory)/\(name)"
            if isTemporary(name) {
                if (try? probe(path)) == .stale { _ = try? File.remove(path) }
            } else if let socket = SocketDirectory.subject(ofLock: name) {
                SocketDirectory.removeLock(of: "\(directory)/\(socket)")
            }
        }
    }

    /// As ``listen(at:kind:mode:user:group:backlog:)``, where nobody listens and nothing but a socket
    /// that somebody left stands.
    ///
    /// Of several that begin to listen there at once, one does, and the others are told that it is taken.
    /// For that moment an empty file `.NAME.starting` is locked beside it.
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
        try placeNew(
            at: path, kind: kind, mode: mode, group: group, identity: &identity)
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
        let directory = try SocketDirectory(of: path)
        return try place(
            at: path, in: directory, kind: kind, mode: mode, user: user, group: group,
            backlog: backlog, identity: &identity
        ) { (name) throws(SystemError) in try directory.rename(name, to: path) }
    }

    /// As `listenUnlessTaken`, which says what it does.
    ///
    /// Looking and placing are two steps, so one starter at a time takes them: who holds the path's lock.
    ///
    /// - Parameter fileSystem: how a file is renamed to where nothing stands.
    static func placeNew(
        at path: String, kind: UnixSocketKind, mode: UInt32, group: UInt32? = nil,
        identity: inout FileIdentity?, renaming fileSystem: Renaming = .system
    ) throws(SystemError) -> UnixListener {
        // Who listens already is seen without the right to write in the directory.
        _ = try stateUnlessTaken(path)
        let directory = try SocketDirectory(of: path)
        let lock = try directory.lock(path)
        defer { directory.unlock(lock, path) }
        let state = try stateUnlessTaken(path)
        return try place(
            at: path, in: directory, kind: kind, mode: mode, group: group, identity: &identity
        ) { (name) throws(SystemError) in
            if state == .stale {
                try directory.rename(name, to: path)
            } else {
                try directory.rename(name, toAbsent: path, fileSystem)
            }
        }
    }

    private static func stateUnlessTaken(_ path: String) throws(SystemError) -> SocketFileState {
        let state = try probe(path)
        guard state == .absent || state == .stale else {
            throw SystemError(code: EADDRINUSE, operation: "put a socket at", subject: path)
        }
        return state
    }

    private static func place(
        at path: String, in directory: borrowing SocketDirectory, kind: UnixSocketKind,
        mode: UInt32, user: UInt32? = nil, group: UInt32? = nil, backlog: Int32 = 128,
        identity: inout FileIdentity?, _ putInPlace: (String) throws(SystemError) -> Void
    ) throws(SystemError) -> UnixListener {
        _ = try UnixAddress(path: path)
        // Of this process and others, some with the same number in containers of their own.
        let temporary = ".\(String(UInt64.random(in: .min ... .max), radix: 36))\(temporarySuffix)"
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
            try putInPlace(temporary)
            return listener
        } catch {
            directory.remove(temporary)
            throw error
        }
    }
}
