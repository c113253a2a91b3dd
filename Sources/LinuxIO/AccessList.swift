internal import CLinuxIO
internal import Glibc

/// Users and groups that have the same rights to a directory as its own group has: the named entries of a
/// POSIX access control list.
///
/// Source: acl(5), setxattr(2), and `struct posix_acl_xattr_entry` of <linux/posix_acl_xattr.h>.
public struct AccessList: Hashable, Sendable {
    /// Users, by number.
    public var users: Set<UInt32>
    /// Groups, by number.
    public var groups: Set<UInt32>

    /// A list of these.
    public init(users: Set<UInt32> = [], groups: Set<UInt32> = []) {
        self.users = users
        self.groups = groups
    }

    private static let version: [UInt8] = [2, 0, 0, 0]
    /// The most bytes that an attribute has. Source: XATTR_SIZE_MAX.
    private static let longest = 65_536

    /// What an entry is about. Source: ACL_USER_OBJ and its like.
    private enum Tag: UInt16 {
        case owner = 0x01
        case user = 0x02
        case owningGroup = 0x04
        case group = 0x08
        case mask = 0x10
        case others = 0x20
    }

    /// Those that have the group's rights to a file or directory; nobody where it has no list, or its file
    /// system none at all.
    public init(of path: String) {
        self.init()
        guard let bytes = Self.read(path), bytes.starts(with: Self.version) else { return }
        var entries = bytes.dropFirst(Self.version.count)[...]
        // All of the mask is what the group's bits of the mode say.
        let rights = (try? FileStatus(path: path)).map { UInt16($0.permissions >> 3 & 7) }
        while entries.count >= 8 {
            let entry = Array(entries.prefix(8))
            entries = entries.dropFirst(8)
            let permissions = UInt16(entry[2]) | UInt16(entry[3]) << 8
            guard permissions == rights else { continue }
            let number = (4..<8).reduce(0) { $0 | UInt32(entry[$1]) << (8 * ($1 - 4)) }
            switch Tag(rawValue: UInt16(entry[0]) | UInt16(entry[1]) << 8) {
            case .user: users.insert(number)
            case .group: groups.insert(number)
            default: break
            }
        }
    }

    /// Gives a directory this list, in the place of any other.
    ///
    /// - Throws: `SystemError`; EOPNOTSUPP where the file system has no lists.
    public func apply(to path: String) throws(SystemError) {
        let standing = Self.read(path)
        if users.isEmpty && groups.isEmpty {
            guard standing != nil else { return }
            // SAFETY: here and below, the path is a C string that lives for the call.
            try systemCall("remove the access list of", path) {
                unsafe clinuxio_remove_access_list(path)
            }
            return
        }
        let bytes = encoded(mode: try FileStatus(path: path).permissions)
        if bytes == standing { return }
        // SAFETY: the bytes are read during the call only.
        try systemCall("set the access list of", path) {
            unsafe clinuxio_set_access_list(path, bytes, bytes.count)
        }
    }

    /// As the kernel has it: by kind, and by number within a kind.
    private func encoded(mode: UInt32) -> [UInt8] {
        var bytes = Self.version
        func add(_ tag: Tag, _ rights: UInt32, _ number: UInt32 = .max) {
            for value in [UInt32(tag.rawValue) | (rights & 7) << 16, number] {
                for shift in stride(from: 0, to: 32, by: 8) {
                    bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift)))
                }
            }
        }
        add(.owner, mode >> 6)
        for user in users.sorted() { add(.user, mode >> 3, user) }
        add(.owningGroup, mode >> 3)
        for group in groups.sorted() { add(.group, mode >> 3, group) }
        add(.mask, mode >> 3)
        add(.others, mode)
        return bytes
    }

    /// Nearly every list has a few entries; what does not fit is read again with room for all that there can be.
    private static func read(_ path: String, room: Int = 512) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: room)
        // SAFETY: the call writes at most the array's count of bytes.
        let count = unsafe clinuxio_read_access_list(path, &bytes, bytes.count)
        if count < 0, errno == ERANGE, room < longest { return read(path, room: longest) }
        return count < 0 ? nil : Array(bytes[..<count])
    }
}
