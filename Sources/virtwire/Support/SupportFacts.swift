internal import Foundation
internal import Libvirt
internal import LinuxIO
internal import MemifController

/// The host, as far as memif and libvirt go by it.
struct HostFacts: Encodable {
    let time = Moment.text()
    let virtwire = Daemon.version
    let kernel: String
    let system: String
    let processors = ProcessInfo.processInfo.activeProcessorCount
    /// From /proc/meminfo: what there is and what is left, huge pages included.
    let memory: [String: String]
    /// The security modules that may refuse something.
    let securityModules: String
    /// Who has made this.
    let user = Accounts.userName(Accounts.currentUser)

    enum CodingKeys: String, CodingKey {
        case time, virtwire, kernel, system, processors, memory, user
        case securityModules = "security_modules"
    }

    init() {
        kernel = ["ostype", "osrelease", "version"].map { Self.text("/proc/sys/kernel/\($0)") }
            .joined(separator: " ")
        let release = Self.fields("/etc/os-release", by: "=")
        system = (release["PRETTY_NAME"] ?? "").trimmingCharacters(in: ["\""])
        memory = Self.fields("/proc/meminfo", by: ":").filter { name, _ in
            ["MemTotal", "MemAvailable", "Hugepagesize"].contains(name)
                || name.hasPrefix("HugePages_")
        }
        securityModules = Self.text("/sys/kernel/security/lsm")
    }

    private static func text(_ path: String) -> String {
        let bytes = (try? File.read(path, limit: 1 << 16)) ?? []
        return String(decoding: bytes, as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func fields(_ path: String, by separator: Character) -> [String: String] {
        let pairs = text(path).split(separator: "\n").compactMap { line -> (String, String)? in
            let parts = line.split(separator: separator, maxSplits: 1)
            guard parts.count == 2 else { return nil }
            return (String(parts[0]), parts[1].trimmingCharacters(in: .whitespaces))
        }
        return Dictionary(pairs) { first, _ in first }
    }
}

/// libvirt: how it is reached, what it is, and its domains, without their XML.
struct LibvirtFacts: Encodable {
    let uri: String
    /// Where the URI comes from.
    let origin: String
    /// What was done to reach it, and what came of it.
    let steps: [String]
    /// Why it was not reached.
    private(set) var error: String?
    private(set) var version: String?
    private(set) var hypervisor: String?
    private(set) var domains: [DomainRecord]?

    init(_ uri: String?) async throws {
        do throws(LibvirtError) {
            let connection = try await Connection.open(uri, readOnly: true)
            let explanation = connection.explanation
            self.uri = "\(explanation.uri)"
            origin = explanation.origin
            steps = explanation.steps.map { "\($0)" }
            do throws(LibvirtError) {
                try await ask(connection)
            } catch {
                self.error = "\(error)"
            }
            await connection.close()
        } catch {
            let explanation = try Connection.explain(uri, readOnly: true)
            self.uri = "\(explanation.uri)"
            origin = explanation.origin
            steps = explanation.steps.map { "\($0)" }
            self.error = "\(error)"
        }
    }

    private mutating func ask(_ connection: Connection) async throws(LibvirtError) {
        version = "\(try await connection.libraryVersion())"
        hypervisor = "\(try await connection.hypervisorVersion())"
        domains = try await DomainRecord.all(on: connection)
    }
}

/// The end of a file of lines.
struct FileTail: Encodable {
    /// The most bytes of it.
    private static let most: Int64 = 256 << 10

    let path: String
    let size: Int64
    let lines: [String]

    /// Reads it.
    ///
    /// - Throws: `SystemError`, or `CommandFailure` for what is no file.
    init(_ path: String) throws {
        guard try FileStatus(path: path).isRegularFile else {
            throw CommandFailure(.failed, "\(path) is no plain file")
        }
        let file = try DataFile(reading: path)
        size = try file.size()
        let start = max(0, size - Self.most)
        let bytes = try file.read(at: start, count: Int(size - start))
        let all = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        // The first may be the end of one.
        lines = all.dropFirst(start > 0 ? 1 : 0).map(String.init)
        self.path = path
    }

    /// The daemon's log, where its standard error is a file.
    init(logOfDaemonAt controlSocket: String) throws {
        let socket = try UnixSocket.connect(to: try UnixAddress(path: controlSocket), kind: .stream)
        let process = try socket.peerCredentials().process
        // Who has made the socket may have handed it over, and its number may be another's.
        let name = try? File.read("/proc/\(process)/comm", limit: 64)
        guard String(decoding: name ?? [], as: UTF8.self) == "virtwired\n" else {
            throw CommandFailure(
                .failed, "which process is the daemon cannot be told; its service manager knows")
        }
        let target = try File.target(ofLink: "/proc/\(process)/fd/2")
        guard target.hasPrefix("/"), !target.hasPrefix("/dev/") else {
            throw CommandFailure(
                .failed,
                "the daemon writes its log to \(target), which is no file; under systemd "
                    + "journalctl -u virtwired shows it")
        }
        try self.init(target)
    }
}
