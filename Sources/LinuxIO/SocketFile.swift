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
        _ = try UnixAddress(path: path)
        let temporary = try temporaryPath(beside: path)
        // SAFETY: the paths are C strings that live for each call.
        unsafe unlink(temporary)
        let listener = try UnixListener.bind(
            to: try UnixAddress(path: temporary), kind: kind, backlog: backlog)
        do throws(SystemError) {
            try systemCall("set the mode of", path) { unsafe chmod(temporary, mode) }
            if user != nil || group != nil {
                // UInt32.max is chown's "leave as it is".
                try systemCall("set the owner of", path) {
                    unsafe lchown(temporary, user ?? .max, group ?? .max)
                }
            }
            try systemCall("put in place", path) { unsafe rename(temporary, path) }
        } catch {
            unsafe unlink(temporary)
            throw error
        }
        return listener
    }

    /// A short name in the same directory: it must fit in a socket address like the path itself.
    private static func temporaryPath(beside path: String) throws(SystemError) -> String {
        let directory = path.lastIndex(of: "/").map { path[...$0] } ?? ""
        return "\(directory).\(String(getpid(), radix: 36))\(String(Thread.currentID, radix: 36))"
    }
}
