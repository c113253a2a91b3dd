/// Events of one kind that came while a registration for it is under way, and whose callback id
/// nobody knows yet.
struct EarlyEvents {
    struct Event {
        let callback: Int32
        let notice: EventNotice<LibvirtEvent>
        let byteCount: Int
    }

    /// How many registrations are under way.
    var registrations = 0
    /// How many there was no room to keep.
    private(set) var lost = 0
    private var events: [Event] = []
    private var byteCount = 0

    /// How many are kept; a flood beyond it is not a race.
    private static let mostEvents = 4096
    private static let mostBytes = 16 << 20

    mutating func keep(_ event: Event) {
        guard events.count < Self.mostEvents, event.byteCount <= Self.mostBytes - byteCount else {
            lost += 1
            return
        }
        events.append(event)
        byteCount += event.byteCount
    }

    /// What came for a callback id, in order.
    mutating func take(_ callback: Int32) -> [Event] {
        let taken = events.filter { $0.callback == callback }
        byteCount -= taken.reduce(0) { $0 + $1.byteCount }
        events.removeAll { $0.callback == callback }
        return taken
    }
}
