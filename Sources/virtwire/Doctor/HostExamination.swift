internal import LinuxIO
internal import MemifController

/// What may be wrong with this host, whatever domains there are.
struct HostExamination {
    let layout: RuntimeLayout
    let secretsDirectory: String
    /// What stands at a socket's path.
    var probe: (String) -> SocketFileState? = { try? SocketFile.probe($0) }
    /// The processes that are called virtwired.
    var daemons: () -> [Int32] = HostExamination.runningDaemons

    /// Everything that is found.
    func symptoms() -> [Symptom] { foreignSockets() + severalDaemons() }

    /// What stands where the daemon's own sockets belong.
    private func foreignSockets() -> [Symptom] {
        [layout.controlSocket, layout.readOnlyControlSocket].filter { probe($0) == .foreign }.map {
            Symptom(
                $0, "is no socket, and keeps virtwired from making its own there",
                remedy: "move it away: mv \($0) \($0).old")
        }
    }

    private func severalDaemons() -> [Symptom] {
        let processes = daemons()
        guard processes.count > 1 else { return [] }
        let numbers = processes.map(String.init).joined(separator: ", ")
        return [
            Symptom(
                "virtwired",
                "runs \(processes.count) times (processes \(numbers)): of two that serve "
                    + "the same directories the second does not start, and of two with directories of "
                    + "their own each gives every domain its sockets",
                remedy:
                    "stop all but one, unless one is just taking over: systemctl restart virtwired")
        ]
    }

    /// Source: proc(5), `/proc/pid/comm`. Threads are not listed there.
    private static func runningDaemons() -> [Int32] {
        let processes = ((try? Directory.entries(of: "/proc")) ?? []).compactMap { Int32($0) }
        return processes.filter { process in
            let name = (try? File.read("/proc/\(process)/comm", limit: 64)) ?? []
            return name == Array("virtwired\n".utf8)
        }.sorted()
    }

    /// What is wrong with the secrets that a domain's ports refer to.
    func secretSymptoms(_ ports: [PortDeclaration]) -> [Symptom] {
        Set(ports.compactMap(\.secretReference)).sorted().compactMap { secretSymptom($0) }
    }

    private func secretSymptom(_ name: String) -> Symptom? {
        let path = "\(secretsDirectory)/\(name)"
        let file: FileStatus
        do throws(SystemError) {
            file = try FileStatus(path: path)
        } catch {
            // Whoever may not look there cannot say that it is missing.
            guard !error.isPermission else { return nil }
            return Symptom(
                "secret \(name)", "cannot be read: \(error)",
                remedy: "write it: install -m 0600 /dev/stdin \(path)")
        }
        if file.permissions & 0o077 != 0 {
            return Symptom(
                "secret \(name)",
                "can be read by others than its owner: \(path) has mode 0"
                    + String(file.permissions, radix: 8),
                remedy: "let the daemon alone read it: chmod 0600 \(path)")
        }
        do throws(SystemError) {
            if PortSecret(file: try File.read(path, limit: PortSecret.longestFile)) != nil {
                return nil
            }
        } catch {
            if error.isPermission { return nil }
        }
        return Symptom(
            "secret \(name)",
            "is not text of 1 to \(PortSecret.longest) bytes, with the former one in a second line while it "
                + "changes: \(path)",
            remedy: "write another, on both sides")
    }
}

extension SystemError {
    /// Whether the caller may not look.
    fileprivate var isPermission: Bool { code == 13 || code == 1 }
}
