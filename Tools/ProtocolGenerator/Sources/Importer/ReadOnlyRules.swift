/// Which calls a read-only connection may make, as libvirt's own code decides.
///
/// A public function that refuses read-only connections says so by `virCheckReadOnlyGoto` among its
/// first statements; where the call stands under a condition, only some flags are refused. The
/// daemon runs the same functions. For procedures without a function the rights decide: those
/// that libvirt grants to everybody (`@anonymous: 1` in its list of permissions) read only.
struct ReadOnlyRules {
    private var refusing: Set<String> = []
    private var functions: Set<String> = []
    private var anonymous: Set<String> = []

    /// - Parameters:
    ///   - sources: the texts of `src/libvirt*.c`.
    ///   - permissions: the text of `src/access/viraccessperm.h`.
    init(sources: [String], permissions: String) {
        for source in sources { scan(source) }
        var isAnonymous = false
        for line in permissions.split(whereSeparator: \.isNewline) {
            if line.contains("@desc:") { isAnonymous = false }
            if line.contains("@anonymous: 1") { isAnonymous = true }
            let prefix = "    VIR_ACCESS_PERM_"
            if isAnonymous, line.hasPrefix(prefix) {
                let name = line.dropFirst(prefix.count).prefix { $0.isLetter || $0 == "_" }
                anonymous.insert(name.lowercased())
            }
        }
    }

    private mutating func scan(_ source: String) {
        var function: String?
        for line in source.split(whereSeparator: \.isNewline) {
            if let first = line.first, first.isLetter, let paren = line.firstIndex(of: "(") {
                let word = line[..<paren].split { !($0.isLetter || $0.isNumber || $0 == "_") }.last
                if let word, word.hasPrefix("vir") {
                    function = String(word)
                    functions.insert(String(word))
                }
            }
            // Four blanks: a statement of the function itself, under no condition.
            if line.hasPrefix("    virCheckReadOnlyGoto("), let function {
                refusing.insert(function)
            }
        }
    }

    /// Nil when neither a function nor rights tell.
    func isReadOnly(function: String?, acl: [String]?) -> Bool? {
        if let function, functions.contains(function) { return !refusing.contains(function) }
        guard let acl else { return nil }
        // A rule with a flag or a value (a second colon) holds for some calls only.
        return acl.filter { $0.split(separator: ":").count == 2 }.allSatisfy {
            anonymous.contains($0.replacing(":", with: "_"))
        }
    }
}
