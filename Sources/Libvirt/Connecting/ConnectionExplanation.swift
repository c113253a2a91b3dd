internal import LibvirtRPC

/// How a connection is, or would be, made: each step, and what came of it.
public struct ConnectionExplanation: Hashable, Sendable, CustomStringConvertible {
    /// One thing to do.
    public struct Step: Hashable, Sendable, CustomStringConvertible {
        /// What is done: with which socket, host, program and files.
        public let action: String
        /// What came of it; nil where it was not tried.
        public let outcome: String?

        /// Action and outcome.
        public var description: String { action + (outcome.map { ": \($0)" } ?? "") }
    }

    /// The URI that is opened in the end.
    public let uri: LibvirtURI
    /// Where it comes from: as given, by an alias, or the default of what.
    public let origin: String
    /// The steps, in order.
    public private(set) var steps: [Step]

    init(_ target: ConnectionTarget, actions: [String]) {
        uri = target.uri
        origin = target.origin
        steps = actions.map { Step(action: $0, outcome: nil) }
    }

    /// Notes what came of the first step that has not been tried yet.
    mutating func note(_ outcome: String) {
        guard let index = steps.firstIndex(where: { $0.outcome == nil }) else { return }
        steps[index] = Step(action: steps[index].action, outcome: outcome)
    }

    /// A line for the URI, and one for each step.
    public var description: String {
        (["\(uri) (\(origin))"] + steps.enumerated().map { "\($0 + 1). \($1)" })
            .map(\.printable).joined(separator: "\n")
    }
}
