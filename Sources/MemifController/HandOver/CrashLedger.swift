/// What the service manager has for the case of a crash: for each port that has a link a state, and each file
/// once, however many ports have it in common.
///
/// At any moment, in the midst of a change as well, each state that it has is one whose files it has: files
/// come before the state that needs them, and go after it.
struct CrashLedger<File: Hashable> {
    /// What the service manager is to be told.
    struct Change: Equatable {
        /// For each of the port's descriptors the number of the one that the manager has.
        var sources: [Int] = []
        /// Which of the port's descriptors have to be stored for that, in order.
        var stored: Set<Int> = []
        /// The state that is to be stored after them.
        var state: StoredName?
        /// What is to be let go of after that.
        var removed: [StoredName] = []
    }

    private struct Entry {
        var state: Int
        var sources: [Int]
    }

    private struct Part {
        var file: File?
        /// How many descriptors of ports it stands for.
        var uses: Int
    }

    private let capacity: Int
    private var entries: [String: Entry] = [:]
    private var parts: [Int: Part] = [:]
    private var numbers: [File: Int] = [:]
    /// Numbers that parts have had and have no more.
    private var free: [Int] = []
    private var lastState = 0

    /// - Parameter capacity: how many descriptors the manager keeps.
    init(capacity: Int) { self.capacity = capacity }

    /// Everything that the manager has.
    var names: [StoredName] {
        parts.keys.sorted().map { .linkPart($0) }
            + entries.values.map(\.state).sorted().map { .linkState($0) }
    }

    /// Whether a port is in it.
    func contains(_ port: String) -> Bool { entries[port] != nil }

    /// Takes a port in, in the place of what was known of it.
    ///
    /// - Parameter files: of its descriptors; nil for one of which it cannot be told.
    /// - Returns: nil where there is no room for it; then all is as before.
    mutating func enter(_ port: String, _ files: [File?]) -> Change? {
        let new = Set(files.compactMap(\.self)).count { numbers[$0] == nil }
        let nameless = files.count { $0 == nil }
        // The state before it goes only after this one has come.
        guard parts.count + new + nameless + entries.count + 1 <= capacity else { return nil }
        var change = Change()
        for (index, file) in files.enumerated() {
            let known = file.flatMap { numbers[$0] }
            let number = known ?? free.popLast() ?? parts.count
            change.sources.append(number)
            if known == nil {
                change.stored.insert(index)
                parts[number] = Part(file: file, uses: 0)
                if let file { numbers[file] = number }
            }
            parts[number]?.uses += 1
        }
        lastState += 1
        change.state = .linkState(lastState)
        change.removed = strike(port).removed
        entries[port] = Entry(state: lastState, sources: change.sources)
        return change
    }

    /// Takes a port out.
    mutating func strike(_ port: String) -> Change {
        var change = Change()
        guard let entry = entries.removeValue(forKey: port) else { return change }
        change.removed.append(.linkState(entry.state))
        for number in entry.sources {
            parts[number]?.uses -= 1
            guard let part = parts[number], part.uses == 0 else { continue }
            parts[number] = nil
            if let file = part.file { numbers[file] = nil }
            // Told after it is let go of, so that it can be another's.
            free.append(number)
            change.removed.append(.linkPart(number))
        }
        return change
    }
}
