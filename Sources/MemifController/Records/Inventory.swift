internal import LibvirtRPC
internal import LinuxIO
internal import Logging

/// What an earlier process left on disk.
struct Inventory {
    /// What was recorded.
    private(set) var records: [DomainRecord] = []
    /// Domains with a directory or an unreadable record, and no record that can be read.
    private(set) var leftovers: [VMIdentifier] = []

    /// Looks; what cannot be read is reported, and costs nothing else.
    init(_ host: Host) {
        var others: Set<VMIdentifier> = []
        do throws(PortError) {
            let found = try host.records.load()
            records = found.records
            for path in found.unreadable {
                host.logger.warning(
                    "a record cannot be read; it is made anew from what libvirt says",
                    metadata: ["record": "\(path)"])
                let name = path.split(separator: "/").last?.dropLast(".json".count)
                if let vm = name.flatMap({ VMIdentifier(String($0)) }) { others.insert(vm) }
            }
        } catch {
            host.logger.warning("\(error.reason)", metadata: ["remedy": "\(error.remedy)"])
        }
        let directories = (try? Directory.entries(of: host.layout.domainsDirectory)) ?? []
        others.formUnion(directories.compactMap { VMIdentifier($0) })
        leftovers = others.subtracting(records.map(\.vm)).sorted()
    }
}

/// The right to use the host's directories, held by one process at a time.
struct DirectoryClaim: ~Copyable {
    private var runtime: FileLock
    private var records: FileLock

    /// Makes the directories and takes their locks: two daemons may share neither.
    ///
    /// - Parameter inherited: begins with the locks of a process in whose place this one goes on.
    init(_ host: Host, _ inherited: PassedDescriptors? = nil) throws(PortError) {
        let runtime = host.layout.runtimeDirectory
        do throws(SystemError) {
            try Directory.ensurePath(runtime)
            try Directory.ensurePath(host.layout.domainsDirectory)
        } catch {
            throw PortError(
                reason: "the runtime directory cannot be used: \(error)",
                remedy: "make it writable for the daemon, or name another with --runtime-directory")
        }
        try host.records.prepare()
        let runtimeLock = try Self.lock(host.layout.lock, "runtime", inherited?.takeFirst())
        let recordsLock = try Self.lock(host.layout.recordsLock, "state", inherited?.takeFirst())
        SocketFile.removeUnfinished(in: runtime)
        self.runtime = runtimeLock
        records = recordsLock
    }

    /// Other descriptors of both locks.
    borrowing func duplicate() throws(SystemError) -> DescriptorQueue {
        var descriptors = DescriptorQueue()
        descriptors.append(try runtime.duplicate())
        descriptors.append(try records.duplicate())
        return descriptors
    }

    /// Has both locks for itself: the process that they were taken over from leaves them.
    mutating func own() {
        runtime.own()
        records.own()
    }

    /// Leaves both locks to the process that has them too.
    consuming func leave() {
        runtime.leave()
        records.leave()
    }

    private static func lock(
        _ path: String, _ kind: String, _ inherited: consuming OwnedDescriptor?
    ) throws(PortError) -> FileLock {
        if let inherited, let lock = FileLock(adopting: inherited, path: path) { return lock }
        do throws(SystemError) {
            return try FileLock(path: path)
        } catch {
            throw PortError(
                reason: "the \(kind) directory cannot be claimed: \(error)",
                remedy: "if another virtwired serves it, stop that one, or name another directory "
                    + "with --\(kind)-directory")
        }
    }
}
