import Foundation
import Libvirt
import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import Synchronization
import Testing

private func pattern(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    for index in stride(from: 0, to: count, by: 61) {
        bytes[index] = UInt8(truncatingIfNeeded: index >> 6)
    }
    return bytes
}

@Suite("Volumes of a real daemon, up and down", .serialized, .timeLimit(.minutes(3)))
struct VolumeStreamTests {
    @Test(
        "what was uploaded is downloaded, byte for byte, whole and in part",
        arguments: [StreamPlacement.ownConnection, .shared])
    func roundTrip(placement: StreamPlacement) async throws {
        try await VolumePool.with { files in
            // More than may wait on a connection that calls share: the reader keeps up.
            let bytes = pattern(9_000_001)
            let volume = try await files.volume(byteCount: bytes.count)
            let up = try await volume.upload(placement: placement)
            try await up.send(bytes)
            try await up.finish()
            #expect(try Data(contentsOf: URL(filePath: volume.key)) == Data(bytes))
            let down = try await volume.download(placement: placement)
            let received = try await down.collect()
            #expect(received == bytes)
            try await down.finish()
            let part = try await volume.download(offset: 5_000_000, length: 7, placement: placement)
            #expect(try await part.collect() == Array(bytes[5_000_000..<5_000_007]))
            try await part.finish()
        }
    }

    @Test("holes pass as holes, both ways")
    func holes() async throws {
        try await VolumePool.with { files in
            let size = 64 << 20
            let volume = try await files.volume(byteCount: size)
            let up = try await volume.upload(flags: .sparseStream)
            try await up.sendHole(32 << 20)
            try await up.send([1, 2, 3, 4])
            try await up.sendHole(Int64(size - (32 << 20) - 4))
            try await up.finish()
            #expect(try await volume.info().allocation < 1 << 20)
            let down = try await volume.download(flags: .sparseStream)
            var data = 0
            var holes = 0
            for try await item in down {
                switch item {
                case .data(let bytes): data += bytes.count
                case .hole(let length): holes += Int(length)
                }
            }
            try await down.finish()
            #expect(data + holes == size && data < 1 << 20)
        }
    }

    @Test("on a stream without holes a hole is sent as zeros")
    func zeros() async throws {
        try await VolumePool.with { files in
            let volume = try await files.volume(byteCount: 600_002)
            let up = try await volume.upload()
            try await up.send([1])
            try await up.sendHole(600_000)
            try await up.send([2])
            try await up.finish()
            let expected = [1] + [UInt8](repeating: 0, count: 600_000) + [2]
            #expect(try Data(contentsOf: URL(filePath: volume.key)) == Data(expected))
        }
    }

    @Test("files go up and come down, with their holes, and with progress")
    func files() async throws {
        try await VolumePool.with { files in
            let source = files.daemon.directory + "/source"
            let target = files.daemon.directory + "/target"
            let size: UInt64 = 40 << 20
            #expect(FileManager.default.createFile(atPath: source, contents: nil))
            let handle = try #require(FileHandle(forWritingAtPath: source))
            try handle.seek(toOffset: 16 << 20)
            try handle.write(contentsOf: Data(pattern(3_000_000)))
            try handle.truncate(atOffset: size)
            try handle.close()
            let volume = try await files.volume(byteCount: Int(size))
            let up = Progress()
            try await volume.upload(file: source) { up.note($0) }
            #expect(up.last?.byteCount == Int64(size) && up.last?.total == Int64(size))
            #expect((up.last?.transferredByteCount ?? .max) < 4 << 20)
            let down = Progress()
            try await volume.download(toFile: target) { down.note($0) }
            #expect(down.last?.byteCount == Int64(size))
            #expect(
                FileManager.default.contentsEqual(atPath: source, andPath: target))
            #expect(try allocated(target) < 4 << 20)
            // Nothing but the two files was left beside them.
            #expect(try leftovers(files) == [])
        }
    }

    private func allocated(_ path: String) throws -> Int {
        var status = stat()
        #expect(unsafe stat(path, &status) == 0)
        return Int(status.st_blocks) * 512
    }

    private func leftovers(_ files: VolumePool) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: files.daemon.directory)
            .filter { $0.hasSuffix(".part") }
    }

    @Test(
        "a file that cannot be read or written is told in one sentence, and nothing is left behind")
    func badFiles() async throws {
        try await VolumePool.with { files in
            let volume = try await files.volume(byteCount: 1 << 20)
            let missing = await #expect(throws: LibvirtError.self) {
                try await volume.upload(file: "/nowhere/file")
            }
            #expect(missing?.description.contains("cannot open /nowhere/file") == true)
            await #expect(throws: LibvirtError.self) {
                try await volume.download(toFile: "/nowhere/file")
            }
            let target = files.daemon.directory + "/target"
            try Data([7]).write(to: URL(filePath: target))
            try await volume.delete()
            await #expect(throws: LibvirtError.self) {
                try await volume.download(toFile: target)
            }
            #expect(try Data(contentsOf: URL(filePath: target)) == Data([7]))
            #expect(try leftovers(files) == [])
        }
    }

    @Test("the server's refusal in the middle reaches who sends or finishes")
    func serverError() async throws {
        try await VolumePool.with { files in
            let volume = try await files.volume(byteCount: 1 << 20)
            let stream = try await volume.upload(length: 100)
            let error = await #expect(throws: LibvirtError.self) {
                try await stream.send([UInt8](repeating: 1, count: 1000))
                try await stream.finish()
            }
            guard case .server = error?.kind else {
                Issue.record("\(String(describing: error))")
                return
            }
            await #expect(throws: LibvirtError.self) {
                try await files.connection.lookUpStorageVolume(key: "/nowhere/disk").download()
            }
        }
    }

    @Test(
        "streams that were finished, given up, let go of or cancelled leave nothing open in the daemon"
    )
    func leaks() async throws {
        try await VolumePool.with { files in
            let volume = try await files.volume(byteCount: 4 << 20)
            let before = try files.daemonDescriptorCount
            for placement in [StreamPlacement.shared, .ownConnection] {
                for _ in 0..<20 {
                    let finished = try await volume.download(placement: placement)
                    _ = try await finished.receive()
                    try await finished.finish()
                    let aborted = try await volume.upload(placement: placement)
                    try await aborted.send([1])
                    aborted.abort()
                    _ = try await volume.download(placement: placement).receive()
                    let cancelled = Task {
                        let stream = try await volume.download(placement: placement)
                        while try await stream.receive() != nil {}
                    }
                    cancelled.cancel()
                    _ = await cancelled.result
                }
            }
            // Two connections are kept for streams to come.
            try await eventually("the daemon has closed what streams had open") {
                try files.daemonDescriptorCount <= before + 2
            }
            #expect(try await files.pool.info().capacity > 0)
        }
    }

    @Test("a reader that pauses loses nothing, and the daemon lives on meanwhile")
    func slowReader() async throws {
        try await VolumePool.with { files in
            let size = 64 << 20
            let volume = try await files.volume(byteCount: size)
            let stream = try await volume.download()
            // The daemon has sent all that it can, and calls are answered.
            for _ in 0..<50 { _ = try await files.pool.info() }
            var count = 0
            for try await item in stream {
                if case .data(let bytes) = item { count += bytes.count }
            }
            try await stream.finish()
            #expect(count == size)
        }
    }

    @Test("closing the connection ends its streams")
    func closing() async throws {
        try await VolumePool.with { files in
            let connection = try await Connection.open(files.connection.uri)
            let volume = try await files.volume(byteCount: 64 << 20)
            let other = try await connection.lookUpStorageVolume(key: volume.key)
            let stream = try await other.download()
            await connection.close()
            let error = await #expect(throws: LibvirtError.self) {
                while try await stream.receive() != nil {}
            }
            #expect(error?.isConnectionLost == true)
        }
    }
}

/// The last word on a transfer.
private final class Progress: Sendable {
    private let state = Mutex<TransferProgress?>(nil)
    var last: TransferProgress? { state.withLock(\.self) }
    func note(_ progress: TransferProgress) { state.withLock { $0 = progress } }
}
