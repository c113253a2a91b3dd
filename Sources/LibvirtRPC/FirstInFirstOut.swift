/// A queue that lets go of what was taken, also while it is never quite empty.
package struct FirstInFirstOut<Element> {
    private var slots: [Element?] = []
    private var head = 0

    /// A queue that a flood has made larger than this gives its memory back when it is empty.
    private static var mostSlotsKept: Int { 1024 }

    package init() {}

    package var isEmpty: Bool { head == slots.count }
    package var count: Int { slots.count - head }
    /// How many places are taken up, at most twice as many as elements wait.
    var slotCount: Int { slots.count }
    /// What waits, in order.
    var elements: [Element] { slots[head...].compactMap(\.self) }
    package var first: Element? { isEmpty ? nil : slots[head] }

    /// What waits behind so many others.
    subscript(offset: Int) -> Element? { slots[head + offset] }

    package mutating func append(_ element: Element) { slots.append(element) }

    package mutating func popFirst() -> Element? {
        guard !isEmpty else { return nil }
        let element = slots[head].take()
        head += 1
        // Moves no more elements than were taken since the last time.
        if 2 * head >= slots.count {
            slots.removeFirst(head)
            head = 0
            if slots.isEmpty, slots.capacity > Self.mostSlotsKept { slots = [] }
        }
        return element
    }

    mutating func removeAll(where isUnwanted: (Element) -> Bool) {
        slots = elements.filter { !isUnwanted($0) }
        head = 0
    }
}
