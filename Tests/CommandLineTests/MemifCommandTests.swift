import Foundation
import Testing

@Suite("memif bench and responder", .serialized, .timeLimit(.minutes(2)))
struct MemifCommandTests {
    /// The last line of a bench.
    struct Report: Decodable {
        let mode: String
        let packets: UInt64
        let bytes: UInt64
        let seconds: Double
        let drops: UInt64
        let end: String?
        let trips: Trips?
        let rate: Double

        struct Trips: Decodable {
            let count: UInt64
            let lost: UInt64
        }

        enum CodingKeys: String, CodingKey {
            case mode, packets, bytes, seconds, drops, end
            case trips = "round_trips"
            case rate = "Mpps"
        }

        init(_ output: String) throws {
            let last = try #require(output.split(separator: "\n").last)
            self = try JSONDecoder().decode(Report.self, from: Data(last.utf8))
        }
    }

    func bench(_ role: String, _ socket: String, _ options: String...) throws -> ProgramRun {
        try ProgramRun(
            "virtwire", ["memif", "bench", "--role", role, "--socket", socket] + options)
    }

    @Test("what one sends the other receives, and both count the same", arguments: [60, 9000])
    func transmit(size: Int) async throws {
        let socket = newSocketPath()
        let receiver = try bench("master", socket, "--mode", "rx")
        let sender = try bench(
            "slave", socket, "--mode", "tx", "--seconds", "1", "--wait", "30", "--size", "\(size)",
            "--queues", "2", "--ring-size", "256")
        let sent = await sender.ended()
        let received = await receiver.ended()
        #expect(sent.status == 0, "\(sent.errors)")
        #expect(received.status == 0, "\(received.errors)")
        #expect(received.errors.contains("the peer disconnected"))
        let (there, here) = (try Report(sent.output), try Report(received.output))
        #expect(there.packets > 0)
        #expect(there.packets == here.packets)
        #expect(here.bytes == here.packets * UInt64(size))
        #expect(here.drops == 0)
        #expect(sent.output.contains("Mpps  "))
    }

    @Test("a ping finds the responder by ARP, and ends when the responder does")
    func responder() async throws {
        let socket = newSocketPath()
        let responder = try ProgramRun(
            "virtwire",
            [
                "memif", "responder", "--role", "master", "--socket", socket, "--address",
                "192.0.2.1/24",
            ])
        #expect(await responder.nextLine()?.hasPrefix("192.0.2.1 is at 02:") == true)
        let ping = try bench(
            "slave", socket, "--mode", "ping", "--to", "192.0.2.1", "--from", "192.0.2.2",
            "--wait", "30", "--interval", "20")
        #expect(await ping.nextLine()?.hasPrefix("192.0.2.1 is at 02:") == true)
        #expect(await ping.nextLine()?.contains("answers") == true)
        responder.signal(SIGTERM)
        let answering = await responder.ended()
        #expect(answering.status == 0, "\(answering.errors)")
        #expect(!FileManager.default.fileExists(atPath: socket))
        let ended = await ping.ended()
        #expect(ended.status == 0)
        #expect(ended.errors.contains("virtwire has been ended"))
        let trips = try #require(try Report(ended.output).trips)
        #expect(trips.count > 0)
        #expect(trips.lost <= 1)
    }

    @Test("as JSON, a responder and a ping say who is where in one object a line")
    func objects() async throws {
        struct Line: Decodable {
            let address: String?
            let hardware: String?
            let socket: String?
            let event: String?
            let peer: String?
            let reason: String?
            let time: String?

            enum CodingKeys: String, CodingKey {
                case address, socket, event, peer, reason, time
                case hardware = "hardware_address"
            }

            init(_ text: some StringProtocol) throws {
                self = try JSONDecoder().decode(Line.self, from: Data(text.utf8))
            }
        }
        let socket = newSocketPath()
        let responder = try ProgramRun(
            "virtwire",
            [
                "memif", "responder", "--role", "master", "--socket", socket, "--address",
                "192.0.2.1/24", "--format", "json",
            ])
        let here = try Line(try #require(await responder.nextLine()))
        #expect(here.address == "192.0.2.1" && here.socket == socket)
        let ping = await
            (try bench(
                "slave", socket, "--mode", "ping", "--to", "192.0.2.1", "--wait", "30",
                "--seconds", "0.1", "--format", "json")).ended()
        #expect(ping.status == 0, "\(ping.errors)")
        let there = try Line(try #require(ping.output.split(separator: "\n").first))
        #expect(there.address == "192.0.2.1" && there.hardware == here.hardware)
        #expect(here.hardware?.hasPrefix("02:") == true)
        let up = try Line(try #require(await responder.nextLine()))
        #expect(up.event == "up" && up.peer == "virtwire" && up.reason == nil && up.time != nil)
        let down = try Line(try #require(await responder.nextLine()))
        #expect(down.event == "down" && down.reason?.hasPrefix("the peer disconnected") == true)
        responder.signal(SIGINT)
        #expect(await responder.ended().status == 0)
    }

    @Test("frames come back from an echo; an interrupted bench reports and ends with 0")
    func echo() async throws {
        let socket = newSocketPath()
        let echo = try bench("master", socket, "--mode", "echo")
        let ping = try bench("slave", socket, "--mode", "ping", "--wait", "30", "--size", "512")
        #expect(await ping.nextLine()?.contains("answers") == true)
        ping.signal(SIGINT)
        let asked = await ping.ended()
        let answered = await echo.ended()
        #expect(asked.status == 0)
        #expect(answered.status == 0)
        let report = try Report(asked.output)
        #expect(report.trips?.count ?? 0 > 0)
        #expect(try Report(answered.output).packets >= report.packets)
    }

    @Test("a wrong secret and an unknown id end with the master's reason")
    func refusals() async throws {
        let socket = newSocketPath()
        let master = try bench("master", socket, "--mode", "rx", "--secret", "open sesame")
        let wrong = try bench(
            "slave", socket, "--mode", "tx", "--wait", "1", "--secret", "open barley")
        let refused = await wrong.ended()
        #expect(refused.status == 124)
        #expect(refused.errors.contains("secret"))
        let unknown = await (try bench("slave", socket, "--mode", "tx", "--id", "9")).ended()
        #expect(unknown.status == 1)
        #expect(unknown.errors.contains("9"))
        master.signal(SIGTERM)
        _ = await master.ended()
    }

    @Test("a reader that goes ends the bench without a complaint")
    func brokenPipe() async throws {
        let socket = newSocketPath()
        let master = try bench("master", socket, "--mode", "rx")
        let slave = try bench("slave", socket, "--mode", "tx", "--wait", "30")
        #expect(await slave.nextLine() != nil)
        try slave.stopReading()
        let ended = await slave.ended()
        #expect(ended.status == 0)
        #expect(ended.errors == "")
        _ = await master.ended()
    }
}
