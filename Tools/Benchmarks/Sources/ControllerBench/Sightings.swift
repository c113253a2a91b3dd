import Glibc
import Libvirt
import LibvirtProtocol
import Synchronization

/// When events came.
final class Sightings: Sendable {
    private struct Key: Hashable {
        let name: String
        let type: virDomainEventType
    }

    private let times = Mutex<[Key: ContinuousClock.Instant]>([:])

    /// Keeps the time of a lifecycle event.
    func note(_ event: DomainEvent) {
        guard case .lifecycle(let type, _) = event.content else { return }
        let now = ContinuousClock.now
        times.withLock { $0[Key(name: event.name, type: type)] = now }
    }

    /// Takes the time of an event, once it has come.
    func take(_ type: virDomainEventType, of name: String) -> ContinuousClock.Instant {
        while true {
            let found = times.withLock { $0.removeValue(forKey: Key(name: name, type: type)) }
            if let found { return found }
            Pause.brief()
        }
    }
}

enum Pause {
    /// Some 70 microseconds, most of them the kernel's.
    static func brief() { usleep(20) }
}

/// A measure's figures, of which the middle and the slowest in a hundred count.
struct Figures {
    private var values: [Double] = []

    mutating func add(_ duration: Duration) { values.append(duration / .milliseconds(1)) }

    /// Members of an object, in milliseconds.
    func members(_ name: String) -> String {
        let sorted = values.sorted()
        func share(_ part: Double) -> Double {
            sorted[min(Int(Double(sorted.count) * part), sorted.count - 1)]
        }
        return #""\#(name)_p50": \#(share(0.5)), "\#(name)_p99": \#(share(0.99))"#
    }
}
