import LinuxIO

/// The image of a disk, of one MiB, whose beginning cannot be read.
enum BrokenDisk {
    /// Writes it.
    static func write(to path: String) throws(SystemError) {
        try File.replace(path, with: bytes, mode: 0o644)
    }

    private static let clusterBits = 16

    /// A qcow2 file of six clusters: the header, the table of reference counts, the only block of it, the
    /// tables of both levels, and a cluster that is said to be compressed and is not. Everything but that
    /// one is right, so that QEMU opens it, and goes on with it after each read that fails.
    ///
    /// Source: QEMU, docs/interop/qcow2.txt.
    private static var bytes: [UInt8] {
        var image = [UInt8](repeating: 0, count: 6 << clusterBits)
        func put(_ value: UInt64, bytes: Int, at offset: Int) {
            for place in 0..<bytes {
                image[offset + place] = UInt8(
                    truncatingIfNeeded: value >> (8 * (bytes - 1 - place)))
            }
        }
        func cluster(_ number: Int) -> Int { number << clusterBits }
        let isCopied: UInt64 = 1 << 63
        let isCompressed: UInt64 = 1 << 62
        // "QFI" and 0xFB, version 2.
        put(0x5146_49FB_0000_0002, bytes: 8, at: 0)
        put(UInt64(clusterBits), bytes: 4, at: 20)
        put(1 << 20, bytes: 8, at: 24)
        put(1, bytes: 4, at: 36)
        put(UInt64(cluster(3)), bytes: 8, at: 40)
        put(UInt64(cluster(1)), bytes: 8, at: 48)
        put(1, bytes: 4, at: 56)
        put(UInt64(cluster(2)), bytes: 8, at: cluster(1))
        for number in 0..<6 { put(1, bytes: 2, at: cluster(2) + 2 * number) }
        put(isCopied | UInt64(cluster(4)), bytes: 8, at: cluster(3))
        put(isCompressed | UInt64(cluster(5)), bytes: 8, at: cluster(4))
        return image
    }
}
