internal import LinuxIO

/// How many processes in a row have begun to go on with what the service manager has kept, and have ended
/// before everything stood again: what has ended those might end every one that follows.
///
/// A byte for each, in a file of the runtime directory.
struct AdoptionAttempts {
    private let path: String

    /// So many may fail.
    static let most = 3
    /// So many after a crash: that has happened with these links already.
    static let mostAfterCrash = 1

    init(_ layout: RuntimeLayout) { path = layout.adoptionAttempts }

    /// Notes another one.
    ///
    /// - Parameter limit: how many may have failed before it.
    /// - Returns: whether it is to be made.
    func begin(limit: Int = most) -> Bool {
        let before = (try? File.read(path, limit: 64)) ?? []
        guard before.count < limit else { return false }
        // Where it cannot be noted nothing is lost but the bound.
        try? File.replace(path, with: before + [UInt8(ascii: ".")])
        return true
    }

    /// One has come through.
    func end() { _ = try? File.remove(path) }
}
