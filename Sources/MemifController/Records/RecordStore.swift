internal import LinuxIO

/// The records on disk, one file to a domain.
struct RecordStore: Sendable {
    private let layout: RuntimeLayout

    /// More than a record of the most ports allowed; a longer file is no record.
    private static let longestRecord = 256 * 1024

    init(_ layout: RuntimeLayout) {
        self.layout = layout
    }

    /// Makes the directory that the records are in.
    func prepare() throws(PortError) {
        do throws(SystemError) {
            try Directory.ensurePath(layout.recordsDirectory)
            try Directory.ensure(layout.recordsDirectory, mode: 0o700)
        } catch {
            throw PortError(
                reason: "records cannot be kept: \(error)",
                remedy: "make the state directory writable for the daemon, or name another with "
                    + "--state-directory")
        }
    }

    /// Every record that can be read, and the names of files that are none.
    func load() throws(PortError) -> (records: [DomainRecord], unreadable: [String]) {
        do throws(SystemError) {
            var records: [DomainRecord] = []
            var unreadable: [String] = []
            for name in try Directory.entries(of: layout.recordsDirectory) {
                let path = "\(layout.recordsDirectory)/\(name)"
                // A process that died between writing a record and putting it in place left this.
                if name.hasSuffix(".json.new") { _ = try? File.remove(path) }
                guard name.hasSuffix(".json") else { continue }
                if let bytes = try? File.read(path, limit: Self.longestRecord),
                    let record = DomainRecord(decoding: bytes), "\(record.vm).json" == name
                {
                    records.append(record)
                } else {
                    unreadable.append(path)
                }
            }
            return (records, unreadable)
        } catch {
            throw PortError(
                reason: "records cannot be read: \(error)",
                remedy: "make the state directory readable for the daemon")
        }
    }

    /// Writes a domain's record, to disk before this returns.
    func write(_ record: DomainRecord) throws(PortError) {
        do {
            try File.replace(layout.record(of: record.vm), with: try record.encoded)
        } catch {
            throw PortError(
                reason: "the record of what is to be created cannot be written: \(error)",
                remedy: "make room on the state directory's disk, and the directory writable")
        }
    }

    /// Strikes a domain's record out. A record that stays is found, and tried again, at the next start.
    func remove(_ vm: VMIdentifier) throws(PortError) {
        do throws(SystemError) {
            try File.remove(layout.record(of: vm))
        } catch {
            throw PortError(
                reason: "a record that is done with cannot be removed: \(error)",
                remedy: "make the state directory writable for the daemon")
        }
    }
}
