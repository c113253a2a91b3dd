/// What is wrong with a server's words in a SASL exchange, or with what is to be said to it.
struct SASLFault: Error, Equatable {
    /// A clause without a subject of its own: "its nonce does not begin with ours". Never holds a
    /// password or anything made from one.
    let problem: String

    init(_ problem: String) { self.problem = problem }
}
