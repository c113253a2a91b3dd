// SAFETY of the whole file: a hint reads and writes nothing, and an address of anything will do.

public import CLinuxIO

/// Hints to the processor about memory that will be used soon. They never fault, whatever the address.
public enum Prefetch {
    /// Fetches a cache line to be read.
    @unsafe @inlinable @inline(__always)
    public static func read(_ address: UnsafeRawPointer) { unsafe clinuxio_prefetch(address) }

    /// Fetches a cache line to be written: no other core has it afterwards.
    @unsafe @inlinable @inline(__always)
    public static func write(_ address: UnsafeRawPointer) {
        unsafe clinuxio_prefetch_to_write(address)
    }
}
