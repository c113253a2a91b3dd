/// Owned descriptors in the order in which they arrived; those never taken are closed.
public struct DescriptorQueue: ~Copyable, Sendable {
    private struct Entry {
        let number: Int32
        let disposal: Disposal?

        var descriptor: OwnedDescriptor {
            OwnedDescriptor(adopting: number, disposal: disposal)
        }
    }

    private var entries: [Entry]
    private var taken = 0

    /// An empty queue.
    public init() { entries = [] }

    init(adopting numbers: some Sequence<Int32>, disposal: Disposal? = nil) {
        entries = numbers.map { Entry(number: $0, disposal: disposal) }
    }

    deinit {
        for entry in entries[taken...] { _ = entry.descriptor }
    }

    /// How many are left.
    public var count: Int { entries.count - taken }

    /// Whether none is left.
    public var isEmpty: Bool { count == 0 }

    /// The oldest's number, for a system call made while the queue holds it. Never store it.
    public var first: Int32? { isEmpty ? nil : entries[taken].number }

    /// All their numbers, the oldest first, as ``first``.
    public var all: [Int32] { entries[taken...].map(\.number) }

    /// Takes the oldest.
    public mutating func popFirst() -> OwnedDescriptor? {
        guard taken < entries.count else { return nil }
        defer {
            taken += 1
            if taken == entries.count {
                entries.removeAll(keepingCapacity: true)
                taken = 0
            }
        }
        return entries[taken].descriptor
    }

    /// Adds one at the end.
    public mutating func append(_ descriptor: consuming OwnedDescriptor) {
        let disposal = descriptor.disposal
        entries.append(Entry(number: descriptor.release(), disposal: disposal))
    }

    /// The same, which a disposal closes.
    public consuming func closed(by disposal: Disposal?) -> DescriptorQueue {
        var result = DescriptorQueue()
        while let descriptor = popFirst() { result.append(descriptor.closed(by: disposal)) }
        return result
    }

    /// Another descriptor of each, close-on-exec.
    ///
    /// - Parameter first: the least number that one may have.
    /// - Throws: `SystemError` when descriptors run out.
    public borrowing func duplicate(from first: Int = 0) throws(SystemError) -> DescriptorQueue {
        var result = DescriptorQueue()
        for entry in entries[taken...] {
            result.append(
                try .duplicate(of: entry.number, from: Int32(first), disposal: entry.disposal))
        }
        return result
    }

    /// Another descriptor of one of them, close-on-exec.
    ///
    /// - Throws: `SystemError` when descriptors run out.
    public borrowing func duplicate(at index: Int) throws(SystemError) -> OwnedDescriptor {
        let entry = entries[taken + index]
        return try .duplicate(of: entry.number, disposal: entry.disposal)
    }

    /// Takes so many of the oldest, or all where there are fewer.
    public mutating func popFirst(_ count: Int) -> DescriptorQueue {
        var result = DescriptorQueue()
        while result.count < count, let descriptor = popFirst() { result.append(descriptor) }
        return result
    }

    /// Moves another queue's descriptors to the end of this one.
    public mutating func append(contentsOf other: consuming DescriptorQueue) {
        while let descriptor = other.popFirst() { append(descriptor) }
    }
}
