internal import LinuxIO

/// Whether a user can use a port's socket, as the bits of its path have it, and the access control lists.
struct Reachability {
    /// Who would connect.
    let user: UInt32
    let groups: Set<UInt32>
    /// What stands at a path.
    var status: (String) -> FileStatus? = { try? FileStatus(path: $0) }
    /// Who has a group's rights to it, beside the group.
    var accessList: (String) -> AccessList = { AccessList(of: $0) }

    /// What the directory of the socket has to grant: DPDK's client wants to read and write it.
    var ofDirectory: UInt32 = 7
    /// What to do where the rights are a group's.
    var advice: (FileStatus) -> String = { file in
        "put the user into the group \(Accounts.groupName(file.group)), or name one of its groups in "
            + "the port's group attribute"
    }

    /// The rights of a file or directory that the user has, as one digit of an octal mode.
    private func rights(_ file: FileStatus, at path: String) -> UInt32 {
        if user == 0 { return 7 }
        if file.user == user { return file.mode >> 6 & 7 }
        let list = accessList(path)
        let isAdmitted =
            groups.contains(file.group) || list.users.contains(user)
            || !list.groups.isDisjoint(with: groups)
        return (isAdmitted ? file.mode >> 3 : file.mode) & 7
    }

    /// What keeps the user from a socket: the first obstacle on the way to it.
    func obstacle(to socket: String) -> Symptom? {
        let parts = socket.split(separator: "/")
        var path = ""
        for (index, part) in parts.enumerated() {
            path += "/\(part)"
            guard let file = status(path) else { return nil }
            let isDirectory = index < parts.count - 1
            let needed: UInt32 = !isDirectory ? 6 : index == parts.count - 2 ? ofDirectory : 1
            guard rights(file, at: path) & needed == needed else {
                let wish = [
                    "1": "entered", "7": "read, written and entered", "6": "read and written",
                ]
                return Symptom(
                    path,
                    "cannot be \(wish["\(needed)"] ?? "used") by user \(Accounts.userName(user))",
                    remedy: isDirectory && needed == 1
                        ? "let others enter it: chmod o+x \(path)"
                        : advice(file))
            }
        }
        return nil
    }
}
