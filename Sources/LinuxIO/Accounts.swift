internal import Glibc

/// Names and numbers of users and groups, as the host's account databases have them.
///
/// Source: getpwnam_r(3), getgrnam_r(3). A look-up may read files or ask a service; never call one on
/// a loop's thread.
public enum Accounts {
    /// The number of a user, by name or as a decimal number; nil when there is none of that name.
    public static func user(_ spelling: String) -> UInt32? {
        if let number = UInt32(spelling) { return number }
        var entry = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        var scratch = [CChar](repeating: 0, count: 16 * 1024)
        // SAFETY: the entry's strings point into the scratch memory; only its number is used, after the call.
        _ = unsafe getpwnam_r(spelling, &entry, &scratch, scratch.count, &found)
        return unsafe found == nil ? nil : entry.pw_uid
    }

    /// The number of a group, by name or as a decimal number; nil when there is none of that name.
    public static func group(_ spelling: String) -> UInt32? {
        if let number = UInt32(spelling) { return number }
        var entry = unsafe Glibc.group()
        var found: UnsafeMutablePointer<Glibc.group>?
        var scratch = [CChar](repeating: 0, count: 64 * 1024)
        // SAFETY: as above.
        _ = unsafe getgrnam_r(spelling, &entry, &scratch, scratch.count, &found)
        return unsafe found == nil ? nil : entry.gr_gid
    }

    /// The name of a group; its number in decimal where it has none.
    public static func groupName(_ number: UInt32) -> String {
        var entry = unsafe Glibc.group()
        var found: UnsafeMutablePointer<Glibc.group>?
        var scratch = [CChar](repeating: 0, count: 64 * 1024)
        // SAFETY: as above; the name is copied before the scratch memory goes.
        _ = unsafe getgrgid_r(number, &entry, &scratch, scratch.count, &found)
        guard unsafe found != nil, let name = unsafe entry.gr_name else { return String(number) }
        return unsafe String(cString: name)
    }

    /// The name of a user; its number in decimal where it has none.
    public static func userName(_ number: UInt32) -> String {
        var entry = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        var scratch = [CChar](repeating: 0, count: 16 * 1024)
        // SAFETY: as above.
        _ = unsafe getpwuid_r(number, &entry, &scratch, scratch.count, &found)
        guard unsafe found != nil, let name = unsafe entry.pw_name else { return String(number) }
        return unsafe String(cString: name)
    }

    /// The groups that a user belongs to; empty for a user that there is not.
    public static func groups(of number: UInt32) -> Set<UInt32> {
        var entry = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        var scratch = [CChar](repeating: 0, count: 16 * 1024)
        // SAFETY: as above; the name points into the scratch memory, which outlives the second call.
        _ = unsafe getpwuid_r(number, &entry, &scratch, scratch.count, &found)
        guard unsafe found != nil, let name = unsafe entry.pw_name else { return [] }
        var groups = [gid_t](repeating: 0, count: 1024)
        var count = Int32(groups.count)
        // SAFETY: at most `count` numbers are written, and `count` says how many.
        guard unsafe getgrouplist(name, entry.pw_gid, &groups, &count) >= 0 else {
            return [unsafe entry.pw_gid]
        }
        return Set(groups.prefix(Int(count)))
    }

    /// The home directory of a user; nil where the databases have none.
    public static func home(of number: UInt32) -> String? {
        var entry = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        var scratch = [CChar](repeating: 0, count: 16 * 1024)
        // SAFETY: as above.
        _ = unsafe getpwuid_r(number, &entry, &scratch, scratch.count, &found)
        guard unsafe found != nil, let home = unsafe entry.pw_dir else { return nil }
        return unsafe String(cString: home)
    }

    /// The calling process's effective user.
    public static var currentUser: UInt32 { geteuid() }
    /// The calling process's effective group.
    public static var currentGroup: UInt32 { getegid() }
}
