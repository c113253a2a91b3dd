internal import LibvirtRPC
internal import LinuxIO

/// Everything that a daemon leaves, kept by the service manager until the next one starts.
///
/// The state's memory file has a name of its own, and every other descriptor its number: a manager gives
/// them back in any order.
struct DescriptorStore: Sendable {
    let manager: ServiceManager

    /// More names than these are too long for the environment of a process.
    private static let most = 8192
    /// How long the manager may take.
    private static let patience = Duration.seconds(10)

    /// Has the manager keep everything. It waits: call it on a thread of its own.
    ///
    /// - Throws: `PortError` where the manager cannot; then nothing is kept that could be of use.
    func keep(_ frozen: FrozenState) throws(PortError) {
        let frozen = try frozen.withoutRepetitions()
        var descriptors = frozen.takeDescriptors()
        try check(descriptors.count + 1)
        let names = ((0..<descriptors.count).map { .part($0) } + [StoredName.state]).map(\.text)
        // The last to be stored, so that there is a state only where everything is.
        descriptors.append(try frozen.file())
        do throws(SystemError) {
            try manager.store(
                StoredDescriptors(names: names, descriptors: descriptors), within: Self.patience)
        } catch {
            try? manager.removeStored(names)
            throw PortError(
                reason: "the service manager does not keep descriptors: \(error)",
                remedy: "look at the service manager's log")
        }
    }

    private func check(_ count: Int) throws(PortError) {
        guard count <= min(manager.storeCapacity, Self.most) else {
            throw PortError(
                reason: "the service manager keeps \(min(manager.storeCapacity, Self.most)) "
                    + "descriptors, and there are \(count)",
                remedy: count <= Self.most
                    ? "raise FileDescriptorStoreMax= and FDSTORE= in the unit, to \(Self.most) at most"
                    : "have fewer links on a host that is restarted without disconnecting them")
        }
    }

    /// What a manager keeps, by its names.
    struct Entries: Sendable {
        let manager: ServiceManager
        let names: [String]

        /// Has the manager let go of them. It waits: call it on a thread of its own.
        func remove() { try? manager.removeStored(names) }
    }

    /// Why what the manager has kept cannot be gone on with.
    enum Obstacle: Error {
        /// Nobody can: it is kept no longer.
        case useless(PortError)
        /// A virtwired of another version can: it is kept for that.
        case otherVersion(PortError)
    }

    /// What the manager has kept. It keeps it until ``Inheritance/forget()``, so that a process which ends
    /// before everything stands again costs nothing; what is of no use it keeps no longer.
    ///
    /// - Returns: nil where it has kept nothing of ours.
    func take(_ stored: consuming StoredDescriptors) throws(Obstacle) -> Inheritance? {
        var file: OwnedDescriptor?
        var numbered: [Int: PassedDescriptors] = [:]
        var crashed = CrashedLinks()
        var names: [String] = []
        for text in stored.names {
            guard let descriptor = stored.descriptors.popFirst() else { break }
            guard let name = StoredName(text) else { continue }
            names.append(text)
            if name == .state {
                file = consume descriptor
                continue
            }
            var one = DescriptorQueue()
            one.append(descriptor)
            let passed = PassedDescriptors(one)
            if case .part(let number) = name { numbered[number] = passed }
            crashed.add(name, passed)
        }
        if names.isEmpty { return nil }
        let entries = Entries(manager: manager, names: names)
        do throws(Obstacle) {
            // What was left in order is newer than what was kept for a crash.
            var inheritance =
                if let file { try Self.left(file, numbered) } else { try crashed.read() }
            inheritance.store = entries
            return inheritance
        } catch {
            if case .useless = error { entries.remove() }
            throw error
        }
    }

    private static func left(
        _ file: borrowing OwnedDescriptor, _ numbered: [Int: PassedDescriptors]
    ) throws(Obstacle) -> Inheritance {
        let state = try state(in: file)
        do throws(PortError) {
            return try read(state, numbered)
        } catch {
            throw .useless(error)
        }
    }

    /// A state that this version can read.
    static func state(in file: borrowing OwnedDescriptor) throws(Obstacle) -> [UInt8] {
        let state: [UInt8]
        do throws(PortError) {
            state = try Inheritance.bytes(in: file)
        } catch {
            throw .useless(error)
        }
        guard let problem = Inheritance.otherVersion(state) else { return state }
        throw .otherVersion(
            PortError(
                reason:
                    "what the service manager keeps of another virtwired cannot be gone on with: \(problem)",
                remedy:
                    "install the version that left it, or give up its links: stop the service, and start it"
            ))
    }

    private static func read(
        _ state: [UInt8], _ numbered: [Int: PassedDescriptors]
    ) throws(PortError) -> Inheritance {
        var descriptors = DescriptorQueue()
        for number in 0..<numbered.count {
            guard let one = numbered[number] else {
                throw .badState("the service manager has lost descriptor \(number)")
            }
            descriptors.append(contentsOf: one.takeAll())
        }
        return try Inheritance(state: state, descriptors)
    }
}
