import Glibc
import LinuxIO
import Testing

@Suite("Files of any size") struct DataFileTests {
    @Test("what is written at a place is read there, and the rest is a hole")
    func holes() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/file"
        let file = try DataFile(creating: path)
        let bytes = [UInt8](repeating: 7, count: 100_000)
        try file.write(bytes, at: 1 << 20)
        try file.setSize(4 << 20)
        try file.synchronize()

        let reading = try DataFile(reading: path)
        let size = try reading.size()
        #expect(size == 4 << 20)
        var offset: Int64 = 0
        var data = 0
        while let extent = try reading.extent(at: offset, to: size) {
            switch extent {
            case .hole(let range):
                #expect(range.lowerBound == offset)
                offset = range.upperBound
            case .data(let range):
                #expect(range.lowerBound == offset)
                data += range.count
                offset = range.upperBound
            }
        }
        #expect(offset == size)
        #expect(data >= bytes.count && data < 1 << 20)
        let read = try reading.read(at: 1 << 20, count: 200_000)
        #expect(read.count == 200_000 && read.prefix(bytes.count) == bytes[...])
        #expect(try reading.read(at: size, count: 10) == [])
        #expect(try reading.extent(at: size, to: size) == nil)
    }

    @Test("a file that exists is not made again, and one that is missing is not read")
    func existence() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/file"
        _ = try DataFile(creating: path)
        let exists = #expect(throws: SystemError.self) { _ = try DataFile(creating: path) }
        #expect(exists?.code == EEXIST)
        let missing = #expect(throws: SystemError.self) {
            _ = try DataFile(reading: directory.path + "/other")
        }
        #expect(missing?.code == ENOENT)
        try File.move(path, to: directory.path + "/other")
        #expect(try DataFile(reading: directory.path + "/other").size() == 0)
    }

    @Test("a pipe takes what is written, at whatever offset")
    func pipe() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/pipe"
        #expect(unsafe mkfifo(path, 0o600) == 0)
        // Both ends at once: neither opening waits for the other.
        let end = unsafe Glibc.open(path, O_RDWR)
        let file = try DataFile(writing: path)
        try file.write([1, 2, 3], at: 1000)
        var bytes = [UInt8](repeating: 0, count: 8)
        #expect(unsafe Glibc.read(end, &bytes, 8) == 3)
        #expect(bytes.prefix(3) == [1, 2, 3])
        close(end)
    }
}
