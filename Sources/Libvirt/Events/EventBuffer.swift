internal import LibvirtRPC
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
        var elements = FirstInFirstOut<(element: Element, byteCount: Int)>()
        /// What the elements took on the wire.
        var byteCount = 0
        var lost = 0
        var end: LibvirtError??
        var reader: CheckedContinuation<Item, Never>?
    }

    private let capacity: Int
    private let mostBytes: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - capacity: how many elements it keeps, one at least.
    ///   - mostBytes: how many bytes they may have had on the wire: events are small, and a server
    ///     that sends huge ones must not fill the memory.
    init(capacity: Int, mostBytes: Int = 64 << 20) {
        self.capacity = max(capacity, 1)
        self.mostBytes = mostBytes
    }

    /// Adds an element, or counts it as lost when there is no room.
    func put(_ element: Element, byteCount: Int = 0) {
        let reader = state.withLock { state -> CheckedContinuation<Item, Never>? in
            guard state.end == nil else { return nil }
            if let reader = state.reader.take() { return reader }
            // After a loss nothing is taken until the reader knows of it: what it reads is in order.
            let isFull =
                state.elements.count >= capacity || byteCount > mostBytes - state.byteCount
            if state.lost > 0 || isFull {
                state.lost += 1
            } else {
                state.elements.append((element, byteCount))
                state.byteCount += byteCount
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

    /// Takes the next item, and waits for one. A wait ends at once when the task is cancelled.
    func next() async -> Item {
        // In a storm of events there is always one, and a wait is dear.
        if let item = state.withLock({ Self.take(&$0) }) { return item }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if let item = take(orWait: continuation) { continuation.resume(returning: item) }
                if Task.isCancelled { giveUp() }
            }
        } onCancel: {
            giveUp()
        }
    }

    private static func take(_ state: inout State) -> Item? {
        if let (element, byteCount) = state.elements.popFirst() {
            state.byteCount -= byteCount
            return .element(element)
        }
        if state.lost > 0 {
            defer { state.lost = 0 }
            return .lost(state.lost)
        }
        return state.end.map { .end($0) }
    }

    private func take(orWait reader: CheckedContinuation<Item, Never>) -> Item? {
        state.withLock { state in
            if let item = Self.take(&state) { return item }
            precondition(state.reader == nil, "a subscription is read by one task at a time")
            state.reader = reader
            return nil
        }
    }

    private func giveUp() {
        state.withLock { $0.reader.take() }?.resume(returning: .end(nil))
    }
}
