import Foundation
import LinuxIO
import Testing

@Suite("UNIX addresses")
struct UnixAddressTests {
    @Test("take 107 bytes and no more, counted as bytes")
    func length() throws {
        let longest = "/" + String(repeating: "a", count: 106)
        #expect(try UnixAddress(path: longest).name == longest)
        let error = #expect(throws: SystemError.self) { try UnixAddress(path: longest + "a") }
        #expect(error?.code == ENAMETOOLONG)
        #expect(error?.description.contains("108 bytes (at most 107)") == true)
        // 54 characters of two bytes each.
        #expect(throws: SystemError.self) {
            try UnixAddress(path: String(repeating: "ü", count: 54))
        }
    }

    @Test("refuse what the kernel would cut short: nothing, and a NUL")
    func malformed() {
        for path in ["", "/tmp/a\0b"] {
            let error = #expect(throws: SystemError.self) { try UnixAddress(path: path) }
            #expect(error?.code == EINVAL)
        }
    }

    @Test("a leading @ spells an abstract name")
    func spelling() throws {
        let address = try UnixAddress("@memif")
        #expect(address.isAbstract)
        #expect(address.name == "memif")
        #expect(address.description == "@memif")
        #expect(try UnixAddress("/run/x.sock").isAbstract == false)
    }

    @Test("the longest of each kind can be bound and connected to")
    func longest() throws {
        let directory = try TemporaryDirectory()
        let room = UnixAddress.longestName - directory.path.utf8.count - 1
        let path = directory.path + "/" + String(repeating: "p", count: room)
        let suffix = String(UInt64.random(in: 0...UInt64.max), radix: 36)
        let abstract = String(repeating: "n", count: 107 - suffix.utf8.count) + suffix
        for address in [try UnixAddress(path: path), try UnixAddress(abstract: abstract)] {
            let listener = try UnixListener.bind(to: address, kind: .messages)
            let client = try UnixSocket.connect(to: address, kind: .messages)
            let server = try unwrap(listener.accept())
            #expect(try server.peerCredentials().process == getpid())
            client.shutdown()
        }
        #expect(FileManager.default.fileExists(atPath: path))
    }
}
