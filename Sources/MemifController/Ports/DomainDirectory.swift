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

    /// Removes sockets that are named as ours are, that nobody holds and that are not to be kept: what
    /// an earlier process left.
    ///
    /// - Returns: what stays and does not belong there: another's files and sockets.
    func sweep(keeping ports: Set<String>) -> [String] {
        let wanted = Set(ports.map { "\($0).sock" })
        let names = (try? Directory.entries(of: path)) ?? []
        return names.filter { name in
            if wanted.contains(name) { return false }
            guard Self.isOurs(name) else { return true }
            let file = "\(path)/\(name)"
            guard (try? SocketFile.probe(file)) == .stale else { return true }
            return (try? File.remove(file)) == nil
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
