import Testing

/// What users are given is tried here first.
@Suite("Uses")
struct UseTests {
    /// Rooms whose every function and value, as far as people wrote them, some test names. What
    /// generators wrote has tests that are generated with it.
    static let rooms = ["XDR", "Libvirt"]

    /// A function or value that users see, and where it stands.
    struct Offer {
        let name: Substring
        let place: String

        /// Those of a file.
        static func all(in file: TextFile) -> [Offer] {
            let words =
                #/^ *public (?:(?:static|mutating|consuming|borrowing|final) )*(?:func|var|let) `?(\w+)/#
            return file.code.compactMap { number, line in
                line.firstMatch(of: words).map {
                    Offer(name: $0.1, place: "\(file.path):\(number) \($0.1)")
                }
            }
        }
    }

    @Test("a test uses each function and value of a library", arguments: rooms)
    func offers(room: String) {
        let offers = Repository.handWritten.filter { $0.path.hasPrefix("Sources/\(room)/") }
            .flatMap(Offer.all)
        #expect(offers.count > 50)
        var used: Set<Substring> = []
        for file in Repository.swiftFiles where file.path.hasPrefix("Tests/") {
            for (_, line) in file.code {
                used.formUnion(line.split { !($0.isLetter || $0.isNumber || $0 == "_") })
            }
        }
        #expect(offers.filter { !used.contains($0.name) }.map(\.place) == [])
    }
}
