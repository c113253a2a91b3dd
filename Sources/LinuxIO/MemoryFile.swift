internal import CLinuxIO
internal import Glibc

/// What may no longer be done to a memory file. Source: fcntl(2), F_ADD_SEALS.
public struct Seals: OptionSet, Hashable, Sendable {
    /// The bits of F_GET_SEALS.
    public let rawValue: Int32
    /// Makes a set of the kernel's bits.
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// No further seal can be added.
    public static let seal = Seals(rawValue: clinuxio_seal_seal)
    /// The file cannot become smaller: mapped pages cannot vanish under a reader.
    public static let shrink = Seals(rawValue: clinuxio_seal_shrink)
    /// The file cannot become larger.
    public static let grow = Seals(rawValue: clinuxio_seal_grow)
}

extension OwnedDescriptor {
    /// A new memory file (memfd) of a fixed size, close-on-exec, with the seals given.
    ///
    /// - Parameters:
    ///   - name: shown in /proc, for the operator's eyes only.
    ///   - byteCount: the size; pages are zero and not yet allocated.
    ///   - hugePages: back it with huge pages of 2 MiB (MFD_HUGETLB, MFD_HUGE_2MB), of which the size
    ///     must be a multiple. That the system has none to give is found out when it is mapped.
    public static func memoryFile(
        name: String, byteCount: Int, seals: Seals = [.shrink, .grow], hugePages: Bool = false
    ) throws(SystemError) -> OwnedDescriptor {
        let file = OwnedDescriptor(
            adopting: try systemCall("create a memory file", name) {
                // SAFETY: the C string lives for the call.
                unsafe clinuxio_memfd_create(name, hugePages ? 1 : 0)
            })
        let number = file.rawValue
        try systemCall("size a memory file to \(byteCount) bytes", name) {
            ftruncate(number, byteCount)
        }
        try systemCall("seal a memory file", name) { clinuxio_add_seals(number, seals.rawValue) }
        return file
    }

    /// Adds seals to those on the file.
    ///
    /// - Throws: `SystemError`: EPERM for a file that accepts no more, EINVAL for one that cannot be
    ///   sealed at all (not a memory file).
    public borrowing func addSeals(_ seals: Seals) throws(SystemError) {
        let number = rawValue
        try systemCall("seal a memory file") { clinuxio_add_seals(number, seals.rawValue) }
    }

    /// The seals on the file.
    ///
    /// - Throws: `SystemError` with EINVAL for a file that cannot be sealed at all (not a memory file).
    public borrowing func seals() throws(SystemError) -> Seals {
        let number = rawValue
        return Seals(rawValue: try systemCall("read the seals") { clinuxio_get_seals(number) })
    }
}
