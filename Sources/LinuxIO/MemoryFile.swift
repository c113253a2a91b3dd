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
    /// The bytes cannot change.
    public static let write = Seals(rawValue: clinuxio_seal_write)
    /// Nothing about the file can change any more.
    public static let all: Seals = [.seal, .shrink, .grow, .write]
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

    /// A new memory file that holds these bytes for good.
    public static func memoryFile(
        name: String, holding bytes: [UInt8]
    ) throws(SystemError) -> OwnedDescriptor {
        let file = try memoryFile(name: name, byteCount: bytes.count, seals: [])
        try DataFile(file.duplicate(), called: name).write(bytes, at: 0)
        try file.addSeals(.all)
        return file
    }

    /// What a memory file holds, of which nothing can change while it is read, nor after.
    ///
    /// - Throws: `SystemError`: EPERM for a file that is not sealed for good, EFBIG for one of more than
    ///   `limit` bytes, EINVAL for what is no memory file.
    public borrowing func sealedBytes(limit: Int) throws(SystemError) -> [UInt8] {
        guard try seals().isSuperset(of: .all) else {
            throw SystemError(code: EPERM, operation: "read a memory file that is not sealed")
        }
        let byteCount = try status().byteCount
        guard byteCount <= limit else {
            throw SystemError(
                code: EFBIG, operation: "read a memory file of more than \(limit) bytes")
        }
        let file = DataFile(try duplicate(), called: "a memory file")
        var bytes: [UInt8] = []
        while bytes.count < byteCount {
            let offset = bytes.count
            let more = try file.read(at: Int64(offset), count: Int(byteCount) - offset)
            if more.isEmpty { break }
            bytes += more
        }
        return bytes
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
