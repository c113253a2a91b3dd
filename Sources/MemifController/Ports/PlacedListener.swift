internal import LinuxIO

/// A port's listening socket in its place, with owner, group and mode as specified.
struct PlacedListener: ~Copyable {
    let listener: UnixListener
    /// Which file is ours: another may take its place.
    let identity: FileIdentity

    /// Makes it, if nothing of anybody else's is in the way.
    init(_ specification: PortSpecification) throws(PortError) {
        try Self.checkPlace(specification.path)
        do throws(SystemError) {
            let listener = try SocketFile.listen(
                at: specification.path, kind: .messages, mode: PortSpecification.mode,
                user: specification.user, group: specification.group)
            identity = try FileStatus(path: specification.path).identity
            self.listener = listener
        } catch {
            throw PortError(
                reason: "the socket cannot be made: \(error)",
                remedy: "make its directory writable for the daemon, and leave it descriptors")
        }
    }

    /// What nobody holds is replaced; what somebody holds, or what is no socket, is left alone.
    private static func checkPlace(_ path: String) throws(PortError) {
        let state: SocketFileState
        do throws(SystemError) {
            state = try SocketFile.probe(path)
        } catch {
            throw PortError(
                reason: "what stands at the socket's path cannot be told: \(error)",
                remedy: "make its directory accessible for the daemon")
        }
        switch state {
        case .absent, .stale: return
        case .live:
            throw PortError(
                reason: "another program listens at \(path)",
                remedy: "stop that program; its socket is left alone")
        case .foreign:
            throw PortError(
                reason: "something that is no socket stands at \(path)",
                remedy: "move it away")
        }
    }
}
