internal import Glibc
internal import LinuxIO
internal import Synchronization

/// Why a domain's ports get no new links.
enum DrainScope: Sendable, Hashable {
    /// The whole host is being drained.
    case host
    /// The domain itself is, and the host is not.
    case domain
}

/// What is being drained, the host or domains of it: files' existence, so that the next daemon goes on
/// with it.
final class DrainMarks: Sendable {
    private struct State {
        var host = false
        var domains: Set<VMIdentifier> = []

        /// Nothing.
        init() {}

        /// What is marked on disk: no file is no mark, and an error is not.
        init(_ layout: RuntimeLayout) throws(SystemError) {
            do throws(SystemError) {
                _ = try FileStatus(path: layout.drainMark)
                host = true
            } catch {
                guard error.code == ENOENT else { throw error }
            }
            do throws(SystemError) {
                let names = try Directory.entries(of: layout.drainedDomainsDirectory)
                domains = Set(names.compactMap { VMIdentifier($0) })
            } catch {
                guard error.code == ENOENT else { throw error }
            }
        }
    }

    private let layout: RuntimeLayout
    private let standing: Mutex<State>

    /// Knows of no mark where they cannot be read: who is to go by them reads them again.
    init(_ layout: RuntimeLayout) {
        self.layout = layout
        standing = Mutex((try? State(layout)) ?? State())
    }

    /// Whether the host is being drained.
    var isHostDrained: Bool { standing.withLock(\.host) }

    /// The domains that are being drained themselves.
    var domains: Set<VMIdentifier> { standing.withLock(\.domains) }

    /// Why a domain is to have no new links; nil where it may have some.
    func scope(of vm: VMIdentifier) -> DrainScope? {
        standing.withLock { standing in
            standing.host ? .host : standing.domains.contains(vm) ? .domain : nil
        }
    }

    /// Looks which marks there are: another process may have set some or taken some away.
    ///
    /// - Throws: `PortError` where that cannot be told; then it is as before.
    func readAgain() throws(PortError) {
        do throws(SystemError) {
            let state = try State(layout)
            standing.withLock { $0 = state }
        } catch {
            throw PortError(
                reason: "what is drained cannot be read: \(error)",
                remedy: "make the state directory readable for the daemon, and move away what "
                    + "stands in the marks' place")
        }
    }

    /// Sets the host's mark or takes it away: on disk before this returns, and not at all when it throws.
    func set(_ isSet: Bool) throws(PortError) {
        try standing.withLock { (standing) throws(PortError) in
            try Self.mark(layout.drainMark, isSet)
            standing.host = isSet
        }
    }

    /// Sets a domain's mark or takes it away, as ``set(_:)`` the host's.
    func set(_ isSet: Bool, for vm: VMIdentifier) throws(PortError) {
        try standing.withLock { (standing) throws(PortError) in
            try Self.mark("\(layout.drainedDomainsDirectory)/\(vm)", isSet)
            if isSet { standing.domains.insert(vm) } else { standing.domains.remove(vm) }
        }
    }

    /// Takes away the mark of a domain that is gone, if it has one.
    func forget(_ vm: VMIdentifier) throws(PortError) {
        if domains.contains(vm) { try set(false, for: vm) }
    }

    private static func mark(_ path: String, _ isSet: Bool) throws(PortError) {
        do throws(SystemError) {
            if isSet {
                try Directory.ensurePath(
                    String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]))
                try File.replace(path, with: [])
            } else {
                try File.remove(path)
            }
        } catch {
            throw PortError(
                reason: "what is drained cannot be kept over a restart: \(error)",
                remedy: "make room on the state directory's disk, and the directory writable")
        }
    }
}
