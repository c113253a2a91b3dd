/// Something that is to have a line, where lines can be missing.
protocol CountedLine {
    /// How many there were before it that have no line; nil where all have one.
    var unwritten: Int? { get set }
}

/// Lines that are yet to be written, the oldest first. Where the disk is too slow for what comes, the new
/// ones are dropped, and the next that finds room says how many.
struct LineBacklog<Line: CountedLine> {
    /// So many wait at most.
    static var most: Int { 1024 }

    private var lines: [Line] = []
    private var dropped = 0
    /// Whether something waits, or is on its way to the disk.
    private(set) var isBeingWritten = false

    /// Puts one at the end.
    ///
    /// - Returns: whether nobody writes, so that whoever has called has to see to that.
    mutating func add(_ line: Line) -> Bool {
        guard lines.count < Self.most else {
            dropped += 1 + (line.unwritten ?? 0)
            return false
        }
        var line = line
        line.unwritten = dropped + (line.unwritten ?? 0)
        dropped = 0
        lines.append(line)
        defer { isBeingWritten = true }
        return !isBeingWritten
    }

    /// Takes the oldest; where there is none, whoever writes has ended with that.
    mutating func next() -> Line? {
        isBeingWritten = !lines.isEmpty
        return isBeingWritten ? lines.removeFirst() : nil
    }
}
