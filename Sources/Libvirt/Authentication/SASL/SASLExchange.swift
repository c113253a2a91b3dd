/// A SASL exchange as libvirt carries it: who speaks next, and when it is over. Without I/O.
///
/// The server says with each answer whether it is satisfied. The client believes it only when it is
/// satisfied too: a server that admits a client before it has proved to know the password is a fraud.
///
/// Source: `remote_driver.c`, remoteAuthSASL; RFC 4422 section 3.
struct SASLExchange: ~Copyable {
    /// What to do next.
    enum Action: Equatable {
        /// Send these words with `AUTH_SASL_START`; nil is something else than empty words.
        case start([UInt8]?)
        /// Send these words with `AUTH_SASL_STEP`.
        case step([UInt8]?)
        /// Both sides are satisfied.
        case finished
    }

    private var client: SASLClient
    private var answers = 0
    private var hasWaited = false

    /// No mechanism takes more; SCRAM takes three.
    private static let mostAnswers = 32

    init(_ client: consuming SASLClient) { self.client = client }

    /// Begins.
    mutating func start() -> Action { .start(client.start()) }

    /// Takes what the server answered to the last action.
    ///
    /// - Parameters:
    ///   - message: nil where the server said that it has nothing to say.
    ///   - isComplete: whether the server is satisfied.
    mutating func receive(
        _ message: [UInt8]?, isComplete: Bool
    ) throws(SASLFault) -> Action {
        answers += 1
        guard answers <= Self.mostAnswers else { throw SASLFault("it never ends the exchange") }
        if client.isFinished {
            guard (message ?? []).isEmpty else {
                throw SASLFault("it goes on after the exchange has ended")
            }
            if isComplete { return .finished }
            // One turn more is left to a server that could not say two things at once.
            guard !hasWaited else { throw SASLFault("it never ends the exchange") }
            hasWaited = true
            return .step(nil)
        }
        let answer = try client.receive(message ?? [])
        guard isComplete else {
            hasWaited = client.isFinished
            return .step(answer)
        }
        guard client.isFinished, answer == nil else {
            throw SASLFault("it claims to be satisfied before it has proved who it is")
        }
        return .finished
    }
}
