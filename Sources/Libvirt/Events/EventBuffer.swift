internal import Synchronization

/// What a subscriber has not read yet: bounded, in order, with what was lost told in its place.
///
/// One task reads. Whoever puts elements in never waits.
final class EventBuffer<Element: Sendable>: Sendable {
    enum Item: Sendable {
        case element(Element)
        /// So many elements came while there was no room.
        case lost(Int)
        /// Nothing comes any more; the failure, where there was one.
        case end(LibvirtError?)
    }

    private struct State {
        var elements: [Element] = []
        var first = 0
        var lost = 0
        var end: LibvirtError??
        var reader: CheckedContinuation<Item, Never>?
    }

    private let capacity: Int
    private let state = Mutex(State())

    init(capacity: Int) {
        precondition(capacity > 0)
        self.capacity = capacity
    }

    /// Adds an element, or counts it as lost when there is no room.
    func put(_ element: Element) {
        let reader = state.withLock { state -> CheckedContinuation<Item, Never>? in
            guard state.end == nil else { return nil }
            if let reader = state.reader.take() { return reader }
            // After a loss nothing is taken until the reader knows of it: what it reads is in order.
            if state.lost > 0 || state.elements.count - state.first >= capacity {
                state.lost += 1
            } else {
                state.elements.append(element)
            }
            return nil
        }
        reader?.resume(returning: .element(element))
    }

    /// Tells the reader that elements are missing behind those that are in the buffer.
    func lose(_ count: Int) {
        let reader = state.withLock { state -> CheckedContinuation<Item, Never>? in
            guard state.end == nil, count > 0 else { return nil }
            if let reader = state.reader.take() { return reader }
            state.lost += count
            return nil
        }
        reader?.resume(returning: .lost(count))
    }

    /// Ends the sequence behind what is in the buffer; the first end counts.
    func finish(_ failure: LibvirtError?) {
        let reader = state.withLock { state -> CheckedContinuation<Item, Never>? in
            guard state.end == nil else { return nil }
            state.end = .some(failure)
            return state.reader.take()
        }
        reader?.resume(returning: .end(failure))
    }

    /// Takes the next item, and waits for one. Ends at once when the task is cancelled.
    func next() async -> Item {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if let item = poll(orWait: continuation) { continuation.resume(returning: item) }
                if Task.isCancelled { giveUp() }
            }
        } onCancel: {
            giveUp()
        }
    }

    private func poll(orWait reader: CheckedContinuation<Item, Never>) -> Item? {
        state.withLock { state in
            if state.first < state.elements.count {
                let element = state.elements[state.first]
                state.first += 1
                // A reader that is never quite done must not keep what it has read.
                if state.first == state.elements.count || state.first >= capacity {
                    state.elements.removeFirst(state.first)
                    state.first = 0
                }
                return .element(element)
            }
            if state.lost > 0 {
                defer { state.lost = 0 }
                return .lost(state.lost)
            }
            if let end = state.end { return .end(end) }
            precondition(state.reader == nil, "a subscription is read by one task at a time")
            state.reader = reader
            return nil
        }
    }

    private func giveUp() {
        state.withLock { $0.reader.take() }?.resume(returning: .end(nil))
    }
}
