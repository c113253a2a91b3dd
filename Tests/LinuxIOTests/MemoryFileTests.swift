import Foundation
import LinuxIO
import Testing

@Suite("Memory files and mappings")
struct MemoryFileTests {
    @Test("have the size and the seals asked for")
    func seals() throws {
        let file = try OwnedDescriptor.memoryFile(name: "sealed", byteCount: 8192)
        #expect(try file.status().byteCount == 8192)
        #expect(try file.seals() == [.shrink, .grow])
        #expect(ftruncate(file.rawValue, 4096) == -1)
        #expect(ftruncate(file.rawValue, 16384) == -1)
        #expect(try file.status().byteCount == 8192)

        let open = try OwnedDescriptor.memoryFile(name: "open", byteCount: 8192, seals: [])
        #expect(try open.seals() == [])
        #expect(ftruncate(open.rawValue, 4096) == 0)
    }

    @Test("bytes that are kept for good can be read and not changed, nor are others read")
    func forGood() throws {
        let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0) }
        let file = try OwnedDescriptor.memoryFile(name: "kept", holding: bytes)
        #expect(try file.seals().isSuperset(of: .all))
        #expect(try file.sealedBytes(limit: 10_000) == bytes)
        #expect(throws: SystemError.self) { try file.sealedBytes(limit: 9_999) }
        #expect(unsafe write(file.rawValue, bytes, 1) == -1)
        let open = try OwnedDescriptor.memoryFile(name: "open", byteCount: 8)
        #expect(throws: SystemError.self) { try open.sealedBytes(limit: 10_000) }
    }

    @Test("only memory files have seals")
    func noSeals() throws {
        let counter = try EventCounter()
        #expect(throws: SystemError.self) { try counter.descriptor.seals() }
    }

    @Test("two mappings of one file show the same bytes")
    func sharing() throws {
        let file = try OwnedDescriptor.memoryFile(name: "shared", byteCount: 4096)
        let first = try SharedMapping(file, byteCount: 4096)
        let second = try SharedMapping(file, byteCount: 4096)
        // SAFETY: both addresses are of 4096 mapped bytes.
        unsafe first.baseAddress.storeBytes(of: 0xC0FFEE, toByteOffset: 128, as: UInt32.self)
        #expect(unsafe second.baseAddress.load(fromByteOffset: 128, as: UInt32.self) == 0xC0FFEE)
    }

    @Test("a file shorter than its mapping is an error when populated, not a signal")
    func shortFile() throws {
        let file = try OwnedDescriptor.memoryFile(name: "short", byteCount: 4096, seals: [])
        let whole = try SharedMapping(file, byteCount: 4096)
        try whole.populate()
        let mapping = try SharedMapping(file, byteCount: 16384)
        do {
            try mapping.populate()
            Issue.record("pages past the end of a file were there")
        } catch {
            #expect(error.code == EFAULT)
            #expect(error.description.contains("16384 bytes"))
        }
    }

    @Test("mapping nothing is an error")
    func empty() throws {
        let file = try OwnedDescriptor.memoryFile(name: "empty", byteCount: 4096)
        do {
            _ = try SharedMapping(file, byteCount: 0)
            Issue.record("no bytes were mapped")
        } catch {
            #expect(error.code == EINVAL)
        }
    }
}
