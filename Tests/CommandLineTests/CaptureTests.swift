import Foundation
import LinuxIO
import Memif
import Testing

@testable import virtwire

@Suite("memif capture", .serialized, .timeLimit(.minutes(4)))
struct CaptureTests {
    /// A slave of the tests' own, which knows what it has sent.
    private final class Sender: Sendable {
        private let loop: EventLoop
        private let interface: MemifInterface
        let link: MemifLink

        /// Connects to a master that may be on its way still.
        init(_ socket: String) async throws {
            loop = try EventLoop.start(name: "sender")
            var configuration = InterfaceConfiguration(name: "sender")
            configuration.queues = QueueCounts(pairs: 2)
            interface = try MemifInterface.connect(
                to: UnixAddress(path: socket), configuration, on: loop)
            link = try await interface.waitForLink(within: .seconds(60))
        }

        deinit {
            interface.remove()
            loop.stop()
        }

        /// Has all frames in the ring of a queue when it returns.
        func send(_ frames: [[UInt8]], on index: Int) throws {
            guard var queue = link.takeTransmitQueue(index) else { return }
            var batch = FrameBatch(frameCapacity: 1, byteCapacity: 65_536)
            for frame in frames {
                batch.removeAll()
                batch.append(frame)
                while try queue.transmitBurst(batch) == 0 { Thread.pause() }
            }
        }
    }

    /// Frames of many lengths, no two alike.
    private static func frames(_ lengths: [Int], _ first: Int = 0) -> [[UInt8]] {
        lengths.enumerated().map { number, length in
            (0..<length).map { UInt8(truncatingIfNeeded: $0 + 31 * (first + number)) }
        }
    }

    private struct Line: Decodable {
        struct Rate: Decodable {
            let packets: Int
            let bytes: Int
        }

        let seconds: Double
        let rate: Rate?
        let file: String?
        let packets: Int?
        let bytes: Int?
        let drops: Int?
        let end: String?
    }

    private func capture(
        _ socket: String, _ file: String, _ options: String...
    ) throws -> ProgramRun {
        try ProgramRun(
            "virtwire",
            ["memif", "capture", "--role", "master", "--socket", socket, file] + options)
    }

    @Test(
        "one that a signal ends has every frame that was sent before, as tshark reads it",
        arguments: [SIGINT, SIGTERM])
    func interrupted(_ signal: Int32) async throws {
        let (socket, file) = (newSocketPath(), newSocketPath() + ".pcap")
        defer { try? FileManager.default.removeItem(atPath: file) }
        let start = Date.now
        let capture = try capture(socket, file, "--format", "json")
        let sender = try await Sender(socket)
        // From its first line on it reads.
        let first = try #require(await capture.nextLine())
        let sent = [
            Self.frames([1, 14, 59, 60, 64, 1514, 2048, 2049, 9000, 65_534, 65_535]),
            Self.frames(Array(100..<400), 100),
        ]
        for (index, frames) in sent.enumerated() { try sender.send(frames, on: index) }
        capture.signal(signal)
        let ended = await capture.ended()
        #expect(ended.status == 0, "\(ended.errors)")
        #expect(ended.errors.contains("311 frames in \(file)"), "\(ended.errors)")

        let frames = try await Tshark.frames(of: file)
        #expect(frames.count == 311)
        #expect(frames.allSatisfy { $0.byteCount == $0.bytes.count })
        // Those of a queue are in their order.
        let short = Set(sent[1])
        #expect(frames.map(\.bytes).filter { !short.contains($0) } == sent[0])
        #expect(frames.map(\.bytes).filter { short.contains($0) } == sent[1])
        let times = frames.map(\.time)
        #expect(times == times.sorted())
        // The file has microseconds.
        #expect(try #require(times.first) > start.addingTimeInterval(-1e-3))
        #expect(try #require(times.last) < Date.now)

        let lines = try ([first] + ended.output.split(separator: "\n").map(String.init)).map {
            try JSONDecoder().decode(Line.self, from: Data($0.utf8))
        }
        #expect(lines.dropLast().allSatisfy { $0.rate != nil && $0.packets == nil })
        let sum = try #require(lines.last)
        #expect(sum.file == file && sum.packets == 311 && sum.drops == 0 && sum.end == nil)
        #expect(sum.bytes == sent.joined().map(\.count).reduce(0, +))
    }

    @Test("one whose peer leaves has every frame, and says why it ended")
    func left() async throws {
        let (socket, file) = (newSocketPath(), newSocketPath() + ".pcap")
        defer { try? FileManager.default.removeItem(atPath: file) }
        let capture = try capture(socket, file)
        let frames = Self.frames(Array(60..<160))
        do {
            let sender = try await Sender(socket)
            #expect(await capture.nextLine()?.contains("0 frames") == true)
            try sender.send(frames, on: 1)
        }
        let ended = await capture.ended()
        #expect(ended.status == 0)
        #expect(ended.errors.contains("the peer disconnected"), "\(ended.errors)")
        #expect(ended.errors.contains("100 frames in \(file)"), "\(ended.errors)")
        #expect(try await Tshark.frames(of: file).map(\.bytes) == frames)
    }

    @Test("on the standard output there is the capture alone")
    func standardOutput() async throws {
        let (socket, file) = (newSocketPath(), newSocketPath() + ".pcap")
        defer { try? FileManager.default.removeItem(atPath: file) }
        let script = #""$0" memif capture --role master --socket "$1" - --count 3 > "$2""#
        let capture = try ProgramRun(
            "/bin/sh", ["-c", script, try ProgramRun.path(of: "virtwire"), socket, file])
        let sender = try await Sender(socket)
        let frames = Self.frames([60, 61, 62])
        try sender.send(frames, on: 0)
        let ended = await capture.ended()
        #expect(ended.status == 0)
        #expect(ended.errors.contains("3 frames in -"), "\(ended.errors)")
        #expect(try await Tshark.frames(of: file).map(\.bytes) == frames)
    }

    @Test("a frame that is longer than a capture keeps is cut, and tells its length")
    func cut() async throws {
        let path = newSocketPath() + ".pcap"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let file = try PcapFile(path)
        var batch = FrameBatch(frameCapacity: 3, byteCapacity: 1 << 20)
        let frames = Self.frames([65_536, 60, 70_000])
        for frame in frames { batch.append(frame) }
        file.write(batch)
        #expect(file.written == PcapFile.Written(frames: 3, bytes: 65_536 + 60 + 70_000))
        file.close()
        // What comes later is not written, and is no failure.
        file.write(batch)
        #expect(file.failure == nil)
        let read = try await Tshark.frames(of: path)
        #expect(read.map(\.byteCount) == [65_536, 60, 70_000])
        #expect(read.map(\.bytes) == frames.map { Array($0.prefix(PcapFile.snapLength)) })
    }
}
