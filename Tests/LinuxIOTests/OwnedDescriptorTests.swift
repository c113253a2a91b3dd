import Foundation
import LinuxIO
import Testing

/// Whether a descriptor number is in use in this process, as far as the file behind it goes.
func isOpen(_ number: Int32, as identity: FileIdentity) -> Bool {
    let descriptor = OwnedDescriptor(adopting: number)
    let found = try? descriptor.status().identity
    _ = descriptor.release()
    return found == identity
}

@Suite("Owned descriptors")
struct OwnedDescriptorTests {
    @Test("are closed when their owner lets go")
    func closing() throws {
        let file = try OwnedDescriptor.memoryFile(name: "closing", byteCount: 4096)
        let identity = try file.status().identity
        let number = file.rawValue
        #expect(isOpen(number, as: identity))
        _ = consume file
        #expect(!isOpen(number, as: identity))
    }

    @Test("stay open when released, and are the caller's then")
    func releasing() throws {
        let file = try OwnedDescriptor.memoryFile(name: "releasing", byteCount: 4096)
        let identity = try file.status().identity
        let number = file.release()
        #expect(isOpen(number, as: identity))
        _ = OwnedDescriptor(adopting: number)
        #expect(!isOpen(number, as: identity))
    }

    @Test("can be duplicated: another number, the same file, closed at exec")
    func duplicating() throws {
        let file = try OwnedDescriptor.memoryFile(name: "duplicating", byteCount: 4096)
        let copy = try file.duplicate()
        #expect(copy.rawValue != file.rawValue)
        #expect(try copy.status().identity == file.status().identity)
        #expect(fcntl(copy.rawValue, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test("can be made blocking and back")
    func nonblocking() throws {
        let counter = try EventCounter()
        let number = counter.descriptor.rawValue
        #expect(fcntl(number, F_GETFL) & O_NONBLOCK != 0)
        try counter.descriptor.setNonblocking(false)
        #expect(fcntl(number, F_GETFL) & O_NONBLOCK == 0)
        try counter.descriptor.setNonblocking(true)
        #expect(fcntl(number, F_GETFL) & O_NONBLOCK != 0)
    }

    @Test("are known for one open file, whatever flags a peer that has it sets")
    func openFiles() throws {
        let counter = try EventCounter()
        let region = try OwnedDescriptor.memoryFile(name: "region", byteCount: 1)
        let known = [
            try counter.descriptor.openFileIdentity(), try region.openFileIdentity(),
        ]
        #expect(!known.contains(nil) && known[0] != known[1])
        try counter.descriptor.duplicate().setNonblocking(false)
        try region.duplicate().setNonblocking(true)
        #expect(try counter.descriptor.openFileIdentity() == known[0])
        #expect(try region.openFileIdentity() == known[1])
        #expect(try EventCounter().descriptor.openFileIdentity() != known[0])
    }

    @Test("say what stands behind them")
    func target() throws {
        let file = try OwnedDescriptor.memoryFile(name: "named", byteCount: 4096)
        #expect(try file.target().hasPrefix("/memfd:named"))
    }

    @Test("a negative number is refused")
    func negative() async {
        await #expect(processExitsWith: .failure) { _ = OwnedDescriptor(adopting: -1) }
    }
}

@Suite("Descriptor queues")
struct DescriptorQueueTests {
    @Test("give back in order, and take in at any time")
    func order() throws {
        var queue = DescriptorQueue()
        var expected: [Int32] = []
        for round in 0..<20 {
            let counter = try EventCounter()
            let copy = try counter.descriptor.duplicate()
            expected.append(copy.rawValue)
            queue.append(copy)
            if round % 3 == 2 {
                let first = try unwrap(queue.popFirst())
                #expect(first.rawValue == expected.removeFirst())
            }
            #expect(queue.count == expected.count)
        }
        while let descriptor = queue.popFirst() {
            #expect(descriptor.rawValue == expected.removeFirst())
        }
        #expect(expected.isEmpty)
        #expect(queue.isEmpty == true)
    }

    @Test("close what nobody took")
    func leftovers() throws {
        var queue = DescriptorQueue()
        var other = DescriptorQueue()
        let file = try OwnedDescriptor.memoryFile(name: "kept", byteCount: 4096)
        let identity = try file.status().identity
        let first = try file.duplicate()
        let second = try file.duplicate()
        let numbers = [first.rawValue, second.rawValue]
        queue.append(first)
        other.append(second)
        queue.append(contentsOf: other)
        #expect(queue.count == 2)
        let taken = try unwrap(queue.popFirst()).release()
        #expect(taken == numbers[0])
        queue = DescriptorQueue()
        #expect(isOpen(numbers[0], as: identity))
        #expect(!isOpen(numbers[1], as: identity))
        _ = OwnedDescriptor(adopting: taken)
    }
}
