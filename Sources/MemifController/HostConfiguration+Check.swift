internal import LinuxIO

extension HostConfiguration {
    /// What would keep a daemon from running with this configuration, found without changing anything.
    public func problems() -> [PortError] {
        // Who only looks needs no directory.
        if observes { return [] }
        var problems: [PortError] = []
        for (flag, path) in [
            ("--runtime-directory", runtimeDirectory), ("--state-directory", stateDirectory),
        ] {
            if let problem = Self.problem(flag, path) { problems.append(problem) }
        }
        if let auditLog {
            let directory = String(
                auditLog[..<(auditLog.lastIndex(of: "/") ?? auditLog.startIndex)])
            if !auditLog.hasPrefix("/")
                || !Directory.isWritable(directory.isEmpty ? "/" : directory)
            {
                problems.append(
                    PortError(
                        reason: "the audit log cannot be kept at '\(auditLog.printable)'",
                        remedy: "name a file in a directory that the daemon can write, with "
                            + "audit-log in the settings"))
            }
        }
        let longest =
            RuntimeLayout(self).directory(of: VMIdentifier.zero).utf8.count + "/a.sock".count
        if longest > UnixAddress.longestName {
            problems.append(
                PortError(
                    reason: "no socket's path under \(runtimeDirectory) fits in "
                        + "\(UnixAddress.longestName) bytes",
                    remedy: "name a shorter one with --runtime-directory"))
        }
        return problems
    }

    /// What is not as it might be, and keeps nothing from running.
    public func remarks() -> [PortError] {
        var remarks: [PortError] = []
        if Accounts.group(group) == nil {
            remarks.append(
                PortError(
                    reason: "this host has no group '\(group.printable)'; sockets get the daemon's "
                        + "own, \(Accounts.groupName(Accounts.currentGroup))",
                    remedy: "make the group, or name another with --group"))
        }
        if Accounts.group(adminGroup) == nil {
            remarks.append(
                PortError(
                    reason: "this host has no group '\(adminGroup.printable)'; only root and the "
                        + "daemon's own user can administer the daemon",
                    remedy: "make the group, or name another with --admin-group"))
        }
        return remarks
    }

    private static func problem(_ flag: String, _ path: String) -> PortError? {
        guard path.hasPrefix("/"), !path.utf8.contains(0) else {
            return PortError(
                reason: "'\(path.printable)' is no absolute path", remedy: "name one with \(flag)")
        }
        // What is missing is made, so the nearest that is there decides.
        var place = path
        while (try? FileStatus(path: place)) == nil, place != "/" {
            place = String(place[..<(place.lastIndex(of: "/") ?? place.startIndex)])
            if place.isEmpty { place = "/" }
        }
        guard Directory.isWritable(place) else {
            return PortError(
                reason:
                    "\(path) cannot be used: \(place) is no directory that the daemon can write",
                remedy: "make it writable, or name another with \(flag)")
        }
        return nil
    }
}
