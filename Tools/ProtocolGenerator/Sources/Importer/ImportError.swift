/// What went wrong with an import, in one sentence.
struct ImportError: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }
}
