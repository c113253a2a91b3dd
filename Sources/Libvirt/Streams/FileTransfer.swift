internal import Glibc
internal import LibvirtProtocol
internal import LibvirtRPC
internal import LinuxIO
internal import XDR

/// How far a transfer is.
public struct TransferProgress: Hashable, Sendable {
    /// Bytes that are done, those of holes included.
    public var byteCount: Int64
    /// Bytes that there are; nil where that is not known.
    public let total: Int64?
    /// Bytes that went over the connection.
    public var transferredByteCount: Int64
}

/// Copies between files and streams, on a thread of its own: a disk that is slow keeps no task of the
/// program's from its turn.
struct FileTransfer {
    let uri: String
    let loop: EventLoop
    let progress: (@Sendable (TransferProgress) -> Void)?

    /// As much as goes with one packet.
    private static let pieceLength = LinkStream.longestPacket

    /// A file that several closures refer to.
    private final class SharedFile: Sendable {
        let file: DataFile
        init(_ file: consuming DataFile) { self.file = file }
    }

    init(
        uri: String, progress: (@Sendable (TransferProgress) -> Void)?
    ) throws(LibvirtError) {
        self.uri = uri
        self.progress = progress
        do throws(SystemError) {
            loop = try EventLoop.start(name: "libvirt-file")
        } catch {
            throw LibvirtError(.file(error), uri: uri)
        }
    }

    /// Sends a file's bytes, and its holes as such, and finishes the stream.
    func send(
        _ path: String, to open: (_ length: Int64) async throws(LibvirtError) -> DataStream
    ) async throws(LibvirtError) {
        defer { loop.stop() }
        let file = try await run { () throws(SystemError) in
            SharedFile(try DataFile(reading: path))
        }
        let size = try await run { () throws(SystemError) in try file.file.size() }
        let stream = try await open(size)
        do throws(LibvirtError) {
            try await copy(file, size, to: stream)
            // What lies behind the end of a file looks like a hole.
            guard try await run({ () throws(SystemError) in try file.file.size() }) >= size else {
                throw shortened(path)
            }
            try await stream.finish()
        } catch {
            stream.abort()
            throw error
        }
    }

    /// Somebody has made the file shorter meanwhile: the volume is not to pass for a copy of it.
    private func shortened(_ path: String) -> LibvirtError {
        LibvirtError(
            .file(
                SystemError(
                    code: ENODATA, operation: "send the whole of",
                    subject: "\(path), which has become shorter meanwhile")), uri: uri)
    }

    private func copy(
        _ file: SharedFile, _ size: Int64, to stream: DataStream
    ) async throws(LibvirtError) {
        var done = TransferProgress(byteCount: 0, total: size, transferredByteCount: 0)
        while true {
            let start = done.byteCount
            let extent = try await run { () throws(SystemError) in
                try file.file.extent(at: start, to: size)
            }
            switch extent {
            case nil: return
            case .hole(let range):
                try await stream.sendHole(Int64(range.count))
                try advance(&done, Int64(range.count), transferred: 0)
            case .data(let range):
                while done.byteCount < range.upperBound {
                    let place = done.byteCount
                    let count = Int(min(range.upperBound - place, Int64(Self.pieceLength)))
                    let bytes = try await run { () throws(SystemError) in
                        try file.file.read(at: place, count: count)
                    }
                    if bytes.isEmpty { throw shortened(file.file.path) }
                    try await stream.send(bytes)
                    try advance(&done, Int64(bytes.count), transferred: Int64(bytes.count))
                }
            }
        }
    }

    /// Writes what a stream brings into a file, and finishes the stream.
    ///
    /// The file is written under a name of its own and put in its place when it is whole; what is no
    /// regular file is written into.
    func receive(
        _ path: String, total: Int64?,
        from open: (_ canHaveHoles: Bool) async throws(LibvirtError) -> DataStream
    ) async throws(LibvirtError) {
        defer { loop.stop() }
        let isPlain = (try? FileStatus(path: path)).map(\.isRegularFile) ?? true
        let temporary = isPlain ? "\(path).\(UInt64.random(in: 0...UInt64.max)).part" : nil
        let file = try await run { () throws(SystemError) in
            guard let temporary else { return SharedFile(try DataFile(writing: path)) }
            return SharedFile(try DataFile(creating: temporary))
        }
        do throws(LibvirtError) {
            let stream = try await open(isPlain)
            do throws(LibvirtError) {
                try await copy(stream, total, to: file)
                try await stream.finish()
            } catch {
                stream.abort()
                throw error
            }
            try await run { () throws(SystemError) in
                guard let temporary else { return }
                try file.file.synchronize()
                try File.move(temporary, to: path)
            }
        } catch {
            if let temporary { _ = try? File.remove(temporary) }
            throw error
        }
    }

    private func copy(
        _ stream: DataStream, _ total: Int64?, to file: SharedFile
    ) async throws(LibvirtError) {
        var done = TransferProgress(byteCount: 0, total: total, transferredByteCount: 0)
        var endsWithHole = false
        while let item = try await stream.receive() {
            // A daemon that is faster than the disk lets nobody wait.
            if Task.isCancelled {
                throw LibvirtError(
                    RPCError(
                        .cancelled(.mayHaveRun), procedure: Remote.STORAGE_VOL_DOWNLOAD.name),
                    uri: uri)
            }
            let place = done.byteCount
            switch item {
            case .data(let bytes):
                try await run { () throws(SystemError) in
                    try file.file.write(bytes, at: place)
                }
                endsWithHole = false
                try advance(&done, Int64(bytes.count), transferred: Int64(bytes.count))
            case .hole(let length):
                endsWithHole = true
                try advance(&done, length, transferred: 0)
            }
        }
        if endsWithHole {
            let size = done.byteCount
            try await run { () throws(SystemError) in try file.file.setSize(size) }
        }
    }

    private func advance(
        _ done: inout TransferProgress, _ count: Int64, transferred: Int64
    ) throws(LibvirtError) {
        // A server may tell of any hole.
        let (sum, isTooLarge) = done.byteCount.addingReportingOverflow(count)
        guard !isTooLarge else {
            throw LibvirtError(
                .file(
                    SystemError(code: EFBIG, operation: "write", subject: "what the server sends")),
                uri: uri)
        }
        done.byteCount = sum
        done.transferredByteCount += transferred
        progress?(done)
    }

    /// Does something on the transfer's thread, and waits for it.
    private func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(SystemError) -> Value
    ) async throws(LibvirtError) -> Value {
        let result = await withCheckedContinuation { continuation in
            loop.submit { continuation.resume(returning: Result(catching: body)) }
        }
        do throws(SystemError) { return try result.get() } catch {
            throw LibvirtError(.file(error), uri: uri)
        }
    }
}
