import Foundation
import Testing

@Suite("memif ping, raw-data, bridge and capture", .serialized, .timeLimit(.minutes(2)))
struct MemifPortTests {
    private func run(_ command: String, _ arguments: String...) throws -> ProgramRun {
        try ProgramRun("virtwire", ["memif", command] + arguments)
    }

    /// A responder that is a master and answers for 192.0.2.1.
    private func responder(_ socket: String) async throws -> ProgramRun {
        let responder = try run(
            "responder", "--role", "master", "--socket", socket, "--address", "192.0.2.1/24")
        #expect(await responder.nextLine()?.hasPrefix("192.0.2.1 is at 02:") == true)
        return responder
    }

    private func ping(_ socket: String, _ arguments: String...) throws -> ProgramRun {
        try ProgramRun(
            "virtwire",
            ["memif", "ping", "--role", "slave", "--socket", socket, "--wait", "30"]
                + ["--interval", "0.01"] + arguments)
    }

    @Test("each answer is a line, and the sum the last one, as a table and as JSON")
    func ping() async throws {
        let socket = newSocketPath()
        let answering = try await responder(socket)
        let table = await (try ping(socket, "192.0.2.1", "--count", "3")).ended()
        #expect(table.status == 0, "\(table.errors)")
        let lines = table.output.split(separator: "\n")
        #expect(lines.count == 4)
        #expect(lines.first?.hasPrefix("98 bytes from 192.0.2.1: seq=1 time=") == true)
        #expect(lines.last?.hasPrefix("3 requests, 3 answers, 0 lost, mean round trip") == true)

        let json = await (try ping(socket, "192.0.2.1", "--count", "2", "--format", "json"))
            .ended()
        struct Answer: Decodable {
            let sequence: Int?
            let count: Int?
            let lost: Int?
        }
        let answers = try json.output.split(separator: "\n").map {
            try JSONDecoder().decode(Answer.self, from: Data($0.utf8))
        }
        #expect(answers.map(\.sequence) == [1, 2, nil])
        #expect(answers.last?.count == 2)
        #expect(answers.last?.lost == 0)

        let nobody = await (try ping(socket, "192.0.2.77", "--count", "1", "--patience", "0.1"))
            .ended()
        #expect(nobody.status == 1)
        #expect(nobody.errors.contains("no answer from 192.0.2.77"))
        answering.signal(SIGTERM)
        #expect(await answering.ended().status == 0)
    }

    @Test("raw data goes both ways, as text and as JSON")
    func rawData() async throws {
        let socket = newSocketPath()
        let master = try run(
            "raw-data", "--role", "master", "--socket", socket, "--interval", "0.01", "--text",
            "hello", "--count", "1")
        let slave = try run(
            "raw-data", "--role", "slave", "--socket", socket, "--interval", "0.01", "--size", "20",
            "--wait", "30", "--format", "json", "--count", "3")
        let (there, here) = (await master.ended(), await slave.ended())
        #expect(there.status == 0, "\(there.errors)")
        #expect(there.output.hasPrefix("20 bytes: 02 00 00 00 00 01 02 00 00 00 00 02 88 b5"))
        // The master ends after its one frame, perhaps before the slave has had three.
        let lines = here.output.split(separator: "\n")
        #expect(lines.allSatisfy { $0 == #"{"bytes":5,"hex":"68656c6c6f"}"# }, "\(here.output)")
        #expect(here.status == 0 || here.errors.contains("virtwire has been ended"))
    }

    @Test("a bridge joins two links, counts, and writes what passes to a file")
    func bridge() async throws {
        let (near, far) = (newSocketPath(), newSocketPath())
        let file = newSocketPath() + ".pcap"
        defer { try? FileManager.default.removeItem(atPath: file) }
        let answering = try await responder(far)
        let bridge = try run(
            "bridge", "--a", "master:\(near)", "--b", "slave:\(far)", "--capture", file,
            "--format", "json")
        let ping = await (try ping(near, "192.0.2.1", "--count", "5", "--size", "1000")).ended()
        #expect(ping.status == 0, "\(ping.errors)")
        struct Second: Decodable {
            struct Rate: Decodable {
                let packets: UInt64
                let bytes: UInt64
            }
            let there: Rate
            let back: Rate
            let drops: UInt64

            enum CodingKeys: String, CodingKey {
                case drops
                case there = "a_to_b"
                case back = "b_to_a"
            }
        }
        var packets: UInt64 = 0
        while packets < 12, let line = await bridge.nextLine() {
            let second = try JSONDecoder().decode(Second.self, from: Data(line.utf8))
            packets += second.there.packets + second.back.packets
            #expect(second.drops == 0)
        }
        // A question and an answer by ARP, then five of each.
        #expect(packets == 12)
        bridge.signal(SIGINT)
        let ended = await bridge.ended()
        #expect(ended.status == 0, "\(ended.errors)")
        #expect(ended.errors.contains("link up"))
        let frames = try Capture(file).frames
        #expect(frames.count == 12)
        #expect(frames.map { Array($0[12..<14]) }.prefix(2) == [[8, 6], [8, 6]])
        #expect(frames.dropFirst(2).allSatisfy { $0.count == 1000 && $0[12] == 8 && $0[23] == 1 })
        answering.signal(SIGTERM)
        _ = await answering.ended()
    }

    @Test("the kernel pings through a TAP device, a bridge and a link")
    func tap() async throws {
        let socket = newSocketPath()
        let answering = try await responder(socket)
        // A namespace of its own: the device and its address go with the last process in it.
        let script = """
            busybox ip addr add 192.0.2.2/24 dev vw0 && busybox ip link set vw0 up || exit 9
            busybox ping -c 3 -W 10 192.0.2.1
            status=$?
            kill -INT $!
            wait $!
            exit $status
            """
        let pinging = try await besideBridge(script, socket)
        #expect(pinging.status == 0, "\(pinging.output)\(pinging.errors)")
        #expect(pinging.output.contains("3 packets received"), "\(pinging.output)")
        answering.signal(SIGTERM)
        _ = await answering.ended()
    }

    @Test("a bridge whose TAP device is removed ends, and says so")
    func tapRemoved() async throws {
        let script = """
            busybox ip link del vw0 || exit 9
            wait $!
            """
        let bridge = try await besideBridge(script, newSocketPath())
        #expect(bridge.status == 1, "\(bridge.output)\(bridge.errors)")
        #expect(bridge.errors.contains("TAP device vw0"), "\(bridge.errors)")
        #expect(bridge.errors.contains("if the interface was removed"), "\(bridge.errors)")
    }

    /// Starts a bridge from a memif socket to a TAP device, and waits for the device.
    private static let bridge = """
        "$0" memif bridge --a "slave:$1" --b tap:vw0 &
        for try in $(seq 200); do
            busybox ip link show vw0 >/dev/null 2>&1 && break
            busybox usleep 50000
        done
        """

    /// Runs a script behind `bridge`, in a network namespace of its own.
    private func besideBridge(
        _ script: String, _ socket: String
    ) async throws -> ProgramRun.Ended {
        await
            (try ProgramRun(
                "/usr/bin/unshare",
                [
                    "--map-root-user", "--net", "sh", "-c", "\(Self.bridge)\n\(script)",
                    try ProgramRun.path(of: "virtwire"), socket,
                ])).ended()
    }

    @Test("a capture ends when it has what it wants")
    func capture() async throws {
        let socket = newSocketPath()
        let file = newSocketPath() + ".pcap"
        defer { try? FileManager.default.removeItem(atPath: file) }
        let capture = try run(
            "capture", "--role", "master", "--socket", socket, file, "--count", "10")
        let sender = try run(
            "bench", "--role", "slave", "--socket", socket, "--mode", "tx", "--wait", "30",
            "--size", "333", "--format", "json")
        let captured = await capture.ended()
        #expect(captured.status == 0, "\(captured.errors)")
        #expect(captured.errors.contains("10 frames in \(file)"))
        let frames = try Capture(file).frames
        #expect(frames.map(\.count) == Array(repeating: 333, count: 10))
        let sent = await sender.ended()
        #expect(sent.status == 0)
        let nowhere = await
            (try run("capture", "--role", "slave", "--socket", socket, "/nowhere/f.pcap")).ended()
        #expect(nowhere.status == 1)
        #expect(nowhere.errors.contains("/nowhere/f.pcap"))
    }
}

/// The frames of a capture file, read as its description says.
private struct Capture {
    var frames: [[UInt8]] = []

    init(_ path: String) throws {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        func number(_ offset: Int) -> Int {
            (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << ($1 * 8) }
        }
        // Microseconds, version 2.4, Ethernet.
        try #require(bytes.count >= 24 && number(0) == 0xA1B2_C3D4 && number(4) == 0x0004_0002)
        #expect(number(20) == 1)
        var offset = 24
        var last = 0
        while offset + 16 <= bytes.count {
            let (time, kept) = (number(offset) * 1_000_000 + number(offset + 4), number(offset + 8))
            #expect(time >= last)
            #expect(number(offset + 12) == kept)
            last = time
            frames.append(Array(bytes[offset + 16..<offset + 16 + kept]))
            offset += 16 + kept
        }
        #expect(offset == bytes.count)
    }
}
