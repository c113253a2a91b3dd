internal import LinuxIO

/// What a process calls itself.
enum ProcessName {
    /// Nil when there is no such process any more. Whoever has ended may have left the number to another.
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
}
