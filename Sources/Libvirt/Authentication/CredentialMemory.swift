internal import Synchronization

/// What was answered for a connection, so that nobody is asked again for those opened beside it or after
/// it. Kept in memory alone, and only while it is right.
final class CredentialMemory: Sendable {
    private let answers = Mutex<[CredentialRequest: Credentials]>([:])

    func answer(to request: CredentialRequest) -> Credentials? {
        answers.withLock { $0[request] }
    }

    func keep(_ credentials: Credentials, for request: CredentialRequest) {
        answers.withLock { $0[request] = credentials }
    }

    /// Forgets all: a login has failed.
    func forget() { answers.withLock { $0 = [:] } }
}
