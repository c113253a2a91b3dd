import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import Synchronization
import XDR

@testable import Libvirt

/// The server's side of SASL for the fake daemon: one user, and whatever fraud a test wants.
final class FakeSASL: Sendable {
    /// What a step is answered with.
    struct Answer {
        var message: [UInt8]?
        var isComplete: Bool
    }

    /// Sees the client's words, as text, and what an honest server would answer.
    typealias Twist = @Sendable (_ step: Int, _ words: String, _ honest: Answer) -> Answer

    private struct State {
        var mechanism = ""
        var bare = ""
        var first = ""
        var signature = ""
        var steps = 0
    }

    let user: String
    let password: String
    private let twist: Twist
    private let state = Mutex(State())

    /// Has the daemon demand SASL from now on.
    init(
        _ daemon: FakeLibvirtd, mechanisms: String, user: String = "fred",
        password: String = "secret", twist: @escaping Twist = { $2 }
    ) {
        self.user = user
        self.password = password
        self.twist = twist
        daemon.serve(Remote.AUTH_LIST) { _ in .init(types: [.REMOTE_AUTH_SASL]) }
        daemon.serve(Remote.AUTH_SASL_INIT) { _ in .init(mechlist: XDRString(mechanisms)) }
        daemon.serve(Remote.AUTH_SASL_START) { (arguments) async throws(CallRefusal) in
            self.state.withLock {
                $0 = State()
                $0.mechanism = arguments.mech.text
            }
            let answer = try self.answer(arguments.data)
            return .init(
                complete: answer.isComplete ? 1 : 0, nil: answer.message == nil ? 1 : 0,
                data: answer.message ?? [])
        }
        daemon.serve(Remote.AUTH_SASL_STEP) { (arguments) async throws(CallRefusal) in
            let answer = try self.answer(arguments.data)
            return .init(
                complete: answer.isComplete ? 1 : 0, nil: answer.message == nil ? 1 : 0,
                data: answer.message ?? [])
        }
    }

    /// The mechanism that the client has chosen.
    var mechanism: String { state.withLock(\.mechanism) }

    private func answer(_ data: [UInt8]) throws(CallRefusal) -> Answer {
        let words = String(decoding: data, as: UTF8.self)
        let (honest, step) = state.withLock { state -> (Answer?, Int) in
            let step = state.steps
            let answer = self.honest(&state, words)
            state.steps += 1
            return (answer, step)
        }
        guard let honest else { throw CallRefusal(.authFailed, "authentication failed") }
        return twist(step, words, honest)
    }

    private func honest(_ state: inout State, _ words: String) -> Answer? {
        switch state.mechanism {
        case "PLAIN":
            words == "\0\(user)\0\(password)" ? Answer(message: nil, isComplete: true) : nil
        case "EXTERNAL": Answer(message: nil, isComplete: true)
        case "SCRAM-SHA-1": scram(.sha1, &state, words)
        case "SCRAM-SHA-256": scram(.sha256, &state, words)
        case "SCRAM-SHA-512": scram(.sha512, &state, words)
        default: nil
        }
    }

    private func scram(_ hash: ScramHash, _ state: inout State, _ words: String) -> Answer? {
        switch state.steps {
        case 0:
            state.bare = String(words.dropFirst(3))
            guard state.bare.hasPrefix("n=\(user),r=") else { return nil }
            let nonce = state.bare.dropFirst("n=\(user),r=".count)
            state.first = "r=\(nonce)server,s=QUJDREVGR0g=,i=4096"
            return Answer(message: Array(state.first.utf8), isComplete: false)
        case 1:
            let parts = words.split(separator: ",p=", maxSplits: 1)
            let keys = hash.keys(
                password: Array(password.utf8), salt: Array("ABCDEFGH".utf8), iterations: 4096,
                authMessage: Array("\(state.bare),\(state.first),\(parts[0])".utf8))
            guard parts.count == 2, Base64.decode(parts[1].utf8) == keys.proof else { return nil }
            return Answer(
                message: Array("v=".utf8) + Base64.encode(keys.serverSignature), isComplete: true)
        default: return Answer(message: nil, isComplete: true)
        }
    }
}
