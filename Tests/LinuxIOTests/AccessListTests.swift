import Testing

@testable import LinuxIO

@Suite("Access control lists")
struct AccessListTests {
    @Test("users and groups get the group's rights, and lose them again; the mode stays")
    func apply() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/a"
        try Directory.ensure(path, mode: 0o3770, group: Accounts.currentGroup)
        #expect(AccessList(of: path) == AccessList())
        for list in [
            AccessList(users: [7, 70_000], groups: [3]), AccessList(groups: [5, 1, 3]),
            AccessList(users: Set(1...100)), AccessList(users: [1]), AccessList(),
        ] {
            for _ in 0..<2 {
                try list.apply(to: path)
                #expect(AccessList(of: path) == list)
                #expect(try FileStatus(path: path).permissions == 0o3770)
            }
            // As who makes the directory again at each look does.
            try Directory.ensure(path, mode: 0o3770, group: Accounts.currentGroup)
            #expect(AccessList(of: path) == list)
        }
    }

    @Test("rights that others have given do not count as the group's, and what is missing has none")
    func others() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/a"
        #expect(AccessList(of: path) == AccessList())
        #expect(throws: SystemError.self) { try AccessList(users: [1]).apply(to: path) }
        try Directory.ensure(path, mode: 0o750)
        try AccessList(users: [1]).apply(to: path)
        try Directory.ensure(path, mode: 0o770)
        #expect(AccessList(of: path) == AccessList())
        try AccessList(users: [1]).apply(to: path)
        #expect(AccessList(of: path) == AccessList(users: [1]))
    }
}
