import LibvirtRPC
import LinuxIO
import Logging
import Memif
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

/// The daemon's whole core in this process: a real libvirtd, real memif, and its control socket.
struct RealDaemon {
    let scratch: Scratch
    let layout: RuntimeLayout

    /// Runs it while the body does things to its surroundings.
    ///
    /// - Parameter uri: of the libvirt daemon; nil: of the scratch directory's own test driver.
    static func run(
        in scratch: Scratch, uri: String? = nil,
        _ change: (inout HostConfiguration) -> Void = { _ in },
        _ body: (RealDaemon) async throws -> Void
    ) async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        var configuration = scratch.configuration
        change(&configuration)
        let uri = uri ?? PrivateLibvirtd.uri(in: scratch)
        let daemon = try Daemon(
            configuration, uri: uri, source: LibvirtDomainSource(uri: uri),
            backend: try MemifPortBackend(logger: logger), logger: logger)
        let task = Task { try await daemon.run() }
        do {
            let it = RealDaemon(scratch: scratch, layout: RuntimeLayout(configuration))
            #expect(await eventually { (try? await it.status()) != nil })
            try await body(it)
        } catch {
            task.cancel()
            _ = await task.result
            throw error
        }
        task.cancel()
        try await task.value
    }

    /// One thread for all the clients and slaves of these tests.
    static let loop = Result { () throws(SystemError) in try EventLoop.start(name: "clients") }

    /// What the daemon says of itself over its control socket.
    func status() async throws -> virtwire_status_ret { try await Self.status(layout) }

    static func status(_ layout: RuntimeLayout) async throws -> virtwire_status_ret {
        let loop = try loop.get()
        let address = try UnixAddress(path: layout.controlSocket)
        let socket = try UnixSocket.connect(to: address, kind: .stream)
        let link = Link.start(UnixCarrier(socket, loop: loop), timers: loop)
        defer { link.close() }
        return try await link.call(Virtwire.STATUS, XDRVoid(), deadline: .now + .seconds(30))
    }

    func port(_ name: String, vm: VMIdentifier = Sample.vm(1)) async -> virtwire_port? {
        try? await status().ports.first { $0.vm_uuid.bytes == vm.bytes && $0.name.text == name }
    }

    /// The status in short: each line's name, state and reason; nothing when it does not answer.
    var lines: [String]? {
        get async {
            try? await status().ports.map { port in
                [port.name.text, port.state.text, port.reason.text].joined(separator: " ")
            }
        }
    }

    func state(_ name: String, vm: VMIdentifier = Sample.vm(1)) async -> String? {
        await port(name, vm: vm)?.state.text
    }

    /// Whether exactly these sockets stand for a domain, and are held.
    func stands(_ ports: Set<String>, vm: VMIdentifier = Sample.vm(1)) -> Bool {
        Self.stands(layout, ports, vm)
    }

    /// Whether nothing is left of any domain.
    var hasNoDirectories: Bool {
        (try? Directory.entries(of: layout.domainsDirectory)) == []
    }

    static func stands(_ layout: RuntimeLayout, _ ports: Set<String>, _ vm: VMIdentifier) -> Bool {
        let found = (try? Directory.entries(of: layout.directory(of: vm))) ?? []
        return Set(found) == Set(ports.map { "\($0).sock" })
            && ports.allSatisfy {
                (try? SocketFile.probe(layout.socket(of: vm, port: $0))) == .live
            }
    }

    /// A slave of our own at a port, which tries again when it is let go.
    func slave(_ port: String, vm: VMIdentifier = Sample.vm(1)) throws -> MemifInterface {
        try Self.slave(layout.socket(of: vm, port: port))
    }

    static func slave(_ path: String, secret: String? = nil) throws -> MemifInterface {
        try MemifInterface.connect(
            to: UnixAddress(path: path),
            InterfaceConfiguration(secret: secret.map { try Secret($0) }), on: loop.get(),
            reconnect: ReconnectPolicy(
                firstPause: .milliseconds(20), longestPause: .milliseconds(20)))
    }
}
