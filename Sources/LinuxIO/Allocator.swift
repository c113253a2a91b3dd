internal import CLinuxIO

/// The allocator of this process.
public enum Allocator {
    /// Has each block of 128 KiB or more go back to the system once it is freed. By itself malloc does so only until
    /// the first is freed, and from then on keeps as much as that: a program that now and then makes a text of
    /// megabytes would hold on to them.
    ///
    /// Source: mallopt(3), `M_MMAP_THRESHOLD`.
    public static func returnLargeBlocks() { clinuxio_return_large_blocks(128 << 10) }
}
