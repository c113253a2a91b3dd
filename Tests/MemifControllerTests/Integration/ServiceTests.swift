import Glibc
import Libvirt
import LibvirtProtocol
import MemifTesting
import Synchronization
import Testing

@testable import LinuxIO
@testable import MemifController
@testable import virtwired

/// What a service manager's notification socket is told.
private struct Notifications: ~Copyable {
    private let socket: UnixSocket

    init(at path: String) throws {
        socket = try UnixSocket(
            adopting: try UnixListener.bound(to: try UnixAddress(path: path), kind: .datagrams))
    }

    /// The messages that have come since, each as its lines.
    borrowing func take() throws -> [[String]] {
        var messages: [[String]] = []
        while let message = try socket.receiveBytes(upTo: 4096) {
            messages.append(
                String(decoding: message, as: UTF8.self).split(separator: "\n").map(String.init))
        }
        return messages
    }

    /// Waits until one has a line that begins so, and gives that line.
    borrowing func line(_ start: String) async throws -> String? {
        let end = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < end {
            for line in try take().joined() where line.hasPrefix(start) { return line }
            // The condition is what is waited for.
            try await Task.sleep(for: .milliseconds(5))
        }
        return nil
    }
}

extension UnixSocket {
    /// What is there to be read; nil when nothing is.
    fileprivate borrowing func receiveBytes(upTo count: Int) throws -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var span = bytes.mutableSpan
        // SAFETY: bytes may be anything.
        var raw = unsafe span.mutableBytes
        guard let received = try receive(into: &raw, mostDescriptors: 0) else { return nil }
        return Array(bytes.prefix(received.byteCount))
    }
}

@Suite("virtwired for a service manager and for graphs", .serialized)
struct ServiceTests {
    /// Asks over HTTP; the answer with its head.
    private func ask(_ path: String, _ request: String) async throws -> String {
        let socket = try UnixSocket.connect(to: try UnixAddress(path: path), kind: .stream)
        let bytes = Array(request.utf8)
        // SAFETY: bytes have no padding.
        _ = try socket.send(unsafe bytes.span.bytes)
        var answer: [UInt8] = []
        let end = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < end {
            if let bytes = try socket.receiveBytes(upTo: 65536) {
                if bytes.isEmpty { break }
                answer += bytes
            } else {
                try await Task.sleep(for: .milliseconds(2))
            }
        }
        return String(decoding: answer, as: UTF8.self)
    }

    @Test("ready when the control socket answers, signs of life while it lives, and its end")
    func notifications() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let path = "\(libvirtd.scratch.path)/notify"
        let notifications = try Notifications(at: path)
        let daemon = try await DaemonProcess(
            in: libvirtd.scratch, under: ["env", "NOTIFY_SOCKET=\(path)", "WATCHDOG_USEC=200000"])
        #expect(try await notifications.line("READY=1") != nil)
        for _ in 0..<3 { #expect(try await notifications.line("WATCHDOG=1") != nil) }
        _ = try await libvirtd.define("<memif:port name='a'/><memif:port name='b' queues='0'/>")
        let status = try await notifications.line("STATUS=1 domains with ports")
        #expect(
            status == "STATUS=1 domains with ports, 2 ports, 1 not as declared; libvirt connected")
        daemon.process.signal(SIGTERM)
        #expect(try await notifications.line("STOPPING=1") != nil)
        #expect(await daemon.process.waitForEnd() == 0)
    }

    @Test("a notification socket that is none costs a warning")
    func noManager() async throws {
        let scratch = try Scratch()
        let daemon = try await DaemonProcess(
            in: scratch, under: ["env", "NOTIFY_SOCKET=\(scratch.path)/absent"])
        daemon.process.signal(SIGTERM)
        #expect(await daemon.process.waitForEnd() == 0)
        let long = "NOTIFY_SOCKET=/\(String(repeating: "x", count: 200))"
        let other = try await DaemonProcess(in: scratch, under: ["env", long])
        #expect(
            await eventually { other.process.output.contains("correct or unset NOTIFY_SOCKET") })
        other.process.signal(SIGTERM)
        #expect(await other.process.waitForEnd() == 0)
    }

    @Test(
        "metrics, health and readiness over a UNIX socket; what is no request costs its connection")
    func metrics() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let socket = "\(libvirtd.scratch.path)/metrics.sock"
        let daemon = try await DaemonProcess(
            in: libvirtd.scratch,
            under: ["env", "VIRTWIRED_METRICS=\(socket)", "VIRTWIRED_METRICS_GROUP=daemon"])
        _ = try await libvirtd.define("<memif:port name='a'/>", name: "odd \"name\\")
        #expect(await eventually { daemon.stands(["a"]) })
        #expect(await eventually { (try? SocketFile.probe(socket)) == .live })
        #expect(try FileStatus(path: socket).permissions == 0o660)
        #expect(try FileStatus(path: socket).group == Accounts.group("daemon"))

        let ready = try await ask(socket, "GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n")
        #expect(ready.hasPrefix("HTTP/1.1 200 OK"))
        let answer = try await ask(socket, "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 200 OK"))
        let body = try #require(answer.firstRange(of: "\r\n\r\n")).upperBound
        let lines = answer[body...].split(separator: "\n")
        let sample = #/virtwired_[a-z_]+(\{([a-z]+="([^"\\]|\\.)*",?)+\})? [0-9.e+-]+/#
        for line in lines {
            let fits = line.hasPrefix("# ") || line.wholeMatch(of: sample) != nil
            #expect(fits, "\(line)")
        }
        #expect(lines.contains("virtwired_libvirt_connected 1"))
        #expect(lines.contains("virtwired_ports{condition=\"Waiting\"} 1"))
        let labels = "{vm=\"odd \\\"name\\\\\",uuid=\"\(Sample.vm(1))\",port=\"a\"}"
        #expect(lines.contains { $0 == "virtwired_port_rx_packets_total\(labels) 0" })
        #expect(lines.contains("virtwired_provision_latency_seconds_count 1"))

        #expect(try await ask(socket, "GET /else HTTP/1.1\r\nhost: x\r\n\r\n").contains(" 404 "))
        #expect(try await ask(socket, "PUT /metrics HTTP/1.1\r\nhost: x\r\n\r\n").contains(" 405 "))
        _ = try await ask(socket, "\0\u{1}rubbish\r\n\r\n")
        libvirtd.kill()
        #expect(
            try await eventually {
                try await ask(socket, "GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n").contains(" 503 ")
            })
        #expect(try await ask(socket, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").contains(" 200 "))
        daemon.process.signal(SIGTERM)
        #expect(await daemon.process.waitForEnd() == 0)
        #expect(try SocketFile.probe(socket) == .absent)
    }

    @Test("a back end that is stuck gives no sign of life")
    func stuck() async throws {
        let scratch = try Scratch()
        let backend = StuckBackend()
        let daemon = try Daemon(
            scratch.configuration, uri: "test:///default", source: FakeSource(), backend: backend,
            logger: LogThreshold(.error).logger)
        let round = Task { await daemon.comeRound() }
        await backend.isAsked()
        #expect(!backend.hasAnswered)
        backend.answer()
        await round.value
        #expect(backend.hasAnswered)
    }
}

/// A back end whose threads come round when they are told to.
private final class StuckBackend: PortBackend {
    private let asked = AsyncStream.makeStream(of: Void.self)
    private let gate = AsyncStream.makeStream(of: Void.self)
    private let answered = Atomic<Bool>(false)

    var hasAnswered: Bool { answered.load(ordering: .acquiring) }

    func open(_ specification: PortSpecification) throws(PortError) -> any Port {
        throw PortError(reason: "this back end has no ports", remedy: "")
    }

    func comeRound() async {
        asked.continuation.finish()
        for await _ in gate.stream {}
        answered.store(true, ordering: .releasing)
    }

    func isAsked() async { for await _ in asked.stream {} }
    func answer() { gate.continuation.finish() }
}
