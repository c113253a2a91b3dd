import Foundation
import LinuxIO
import Logging
import Synchronization
import Testing

@testable import virtwired

@Suite("Log lines as JSON", .timeLimit(.minutes(4)))
struct LogTests {
    /// Lines that were written.
    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])

        var all: [String] { lines.withLock(\.self) }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    private static func object(_ line: String?) throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data((line ?? "").utf8))
        return try #require(value as? [String: Any])
    }

    @Test("a line is one object: time, level, message, and what it is about beside them")
    func line() throws {
        let lines = Lines()
        var handler = JSONLogHandler()
        handler.write = { lines.add($0) }
        var logger = Logger(label: "test") { _ in handler }
        logger[metadataKey: "port"] = "lan0"
        logger[metadataKey: "time"] = "hidden"
        logger.warning(
            "port \"changed\"\nhere",
            metadata: ["vm": "a-b", "list": ["a", "b"], "map": ["k": "ü"]])
        logger.trace("next", metadata: ["port": "lan1"])
        #expect(lines.all.count == 2)
        #expect(lines.all.allSatisfy { !$0.contains("\n") })
        let first = try Self.object(lines.all.first)
        #expect(first["level"] as? String == "warning")
        #expect(first["message"] as? String == "port \"changed\"\nhere")
        #expect(first["vm"] as? String == "a-b" && first["port"] as? String == "lan0")
        #expect(first["list"] as? [String] == ["a", "b"])
        #expect(first["map"] as? [String: String] == ["k": "ü"])
        let time = try #require(first["time"] as? String)
        #expect(time.wholeMatch(of: #/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/#) != nil)
        #expect(try Self.object(lines.all.last)["port"] as? String == "lan1")
    }

    @Test("with --log-format json each line of the daemon's log is an object")
    func daemon() async throws {
        let daemon = try await DaemonProcess(in: Scratch(), ["--log-format", "json"])
        #expect(await eventually { daemon.process.output.contains(#""message":"ready""#) })
        daemon.process.signal(15)
        #expect(await daemon.process.waitForEnd() == 0)
        let lines = daemon.process.output.split(separator: "\n").map(String.init)
        for line in lines { #expect(try Self.object(line)["level"] is String, "\(line)") }
        #expect(lines.count > 1)
    }
}
