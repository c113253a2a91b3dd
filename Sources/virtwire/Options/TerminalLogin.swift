internal import Foundation
internal import Libvirt
internal import LinuxIO
internal import Synchronization

/// Asks the person at the terminal for credentials that no file has.
enum TerminalLogin {
    /// Asks where there is somebody to ask; a script is told what it lacks instead.
    static var options: AuthenticationOptions {
        AuthenticationOptions(credentials: Terminal.hasPerson ? ask : nil)
    }

    private static func ask(_ request: CredentialRequest) async throws -> Credentials? {
        var credentials = Credentials()
        for item in request.wanted {
            let user = (credentials.name ?? request.known.name).map { "\($0) at " } ?? ""
            let answer =
                switch item {
                case .name: try await ask("User of libvirt at \(request.host): ", isSecret: false)
                case .password:
                    try await ask("Password of \(user)\(request.host): ", isSecret: true)
                }
            guard let answer else { return nil }
            switch item {
            case .name: credentials.name = answer
            case .password: credentials.password = answer
            }
        }
        return credentials
    }

    private static func ask(_ question: String, isSecret: Bool) async throws -> String? {
        let flag = Flag()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                DispatchQueue.global().async {
                    continuation.resume(
                        with: Result {
                            try Terminal.ask(question, isSecret: isSecret) { !flag.isSet }
                        })
                }
            }
        } onCancel: {
            flag.set()
        }
    }

    private final class Flag: Sendable {
        private let value = Atomic(false)

        var isSet: Bool { value.load(ordering: .acquiring) }

        func set() { value.store(true, ordering: .releasing) }
    }
}
