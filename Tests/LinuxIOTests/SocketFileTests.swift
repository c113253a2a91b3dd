import Foundation
import Testing

@testable import LinuxIO

@Suite("Socket files")
struct SocketFileTests {
    @Test("are found absent, live, stale or foreign, and a live server is not disturbed")
    func probing() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/a.sock"
        #expect(try SocketFile.probe(path) == .absent)
        for kind in [UnixSocketKind.stream, .messages] {
            let listener = try SocketFile.listen(at: path, kind: kind, mode: 0o600)
            #expect(try SocketFile.probe(path) == .live)
            #expect(try listener.accept().isNil == true)
            _ = consume listener
            #expect(try SocketFile.probe(path) == .stale)
        }
        try FileManager.default.removeItem(atPath: path)
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        #expect(try SocketFile.probe(path) == .foreign)
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/null")
        #expect(try SocketFile.probe(path) == .foreign)
    }

    @Test("stand with their mode and owner, alone in their directory", arguments: [0o600, 0o660])
    func placing(mode: UInt32) throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/b.sock"
        let listener = try SocketFile.listen(
            at: path, kind: .messages, mode: mode, user: getuid(), group: getgid())
        let status = try FileStatus(path: path)
        #expect(status.isSocket)
        #expect(status.permissions == mode)
        #expect(status.user == getuid())
        #expect(status.group == getgid())
        #expect(try directory.entries == ["b.sock"])
        let client = try UnixSocket.connect(to: try UnixAddress(path: path), kind: .messages)
        #expect(try listener.accept().isNil == false)
        client.shutdown()
    }

    @Test("replace a file in place; connections of the old listener live on")
    func replacing() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/c.sock"
        let old = try SocketFile.listen(at: path, kind: .stream, mode: 0o600)
        let client = try UnixSocket.connect(to: try UnixAddress(path: path), kind: .stream)
        let served = try unwrap(old.accept())
        let new = try SocketFile.listen(at: path, kind: .stream, mode: 0o600)
        #expect(try directory.entries == ["c.sock"])
        #expect(try client.send(bytes: [1]) == 1)
        #expect(try unwrap(served.receive()).bytes == [1])
        _ = try UnixSocket.connect(to: try UnixAddress(path: path), kind: .stream)
        #expect(try old.accept().isNil == true)
        #expect(try new.accept().isNil == false)
    }

    @Test("can have the longest path there is: the temporary name needs no room of it")
    func longestPath() throws {
        let directory = try TemporaryDirectory()
        let room = UnixAddress.longestName - directory.path.utf8.count - 1
        let deep = directory.path + "/" + String(repeating: "d", count: room - 2)
        try FileManager.default.createDirectory(atPath: deep, withIntermediateDirectories: false)
        let path = deep + "/s"
        #expect(path.utf8.count == UnixAddress.longestName)
        _ = try SocketFile.listen(at: path, kind: .stream, mode: 0o600)
        #expect(try SocketFile.probe(path) == .stale)
    }

    @Test("that cannot be placed leave nothing behind and name the path")
    func failures() throws {
        let directory = try TemporaryDirectory()
        let missing = directory.path + "/missing/d.sock"
        var error = #expect(throws: SystemError.self) {
            _ = try SocketFile.listen(at: missing, kind: .stream, mode: 0o600)
        }
        #expect(error?.code == ENOENT)
        #expect(error?.subject == directory.path + "/missing/")

        // A directory stands where the socket should: the rename fails, last of all steps.
        let occupied = directory.path + "/e.sock"
        try FileManager.default.createDirectory(
            atPath: occupied, withIntermediateDirectories: false)
        error = #expect(throws: SystemError.self) {
            _ = try SocketFile.listen(at: occupied, kind: .stream, mode: 0o600)
        }
        #expect(error?.code == EISDIR)
        #expect(error?.subject == occupied)
        #expect(try directory.entries == ["e.sock"])

        let unwritable = "/proc/self/f.sock"
        error = #expect(throws: SystemError.self) {
            _ = try SocketFile.listen(at: unwritable, kind: .stream, mode: 0o600)
        }
        #expect(error?.subject == unwritable)

        let long = directory.path + "/" + String(repeating: "l", count: 107)
        error = #expect(throws: SystemError.self) {
            _ = try SocketFile.listen(at: long, kind: .stream, mode: 0o600)
        }
        #expect(error?.code == ENAMETOOLONG)
    }

    @Test("that a killed process did not finish to place are found and removed, and nothing else")
    func unfinished() throws {
        let directory = try TemporaryDirectory()
        let unfinished = ".abc-12\(SocketFile.temporarySuffix)"
        for name in [unfinished, "a.sock", ".hidden"] {
            _ = try SocketFile.listen(at: directory.path + "/" + name, kind: .stream, mode: 0o600)
        }
        let live = ".def-34\(SocketFile.temporarySuffix)"
        let held = try SocketFile.listen(
            at: directory.path + "/" + live, kind: .stream, mode: 0o600)
        SocketFile.removeUnfinished(in: directory.path)
        #expect(try Set(directory.entries) == [live, "a.sock", ".hidden"])
        _ = consume held
    }
}
