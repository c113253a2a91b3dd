#if CyrusSASL
    internal import LibvirtRPC

    /// SASL by Cyrus SASL: the mechanisms that are not spoken in Swift, and protection where the carrier
    /// has none.
    ///
    /// Source: `remote_driver.c`, remoteAuthSASL.
    extension Opening {
        private typealias Words = (message: [UInt8]?, isFinished: Bool)

        /// No mechanism takes more.
        private static let mostAnswers = 32
        /// How often one step may ask.
        private static let mostQuestions = 4

        func authenticateByCyrus(_ mechanisms: [String]) async throws(LibvirtError) {
            var session: CyrusSession
            do throws(SASLFault) {
                session = try CyrusSession(
                    host: uri.host ?? "localhost", isConfidential: uri.transport.isConfidential)
            } catch {
                throw failure(.init(.noMechanism(offered: mechanisms, problem: error.problem)))
            }
            let list = mechanisms.joined(separator: ",")
            var user: String?
            var words = try await settle(&session, &user) { session throws(SASLFault) in
                try session.start(list)
            } blaming: { mechanism, problem in
                // The daemon has not said a word yet.
                mechanism.isEmpty
                    ? .noMechanism(offered: mechanisms, problem: problem)
                    : .invalidCredentials(problem + Self.advice(mechanism))
            }
            let mechanism = session.mechanism
            var reply = try await perform(.start(words.message), mechanism, user: user)
            // Even where the server is satisfied, the client has to be, and says so itself.
            for _ in 0..<Self.mostAnswers {
                if reply.isComplete, words.isFinished, (reply.message ?? []).isEmpty { break }
                let message = reply.message
                words = try await settle(&session, &user) { session throws(SASLFault) in
                    try session.step(message)
                } blaming: { _, problem in
                    .untrustworthy(problem)
                }
                if reply.isComplete, words.isFinished { break }
                reply = try await perform(.step(words.message), mechanism, user: user)
                if reply.isComplete, words.isFinished { break }
            }
            guard reply.isComplete, words.isFinished else {
                let reason = AuthenticationError.Reason.untrustworthy("it never ends the exchange")
                throw failure(.init(reason, mechanism: mechanism, user: user))
            }
            try await protect(session, mechanism)
        }

        private static func advice(_ mechanism: String) -> String {
            mechanism.hasPrefix("GS") ? " (is there a ticket? kinit gets one)" : ""
        }

        private func protect(
            _ session: consuming sending CyrusSession, _ mechanism: String
        ) async throws(LibvirtError) {
            if session.strength == 0 { return }
            do throws(SecurityLayerError) {
                // A strength of one is integrity alone.
                let encrypts = session.strength > 1
                try await link.secure(with: CyrusLayer(session), encrypts: encrypts)
            } catch {
                throw failure(.init(.untrustworthy("\(error)"), mechanism: mechanism))
            }
        }

        /// Does a step, with credentials where it wants some.
        ///
        /// - Parameter reason: what it means that the library cannot do it.
        private func settle(
            _ session: inout CyrusSession, _ user: inout String?,
            _ step: (inout CyrusSession) throws(SASLFault) -> CyrusSession.Progress,
            blaming reason: (_ mechanism: String, _ problem: String) -> AuthenticationError.Reason
        ) async throws(LibvirtError) -> Words {
            for _ in 0..<Self.mostQuestions {
                let progress: CyrusSession.Progress
                do throws(SASLFault) {
                    progress = try step(&session)
                } catch {
                    let name = session.mechanism
                    throw failure(
                        .init(
                            reason(name, error.problem), mechanism: name.isEmpty ? nil : name,
                            user: user))
                }
                switch progress {
                case .words(let message, let isFinished): return (message, isFinished)
                case .wanted(let items):
                    let credentials = try await credentials(
                        for: session.mechanism.isEmpty ? "SASL" : session.mechanism, wanting: items)
                    user = credentials.name
                    session.answer(credentials)
                }
            }
            let reason = AuthenticationError.Reason.invalidCredentials(
                "Cyrus SASL goes on asking for what it has been told")
            throw failure(.init(reason, mechanism: session.mechanism, user: user))
        }
    }
#endif
