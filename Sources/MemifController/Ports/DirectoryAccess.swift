internal import LinuxIO

/// Who has to reach the sockets of one domain.
///
/// A directory has one group, and DPDK's client wants to read and write the one of its socket. So where a
/// domain's ports are for several groups, or for users of their own, the others are entries of the
/// directory's access control list.
struct DirectoryAccess: Hashable, Sendable {
    /// A port, as far as its socket's owner and group go.
    struct Party: Hashable, Sendable {
        var port: String
        /// Nil: none of its own.
        var user: UInt32?
        var group: UInt32
        /// Whether it names the group, or has the host's.
        var namesGroup: Bool
    }

    /// The directory's own group: that of the first port which names one, else the host's.
    let group: UInt32
    /// Everybody else.
    let list: AccessList
    /// The ports that somebody reaches by the list only.
    let guests: Set<String>

    init(_ parties: [Party], hostGroup: UInt32) {
        let group = parties.first(where: \.namesGroup)?.group ?? hostGroup
        self.group = group
        // Root needs no entry, and the daemon owns the directory.
        let own: Set<UInt32> = [0, Accounts.currentUser]
        let users = Set(parties.compactMap(\.user)).subtracting(own)
        list = AccessList(users: users, groups: Set(parties.map(\.group)).subtracting([group]))
        guests = Set(
            parties.filter { $0.group != group || users.contains($0.user ?? 0) }.map(\.port))
    }
}
