/// A pattern for whole names, as a shell has them: `*` is any text, `?` any one character.
public struct NamePattern: Sendable, Hashable, CustomStringConvertible {
    /// As it is written.
    public let description: String

    /// Takes a pattern; any text is one.
    public init(_ text: String) { description = text }

    /// Whether all of a name is like this.
    public func matches(_ name: String) -> Bool {
        let pattern = Array(description)
        let name = Array(name)
        var (at, place) = (0, 0)
        // Where to go on when what follows the last star does not fit: the star takes one more.
        var star: (after: Int, takesFrom: Int)?
        while place < name.count {
            if at < pattern.count, pattern[at] == "*" {
                at += 1
                star = (at, place)
            } else if at < pattern.count, pattern[at] == "?" || pattern[at] == name[place] {
                at += 1
                place += 1
            } else if let last = star {
                star = (last.after, last.takesFrom + 1)
                (at, place) = (last.after, last.takesFrom + 1)
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == "*" }
    }
}
