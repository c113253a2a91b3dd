import Libvirt
import LibvirtProtocol
import LibvirtRPC
import LinuxIO
import Memif
import VirtwireProtocol
import XDR

/// Domains of the test driver that ask for a port each, and the two daemons that know of them.
final class Fleet: Sendable {
    let connection: Connection
    let loop: EventLoop
    let sightings = Sightings()
    private let runtime: String
    private let control: Link
    private let watcher: Task<Void, any Error>

    init(uri: String, runtimeDirectory: String) async throws {
        connection = try await Connection.open(uri)
        loop = try EventLoop.start(name: "bench")
        runtime = runtimeDirectory
        let address = try UnixAddress(path: "\(runtimeDirectory)/control.sock")
        let socket = try UnixSocket.connect(to: address, kind: .stream)
        control = Link.start(UnixCarrier(socket, loop: loop), timers: loop)
        let events = try await connection.domainEvents([.lifecycle], capacity: 100_000)
        watcher = Task(executorPreference: connection.executor) { [sightings] in
            for try await case .event(let event) in events { sightings.note(event) }
        }
    }

    func close() async {
        watcher.cancel()
        control.close()
        await connection.close()
        loop.stop()
    }

    /// The only port of the domain of a number.
    func port(_ number: Int) async throws -> virtwire_port {
        let status = try await control.call(
            Virtwire.STATUS, XDRVoid(), deadline: .now + .seconds(30))
        guard let port = status.ports.first(where: { $0.vm_name.text == name(number) }) else {
            throw Wrong("\(name(number)) has no port")
        }
        return port
    }

    /// Defines the domain of a number.
    func define(_ number: Int) async throws -> Domain {
        try await connection.defineDomain(
            xml: """
                <domain type='test'><name>\(name(number))</name><uuid>\(uuid(number))</uuid>
                <metadata><memif:ports xmlns:memif='https://virtwire.dev/xmlns/memif/1'>
                <memif:port name='lan0' linger='0'/></memif:ports></metadata>
                <memory unit='MiB'>512</memory><vcpu>2</vcpu><os><type>hvm</type></os>
                <devices><interface type='network'><source network='default'/>
                <target dev='tap\(number)'/></interface></devices></domain>
                """)
    }

    func name(_ number: Int) -> String { "vm-\(number)" }

    private func uuid(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        return "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count)
            + digits
    }

    /// Where the port of a domain is.
    func socket(_ number: Int) -> String { "\(runtime)/vm/\(uuid(number))/lan0.sock" }

    /// Waits until a socket stands or does not, looking so often that it costs little and hides little.
    func waitFor(_ number: Int, stands: Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while File.exists(socket(number)) != stands {
            guard ContinuousClock.now < deadline else {
                throw Wrong("the socket of \(name(number)) is not as it should be")
            }
            Pause.brief()
        }
    }

    /// Waits until so many ports are in a state, and no other is there.
    func waitFor(_ count: Int, in state: String) async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while true {
            let status = try await control.call(
                Virtwire.STATUS, XDRVoid(), deadline: .now + .seconds(30))
            if status.ports.count == count, status.ports.allSatisfy({ $0.state.text == state }) {
                return
            }
            guard ContinuousClock.now < deadline else {
                throw Wrong("not all of \(count) ports are \(state)")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}
