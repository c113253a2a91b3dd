import Libvirt
import LibvirtProtocol
import LibvirtTesting

extension LibvirtBench {
    /// Registers on a server that then sends a burst, and counts the events.
    static func countEvents(_ connection: Connection, _ count: Int) async throws -> Run {
        var counted = 0
        // The server takes its time before the first one.
        var watch = Stopwatch()
        for try await notice in try await connection.domainEvents(capacity: count) {
            guard case .event = notice else { throw EventsLost() }
            if counted == 0 { watch = Stopwatch() }
            counted += 1
            if counted == count { break }
        }
        return watch.stop(counted)
    }

    struct EventsLost: Error {}

    /// Serves clients that register for the events of domains' lives, and sends each a burst of them.
    static func serveEvents(at path: String, _ count: Int) async throws {
        let daemon = try FakeLibvirtd.start(at: path)
        let (registrations, continuation) = AsyncStream.makeStream(of: Void.self)
        daemon.whenRegistered { registration in
            if registration.kind == virDomainEventID.lifecycle.rawValue { continuation.yield() }
        }
        for await _ in registrations {
            // The client must know the number of its registration before it knows an event by it.
            try await Task.sleep(for: .milliseconds(500))
            for _ in 0..<count { try daemon.emitLifecycle(of: "vm-0001", .started) }
        }
    }
}
