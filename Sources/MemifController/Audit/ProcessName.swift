internal import LibvirtRPC
internal import LinuxIO

/// What a process is called. Who has ended may have left its number to another by the time that this is asked:
/// user and group, which the kernel recorded at connect, are certain, and names are not.
enum ProcessName {
    /// What it calls itself; nil when there is no such process any more.
    ///
    /// Source: proc(5), `/proc/pid/comm`.
    static func of(_ process: Int32) -> String? {
        guard process > 0, let bytes = try? File.read("/proc/\(process)/comm", limit: 64) else {
            return nil
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").first.map {
            String($0).printable
        }
    }

    /// The path of the program that it runs, in its own mount namespace; `unknown` where the process has gone,
    /// or is another user's or has more capabilities, and the daemon may not look (CAP_SYS_PTRACE).
    ///
    /// Source: proc(5), `/proc/pid/exe`.
    static func executable(of process: Int32) -> String {
        guard process > 0, let path = try? File.target(ofLink: "/proc/\(process)/exe") else {
            return "unknown"
        }
        return path.printable(longest: 1024)
    }
}
