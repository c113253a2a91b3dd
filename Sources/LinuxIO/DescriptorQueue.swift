/// Owned descriptors in the order in which they arrived; those never taken are closed.
public struct DescriptorQueue: ~Copyable, Sendable {
    private var numbers: [Int32]
    private var taken = 0

    /// An empty queue.
    public init() { numbers = [] }

    init(adopting numbers: some Sequence<Int32>) { self.numbers = Array(numbers) }

    deinit {
        for number in numbers[taken...] { _ = OwnedDescriptor(adopting: number) }
    }

    /// How many are left.
    public var count: Int { numbers.count - taken }

    /// Whether none is left.
    public var isEmpty: Bool { count == 0 }

    /// The oldest's number, for a system call made while the queue holds it. Never store it.
    public var first: Int32? { isEmpty ? nil : numbers[taken] }

    /// All their numbers, the oldest first, as ``first``.
    public var all: [Int32] { Array(numbers[taken...]) }

    /// Takes the oldest.
    public mutating func popFirst() -> OwnedDescriptor? {
        guard taken < numbers.count else { return nil }
        defer {
            taken += 1
            if taken == numbers.count {
                numbers.removeAll(keepingCapacity: true)
                taken = 0
            }
        }
        return OwnedDescriptor(adopting: numbers[taken])
    }

    /// Adds one at the end.
    public mutating func append(_ descriptor: consuming OwnedDescriptor) {
        numbers.append(descriptor.release())
    }

    /// Another descriptor of each, close-on-exec.
    ///
    /// - Parameter first: the least number that one may have.
    /// - Throws: `SystemError` when descriptors run out.
    public borrowing func duplicate(from first: Int = 0) throws(SystemError) -> DescriptorQueue {
        var result = DescriptorQueue()
        for number in all {
            result.append(try OwnedDescriptor.duplicate(of: number, from: Int32(first)))
        }
        return result
    }

    /// Another descriptor of one of them, close-on-exec.
    ///
    /// - Throws: `SystemError` when descriptors run out.
    public borrowing func duplicate(at index: Int) throws(SystemError) -> OwnedDescriptor {
        try OwnedDescriptor.duplicate(of: all[index])
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
