internal import Glibc

/// The last few descriptors that a process can have, which no stranger's connection takes, and no link.
///
/// A process that has none left is ended by Swift's own runtime: libdispatch counts its threads through
/// /proc, and takes a file that it cannot open there for a thread that has gone.
public enum DescriptorReserve {
    /// How many are kept.
    public static let count: UInt = 8

    /// Lets this process have as many descriptors as it may ask for; programs that it starts as well.
    public static func raiseLimit() {
        guard var limit = currentLimit, limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        // SAFETY: the call reads the structure. Where it is refused the limit stays as it was.
        _ = unsafe setrlimit(resource, &limit)
    }

    private static var resource: __rlimit_resource_t { __rlimit_resource_t(RLIMIT_NOFILE.rawValue) }

    private static var currentLimit: rlimit? {
        var limit = rlimit()
        // SAFETY: the call fills the structure, which outlives it.
        return unsafe getrlimit(resource, &limit) == 0 ? limit : nil
    }

    /// Whether a process with this descriptor open can have another one, or as many as `count`, and the
    /// reserve besides.
    public static func leavesRoom(
        beside descriptor: borrowing OwnedDescriptor, for count: Int = 1
    ) -> Bool {
        // How many are open, in the table of this very thread; 0 before Linux 6.2.
        if let open = try? FileStatus(path: "/proc/thread-self/fd").byteCount, open > 0 {
            return !contains(Int32(clamping: open + count - 1))
        }
        // The kernel gives the lowest number that is free; what is above it is taken to be free as well.
        guard let lowest = try? descriptor.duplicate() else { return false }
        return !contains(lowest.rawValue + Int32(clamping: count - 1))
    }

    /// Whether a descriptor that has just been made, of this number, is one of the last.
    public static func contains(_ number: Int32) -> Bool {
        guard let limit = currentLimit else { return false }
        return UInt(clamping: number) + count >= UInt(limit.rlim_cur)
    }

    /// Refuses a descriptor that has just been made and is one of the last.
    ///
    /// - Throws: `SystemError` with EMFILE.
    public static func spare(
        _ made: borrowing OwnedDescriptor, _ operation: String
    ) throws(SystemError) {
        if contains(made.rawValue) { throw SystemError(code: EMFILE, operation: operation) }
    }

    /// Refuses descriptors of which one is of the last.
    ///
    /// - Throws: `SystemError` with EMFILE.
    public static func spare(
        _ made: borrowing DescriptorQueue, _ operation: String
    ) throws(SystemError) {
        // The highest number decides for all.
        if made.all.max().map(contains) == true {
            throw SystemError(code: EMFILE, operation: operation)
        }
    }
}
