/// Settings that the daemon cannot use: where, what, and what to do, in one sentence.
struct SettingsError: Error, Hashable, CustomStringConvertible {
    let description: String

    /// - Parameter place: the file, variable or flag, and the key.
    init(_ place: String, _ problem: String, remedy: String) {
        description = "\(place) \(problem); \(remedy)"
    }
}
