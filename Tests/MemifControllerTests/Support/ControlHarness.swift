import LibvirtRPC
import LinuxIO
import Logging
import MemifController
import Synchronization
import Testing
import VirtwireProtocol
import XDR

/// A daemon between fakes, and a client at each of its control sockets.
struct ControlHarness {
    let source: FakeSource
    let backend: FakeBackend
    let daemon: Daemon
    let layout: RuntimeLayout
    /// A client of the administrative socket.
    let link: Link

    /// Runs a daemon while the body calls it.
    static func run(
        in scratch: Scratch? = nil, logLevel: LogLevelSetting? = nil,
        _ change: (inout HostConfiguration) -> Void = { _ in },
        _ body: (ControlHarness) async throws -> Void
    ) async throws {
        let scratch = try scratch ?? Scratch()
        var configuration = scratch.configuration
        change(&configuration)
        let source = FakeSource()
        let backend = FakeBackend()
        let daemon = try Daemon(
            configuration, uri: "fake:///", source: source, backend: backend,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            logLevel: logLevel)
        let task = Task { try await daemon.run() }
        let layout = RuntimeLayout(configuration)
        for path in [layout.controlSocket, layout.readOnlyControlSocket] {
            #expect(await eventually { (try? SocketFile.probe(path)) == .live })
        }
        do {
            let link = try connect(layout.controlSocket)
            // The sockets are there before libvirt has been asked for the first time.
            let isConnected = try await eventually {
                try await link.call(Virtwire.STATUS, XDRVoid()).libvirt_connected
            }
            #expect(isConnected)
            try await body(
                ControlHarness(
                    source: source, backend: backend, daemon: daemon, layout: layout, link: link))
            task.cancel()
            try await task.value
            #expect(await eventually { link.failure != nil })
        } catch {
            task.cancel()
            _ = await task.result
            throw error
        }
        #expect(try SocketFile.probe(layout.controlSocket) == .absent)
        #expect(try SocketFile.probe(layout.readOnlyControlSocket) == .absent)
    }

    /// Another client.
    static func connect(
        _ path: String, handlers: LinkHandlers = LinkHandlers()
    ) throws -> Link {
        Link.start(try carrier(path), timers: try RealDaemon.loop.get(), handlers: handlers)
    }

    static func carrier(_ path: String) throws -> UnixCarrier {
        UnixCarrier(
            try UnixSocket.connect(to: UnixAddress(path: path), kind: .stream),
            loop: try RealDaemon.loop.get())
    }

    /// Waits for a port to be in a state.
    func waits(for state: String, of port: String) async throws -> Bool {
        try await eventually {
            let status = try await link.call(Virtwire.STATUS, XDRVoid())
            return status.ports.contains { $0.name.text == port && $0.state.text == state }
        }
    }
}

/// The events that a client is sent.
final class ReceivedEvents: Sendable {
    private let events = Mutex<[IncomingEvent]>([])

    var handlers: LinkHandlers {
        LinkHandlers(event: { [self] event in events.withLock { $0.append(event) } })
    }

    var count: Int { events.withLock(\.count) }

    /// Those about ports.
    var ports: [virtwire_event_ports_msg] {
        get throws {
            try events.withLock(\.self).filter { $0.matches(Virtwire.EVENT_PORTS) }
                .map { try $0.message(of: Virtwire.EVENT_PORTS) }
        }
    }

    /// Those about libvirt.
    var libvirt: [virtwire_event_libvirt_msg] {
        get throws {
            try events.withLock(\.self).filter { $0.matches(Virtwire.EVENT_LIBVIRT) }
                .map { try $0.message(of: Virtwire.EVENT_LIBVIRT) }
        }
    }
}
