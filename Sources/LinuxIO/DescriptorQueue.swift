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

    /// Moves another queue's descriptors to the end of this one.
    public mutating func append(contentsOf other: consuming DescriptorQueue) {
        while let descriptor = other.popFirst() { append(descriptor) }
    }
}
