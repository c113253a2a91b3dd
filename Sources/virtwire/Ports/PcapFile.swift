internal import Foundation
internal import Memif
internal import Synchronization

/// A file of captured frames, as tcpdump and Wireshark read them.
///
/// Source: draft-ietf-opsawg-pcap, sections 4 and 5; all numbers little-endian.
final class PcapFile: Sendable {
    /// The most bytes of a frame that are kept; longer ones are cut, and say how long they were.
    static let snapLength = 65_535

    /// What has been written.
    struct Written: Hashable, Sendable {
        var frames: UInt64 = 0
        /// Of the frames as they came, before any were cut.
        var bytes: UInt64 = 0
    }

    private struct State {
        var written = Written()
        var failure: CommandFailure?
        var isClosed = false
    }

    private let file: FileHandle
    private let path: String
    private let state = Mutex(State())
    private let mostFrames: UInt64?

    /// Makes the file, in place of one that is there.
    ///
    /// - Parameters:
    ///   - path: `-` is the standard output.
    ///   - mode: what the frames are.
    ///   - mostFrames: how many are written; nil sets no end.
    init(_ path: String, mode: InterfaceMode = .ethernet, mostFrames: UInt64? = nil) throws {
        self.path = path
        self.mostFrames = mostFrames
        if path == "-" {
            file = .standardOutput
        } else {
            guard FileManager.default.createFile(atPath: path, contents: nil),
                let file = FileHandle(forWritingAtPath: path)
            else {
                throw CommandFailure(
                    .failed, "cannot write \(path): name a file in a directory that you may write")
            }
            self.file = file
        }
        // LINKTYPE_ETHERNET is 1, LINKTYPE_RAW (IP without a link layer) 101.
        let linkType: UInt32 = mode == .ip ? 101 : 1
        let header: [UInt32] = [0xA1B2_C3D4, 0x0004_0002, 0, 0, UInt32(Self.snapLength), linkType]
        do {
            try file.write(contentsOf: Data(header.flatMap(Self.little)))
        } catch {
            throw CommandFailure(
                .failed, "cannot write \(path): \(error.localizedDescription)")
        }
    }

    /// What has been written so far.
    var written: Written { state.withLock(\.written) }

    /// Whether no more are wanted.
    var isFull: Bool { mostFrames.map { written.frames >= $0 } ?? false }

    /// Why it cannot be written.
    var failure: CommandFailure? { state.withLock(\.failure) }

    /// Writes frames, with the time of now. Those of several threads do not mix, nor do their times.
    func write(_ frames: borrowing FrameBatch) {
        state.withLock { state in
            guard state.failure == nil, !state.isClosed else { return }
            let room = mostFrames.map { Int(clamping: $0 - state.written.frames) } ?? .max
            let now = Date().timeIntervalSince1970
            let stamp = [UInt32(now), UInt32((now - now.rounded(.down)) * 1e6)].flatMap(Self.little)
            var written = state.written
            var records: [UInt8] = []
            for index in 0..<min(frames.count, room) {
                let byteCount = frames.byteCount(of: index)
                let kept = frames.bytes(of: index, count: Self.snapLength)
                records += stamp + Self.little(UInt32(kept.count)) + Self.little(UInt32(byteCount))
                records += kept
                written.frames += 1
                written.bytes += UInt64(byteCount)
            }
            do {
                try file.write(contentsOf: Data(records))
                state.written = written
            } catch {
                state.failure = CommandFailure(
                    .failed, "cannot write \(path): \(error.localizedDescription)")
            }
        }
    }

    /// Ends it, with the frame whose turn it is written whole; what comes later is not.
    func close() {
        state.withLock { state in
            guard !state.isClosed else { return }
            state.isClosed = true
            if path != "-" { try? file.close() }
        }
    }

    private static func little(_ number: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }
}
