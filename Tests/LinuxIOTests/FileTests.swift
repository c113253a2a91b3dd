import Glibc
import LinuxIO
import Testing

@Suite("Files and directories")
struct FileTests {
    private func withScratch(_ body: (String) throws -> Void) throws {
        let path = "/tmp/virtwire-file-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        try Directory.ensurePath(path)
        defer {
            for name in (try? Directory.entries(of: path)) ?? [] {
                _ = try? File.remove("\(path)/\(name)")
            }
            _ = try? Directory.remove(path)
        }
        try body(path)
    }

    @Test(
        "a replaced file holds the new bytes, has the mode asked for, and leaves nothing beside it")
    func replace() throws {
        try withScratch { directory in
            let path = "\(directory)/record"
            try File.replace(path, with: Array("one".utf8))
            try File.replace(path, with: Array("three".utf8), mode: 0o640)
            #expect(try File.read(path, limit: 5) == Array("three".utf8))
            #expect(try FileStatus(path: path).permissions == 0o640)
            #expect(try Directory.entries(of: directory) == ["record"])
        }
    }

    @Test("a link tells what it leads to, and what is no link is an error")
    func links() throws {
        #expect(try File.target(ofLink: "/proc/self/exe").hasPrefix("/"))
        #expect {
            try File.target(ofLink: "/proc/self/comm")
        } throws: {
            ($0 as? SystemError)?.code == EINVAL
        }
    }

    @Test("a file longer than the limit is refused")
    func limit() throws {
        try withScratch { directory in
            try File.replace("\(directory)/long", with: [1, 2, 3])
            #expect {
                try File.read("\(directory)/long", limit: 2)
            } throws: {
                ($0 as? SystemError)?.code == EFBIG
            }
        }
    }

    @Test("a directory gets its mode whatever the umask, and keeps it when ensured again")
    func directoryMode() throws {
        try withScratch { directory in
            let path = "\(directory)/vm"
            try Directory.ensure(path, mode: 0o3770, group: Accounts.currentGroup)
            #expect(try FileStatus(path: path).permissions == 0o3770)
            try Directory.ensure(path, mode: 0o750)
            #expect(try FileStatus(path: path).permissions == 0o750)
            #expect(try Directory.remove(path))
            #expect(try Directory.remove(path) == false)
        }
    }

    @Test("a lock is held once, and free again when its owner lets go")
    func lock() throws {
        try withScratch { directory in
            let path = "\(directory)/lock"
            do {
                let held = try FileLock(path: path)
                #expect {
                    _ = try FileLock(path: path)
                } throws: {
                    ($0 as? SystemError)?.code == EAGAIN
                }
                _ = consume held
            }
            _ = try FileLock(path: path)
        }
    }

    @Test("a lock that is left to another descriptor of it is held until that goes")
    func leftLock() throws {
        try withScratch { directory in
            let path = "\(directory)/lock"
            func isHeld() -> Bool {
                do {
                    _ = try FileLock(path: path)
                    return false
                } catch {
                    return true
                }
            }
            let first = try FileLock(path: path)
            let other = try first.duplicate()
            first.leave()
            #expect(isHeld())
            let second = FileLock(adopting: other, path: path)
            #expect(isHeld())
            _ = consume second
            #expect(!isHeld())
        }
    }

    @Test("names and numbers of accounts")
    func accounts() {
        #expect(Accounts.user("root") == 0)
        #expect(Accounts.group("0") == 0)
        #expect(Accounts.group("no-such-group-here") == nil)
        #expect(Accounts.groupName(0) == "root")
    }
}
