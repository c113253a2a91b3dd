/// Parts of long pieces of work; the one whose piece has the least left goes first, and of equals the one
/// that came first.
struct PartQueue {
    private struct Entry {
        let rest: Int
        let work: @Sendable () -> Void
    }

    private var entries: [Entry] = []

    var isEmpty: Bool { entries.isEmpty }

    mutating func append(_ work: @escaping @Sendable () -> Void, of rest: Int) {
        entries.append(Entry(rest: rest, work: work))
    }

    /// Takes the next one out. The caller runs it, or lets go of it, outside any lock.
    mutating func popNext() -> (@Sendable () -> Void)? {
        // `min` gives the first of equals.
        guard let next = entries.indices.min(by: { entries[$0].rest < entries[$1].rest }) else {
            return nil
        }
        return entries.remove(at: next).work
    }
}
