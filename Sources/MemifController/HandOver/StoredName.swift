/// What a service manager keeps for virtwired, by the names that it has there: it gives everything back in any
/// order.
///
/// All of them together go through one variable of the next process's environment, LISTEN_FDNAMES, which holds
/// no more than 128 KiB: so they are short.
enum StoredName: Hashable {
    /// The state that a process has left at its end.
    case state
    /// One of the descriptors that belong to it.
    case part(Int)
    /// The state of one port that has a link, for the case of a crash; of two for one port the later one
    /// holds.
    case linkState(Int)
    /// One of the descriptors that belong to such states.
    case linkPart(Int)
    /// What another version has stored.
    case other(String)

    private static let prefix = "virtwired-"

    /// - Returns: nil for what is not virtwired's.
    init?(_ text: String) {
        guard text.hasPrefix(Self.prefix) else { return nil }
        let rest = text.dropFirst(Self.prefix.count)
        if rest == "state" {
            self = .state
        } else if let number = Self.number(rest) {
            self = .part(number)
        } else if rest.first == "s", let number = Self.number(rest.dropFirst()) {
            self = .linkState(number)
        } else if rest.first == "l", let number = Self.number(rest.dropFirst()) {
            self = .linkPart(number)
        } else {
            self = .other(text)
        }
    }

    private static func number(_ text: Substring) -> Int? {
        guard let first = text.first, first.isNumber else { return nil }
        return Int(text)
    }

    /// As the service manager has it.
    var text: String {
        switch self {
        case .state: "\(Self.prefix)state"
        case .part(let number): "\(Self.prefix)\(number)"
        case .linkState(let number): "\(Self.prefix)s\(number)"
        case .linkPart(let number): "\(Self.prefix)l\(number)"
        case .other(let text): text
        }
    }

    /// Whether it is that of a port's state for the case of a crash.
    var isLinkState: Bool { if case .linkState = self { true } else { false } }

    /// Whether it is for the case of a crash.
    var isOfLink: Bool {
        switch self {
        case .linkState, .linkPart: true
        case .state, .part, .other: false
        }
    }
}
