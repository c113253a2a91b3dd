import Foundation
import Libvirt
import LibvirtRPC
import LibvirtTesting
import Testing

private func pattern(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    for index in stride(from: 0, to: count, by: 61) {
        bytes[index] = UInt8(truncatingIfNeeded: index >> 6)
    }
    return bytes
}

@Suite("Volumes of a daemon that is far away", .serialized, .timeLimit(.minutes(10)))
struct FarStreamTests {
    @Test(
        "what was uploaded is downloaded, byte for byte, and nobody on the way can read it",
        arguments: FarWay.allCases)
    func roundTrip(way: FarWay) async throws {
        try await VolumePool.with(over: way) { files in
            #expect(try await files.connection.isEncrypted())
            #expect(try await files.connection.isSecure())
            try await exchange(9_000_001, .ownConnection, files)
            // Less than may wait on a connection that calls share, however slowly it is read.
            try await exchange(3_000_001, .shared, files)
        }
    }

    private func exchange(
        _ byteCount: Int, _ placement: StreamPlacement, _ files: VolumePool
    ) async throws {
        let bytes = pattern(byteCount)
        let volume = try await files.volume("disk\(byteCount)", byteCount: byteCount)
        let up = try await volume.upload(placement: placement)
        try await up.send(bytes)
        try await up.finish()
        let isStored = try Data(contentsOf: URL(filePath: volume.key)) == Data(bytes)
        #expect(isStored)
        let down = try await volume.download(placement: placement)
        let isSame = try await down.collect() == bytes
        #expect(isSame)
        try await down.finish()
    }

    @Test(
        "a reader that pauses holds the daemon back and loses nothing, and calls are answered meanwhile",
        arguments: FarWay.allCases)
    func slowReader(way: FarWay) async throws {
        try await VolumePool.with(over: way) { files in
            // More than all buffers on the way can take.
            let size = 64 << 20
            let volume = try await files.volume(byteCount: size)
            let stream = try await volume.download(placement: .ownConnection)
            guard case .data(let first)? = try await stream.receive() else {
                Issue.record("no data came")
                return
            }
            let offset = try await restingOffset(of: volume.key, files)
            #expect(offset < size / 8 * 7, "the daemon has read \(offset) bytes of \(size)")
            var count = first.count
            for try await item in stream {
                if case .data(let bytes) = item { count += bytes.count }
            }
            try await stream.finish()
            #expect(count == size)
        }
    }

    /// How far the daemon has read a file when it has read no further for a second.
    private func restingOffset(of path: String, _ files: VolumePool) async throws -> Int {
        var last = -1
        var lastChange = ContinuousClock.now
        while lastChange.duration(to: .now) < .seconds(1) {
            // What passes the time, and lives on beside the stream.
            _ = try await files.pool.info()
            let offset = try files.daemonOffset(of: path)
            if offset != last { lastChange = .now }
            last = offset
        }
        return last
    }
}

extension VolumePool {
    /// Where in a file the daemon reads next; beyond everything when it has closed the file.
    fileprivate func daemonOffset(of path: String) throws -> Int {
        let process = "/proc/\(try #require(daemon.processID))"
        let manager = FileManager.default
        for number in try manager.contentsOfDirectory(atPath: "\(process)/fd") {
            // One that was closed in between is another file's.
            guard
                let target = try? manager.destinationOfSymbolicLink(
                    atPath: "\(process)/fd/\(number)"), target == path,
                let text = try? String(
                    contentsOfFile: "\(process)/fdinfo/\(number)", encoding: .utf8),
                let line = text.split(separator: "\n").first(where: { $0.hasPrefix("pos:") }),
                let offset = Int(line.dropFirst(4).filter(\.isNumber))
            else { continue }
            return offset
        }
        return .max
    }
}
