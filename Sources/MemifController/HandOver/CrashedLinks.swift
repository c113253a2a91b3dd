internal import LibvirtRPC
internal import LinuxIO

/// What a process that has crashed had the service manager keep of its links.
struct CrashedLinks {
    /// The states of single ports, by their numbers.
    private var states: [Int: PassedDescriptors] = [:]
    /// What they need, by its number.
    private var parts: [Int: PassedDescriptors] = [:]
    /// Numbers under which there was more than one: nobody knows which it is.
    private var ambiguous: Set<Int> = []

    mutating func add(_ name: StoredName, _ descriptor: PassedDescriptors) {
        switch name {
        case .linkState(let number): states[number] = descriptor
        case .linkPart(let number):
            if parts.updateValue(descriptor, forKey: number) != nil { ambiguous.insert(number) }
        case .state, .part, .other: break
        }
    }

    /// Reads them. One that cannot be read costs no other.
    ///
    /// - Throws: `DescriptorStore.Obstacle` where none can be, or one is of another version.
    func read() throws(DescriptorStore.Obstacle) -> Inheritance {
        var inheritance = Inheritance()
        inheritance.isFromCrash = true
        // In order: of two for the same port the later one holds, the one before was about to go.
        for (_, passed) in states.sorted(by: { $0.key < $1.key }) {
            guard let file = passed.takeFirst() else { continue }
            do throws(DescriptorStore.Obstacle) {
                inheritance.ports.add(try ports(file))
            } catch {
                guard case .useless(let problem) = error else { throw error }
                inheritance.losses.append(problem)
            }
        }
        if inheritance.ports.count == 0 {
            throw .useless(
                inheritance.losses.first
                    ?? .badState("the service manager has descriptors and no state"))
        }
        return inheritance
    }

    private func ports(
        _ file: borrowing OwnedDescriptor
    ) throws(DescriptorStore.Obstacle) -> [InheritedPort] {
        let state = try DescriptorStore.state(in: file)
        do throws(PortError) {
            return try Inheritance.crashed(state: state, part)
        } catch {
            throw .useless(error)
        }
    }

    private func part(_ number: UInt32) throws(PortError) -> OwnedDescriptor {
        guard let kept = parts[Int(number)], !ambiguous.contains(Int(number)) else {
            throw .badState("the service manager has no descriptor \(number) of a link")
        }
        do throws(SystemError) {
            // Ports may have it in common.
            if let copy = try kept.duplicate().takeFirst() { return copy }
        } catch {
            throw .noDescriptors(error)
        }
        throw .badState("the service manager has no descriptor \(number) of a link")
    }
}
