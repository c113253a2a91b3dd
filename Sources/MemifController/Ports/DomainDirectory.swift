internal import Glibc
internal import LinuxIO

/// The directory of one domain's sockets.
struct DomainDirectory: Sendable {
    let path: String
    /// The directory above it, which every domain's stands in.
    let parent: String

    /// For the port's group to enter, read and write: DPDK's client wants all three. Set-group-id
    /// gives the group to what is made in it, sticky keeps peers from removing our sockets.
    static let mode: UInt32 = 0o3770

    init(_ layout: RuntimeLayout, _ vm: VMIdentifier) {
        path = layout.directory(of: vm)
        parent = layout.domainsDirectory
    }

    /// Lets those in who are not of the directory's group.
    func admit(_ list: AccessList) throws(PortError) {
        do throws(SystemError) {
            try list.apply(to: path)
        } catch {
            throw PortError(
                reason: "who is to use the socket cannot enter its directory, which is another "
                    + "group's: \(error)",
                remedy: "give the domain's ports one group and no owner, or name a "
                    + "--runtime-directory whose file system has access control lists")
        }
    }

    /// Makes it, or puts it right.
    func ensure(group: UInt32?) throws(PortError) {
        do throws(SystemError) {
            try Directory.ensurePath(parent)
            try Directory.ensure(path, mode: Self.mode, group: group)
        } catch {
            throw PortError(
                reason: "the directory for the sockets cannot be made: \(error)",
                remedy: "make \(parent) writable for the daemon, and move away whatever stands in "
                    + "its place")
        }
    }

    /// Names of files and sockets that are another's: as much of them as a line of the log shows, for who may
    /// write here may make as many as the disk holds.
    struct Foreign: Sendable, Hashable {
        private(set) var count = 0
        /// The first, in their order.
        private(set) var first: [String] = []
        /// Tells other names from the same.
        private var mark = 0

        static let mostShown = 8

        init(_ names: some Sequence<String> = []) {
            for name in names { add(name) }
        }

        mutating func add(_ name: String) {
            count += 1
            if first.count < Self.mostShown { first.append(name) }
            var hasher = Hasher()
            hasher.combine(mark)
            hasher.combine(name)
            mark = hasher.finalize()
        }
    }

    /// What a sweep has left.
    struct Rest: Sendable, Hashable {
        /// What does not belong there.
        var foreign = Foreign()
        /// Why something that is ours, and not to be kept, stays; nil where nothing does.
        var problem: PortError?

        fileprivate mutating func add(_ error: SystemError, _ path: String) {
            problem = PortError(
                reason: "a socket that is done with cannot be removed: \(error)",
                remedy: "make \(path) writable for the daemon")
        }
    }

    /// Removes sockets that are named as ours are, that nobody holds and that are not to be kept: what
    /// an earlier process left, or this one could not remove.
    ///
    /// - Parameter removeFile: how a file is removed.
    func sweep(
        keeping ports: Set<String>,
        removeFile: (String) throws(SystemError) -> Void = { (file) throws(SystemError) in
            try File.remove(file)
        }
    ) -> Rest {
        let wanted = Set(ports.map { "\($0).sock" })
        var rest = Rest()
        do throws(SystemError) {
            for name in try names() where !wanted.contains(name) {
                let file = "\(path)/\(name)"
                // Peers may write here: what cannot be tried is theirs.
                guard Self.isOurs(name), (try? SocketFile.probe(file)) == .stale else {
                    rest.foreign.add(name)
                    continue
                }
                do throws(SystemError) { try removeFile(file) } catch { rest.add(error, path) }
            }
        } catch {
            rest.add(error, path)
        }
        return rest
    }

    /// What is in it; nothing where there is no such directory.
    private func names() throws(SystemError) -> [String] {
        do throws(SystemError) {
            return try Directory.entries(of: path)
        } catch {
            if error.code == ENOENT || error.code == ENOTDIR { return [] }
            throw error
        }
    }

    /// Whether a name is one that a port's socket has, in place or on its way there.
    private static func isOurs(_ name: String) -> Bool {
        SocketFile.isTemporary(name)
            || name.hasSuffix(".sock") && String(name.dropLast(".sock".count)).isPortName
    }

    /// Removes it, when nothing is in it.
    func remove() throws(PortError) {
        do throws(SystemError) {
            try Directory.remove(path)
        } catch {
            // Another's file stands in its place: there is no directory of ours to remove.
            if error.code == ENOTDIR { return }
            throw PortError(
                reason: "the directory of a domain that has no ports any more stays: \(error)",
                remedy: "move away what others have put into \(path)")
        }
    }
}
