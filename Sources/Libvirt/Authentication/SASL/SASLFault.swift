/// What is wrong with a server's words in a SASL exchange, or with what is to be said to it.
struct SASLFault: Error, Equatable {
    /// A clause without a subject of its own: "its nonce does not begin with ours". Never holds a
    /// password or anything made from one.
    let problem: String
    /// The server's own word for why it ends the exchange, such as `invalid-proof`; that it may.
    let refusal: String?

    init(_ problem: String) {
        self.problem = problem
        refusal = nil
    }

    init(refusal: String) {
        problem = "it ended the exchange: \(refusal)"
        self.refusal = refusal
    }

    /// What that means for the login.
    var reason: AuthenticationError.Reason {
        refusal.map { .refusedInExchange($0) } ?? .untrustworthy(problem)
    }
}
