internal import Foundation
internal import Memif
internal import Synchronization

/// A file of captured frames, as tcpdump and Wireshark read them.
///
/// Source: draft-ietf-opsawg-pcap, sections 4 and 5; all numbers little-endian.
final class PcapFile: Sendable {
    /// The most bytes of a frame that are kept; longer ones are cut, and say how long they were.
    static let snapLength = 65_535

    private struct State {
        var frames: UInt64 = 0
        var failure: CommandFailure?
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

    /// How many frames are written.
    var frames: UInt64 { state.withLock(\.frames) }

    /// Whether no more are wanted.
    var isFull: Bool { mostFrames.map { frames >= $0 } ?? false }

    /// Why it cannot be written.
    var failure: CommandFailure? { state.withLock(\.failure) }

    /// Writes frames, with the time of now.
    func write(_ frames: borrowing FrameBatch) {
        let now = Date().timeIntervalSince1970
        let stamp = [UInt32(now), UInt32((now - now.rounded(.down)) * 1e6)].flatMap(Self.little)
        let records = (0..<frames.count).map { index in
            let kept = frames.bytes(of: index, count: Self.snapLength)
            let lengths = [kept.count, frames.byteCount(of: index)]
            return stamp + lengths.flatMap { Self.little(UInt32($0)) } + kept
        }
        write(records)
    }

    /// Ends it.
    func close() {
        if path != "-" { try? file.close() }
    }

    /// Under the lock, so that the frames of two threads do not mix.
    private func write(_ records: [[UInt8]]) {
        state.withLock { state in
            guard state.failure == nil else { return }
            let room = mostFrames.map { Int(clamping: $0 - state.frames) } ?? .max
            let wanted = records.prefix(room)
            do {
                try file.write(contentsOf: Data(wanted.joined()))
                state.frames += UInt64(wanted.count)
            } catch {
                state.failure = CommandFailure(
                    .failed, "cannot write \(path): \(error.localizedDescription)")
            }
        }
    }

    private static func little(_ number: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }
}
