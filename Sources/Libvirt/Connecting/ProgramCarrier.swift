internal import LibvirtRPC
internal import LinuxIO
internal import Synchronization

/// Carries frames over a program that somebody else has written: ssh, or one of the user's own.
///
/// No descriptors can be passed this way, although what lies between us and the program is a UNIX socket.
final class ProgramCarrier: Carrier {
    /// What is told when the program is at fault: its name, and the host where there is one.
    let title: String
    private let program: SpawnedProgram
    private let carrier: UnixCarrier
    /// What the program said before it had led to a daemon: a banner, a warning. No later end is its fault.
    private let greetingByteCount = Atomic(0)

    /// Starts a program.
    ///
    /// - Throws: `SystemError` when it cannot be started.
    init(_ arguments: [String], title: String, loop: EventLoop) throws(SystemError) {
        self.title = title
        program = try SpawnedProgram(arguments, loop: loop)
        guard let socket = program.takeSocket() else {
            throw SystemError(code: 0, operation: "speak to", subject: title)
        }
        carrier = UnixCarrier(socket, loop: loop)
    }

    func start(_ receiver: any CarrierReceiver) {
        carrier.start(Relay(receiver: receiver, carrier: self))
    }

    func send(_ frame: OutgoingFrame) -> Bool { carrier.send(frame) }

    var queuedByteCount: Int { carrier.queuedByteCount }

    func setReading(_ isReading: Bool) { carrier.setReading(isReading) }

    func secure(with layer: any SecurityLayer) async throws(SecurityLayerError) {
        try await carrier.secure(with: layer)
    }

    func close(_ reason: LinkFailure.Reason) { carrier.close(reason) }

    /// It has led to a daemon.
    func hasOpened() {
        greetingByteCount.store(program.errorByteCount, ordering: .relaxed)
    }

    /// What went wrong with the first words over a program that may be the one at fault.
    ///
    /// Called once the program has ended.
    func explain(_ error: LibvirtError) -> LibvirtError {
        guard case .call(let call) = error.kind else { return error }
        switch call.kind {
        case .connectionLost:
            return unreachable(problem, isRefusal: advice(complaint) != nil, error.uri)
        // It did not end by itself, so how it ended says nothing.
        case .deadlineExceeded:
            let words = complaint
            return unreachable(
                "no answer came in time while waiting for \(call.procedure)"
                    + (words.isEmpty ? "" : "; its last words: \(words)" + (advice(words) ?? "")),
                isRefusal: false, error.uri)
        default: return error
        }
    }

    private func unreachable(
        _ problem: String, isRefusal: Bool, _ uri: String
    ) -> LibvirtError {
        LibvirtError(
            .unreachable([
                ConnectionAttempt(address: title, problem: problem, isRefusal: isRefusal)
            ]), uri: uri)
    }

    /// How the program went wrong, in its own words where it had some; once it has ended.
    var problem: String {
        let complaint = complaint
        return (complaint.isEmpty ? ending : complaint) + (advice(complaint) ?? "")
    }

    private var complaint: String {
        program.errorOutput(after: greetingByteCount.load(ordering: .relaxed))
            .split(whereSeparator: \.isNewline)
            .map { $0.trimming(while: \.isWhitespace) }.filter { !$0.isEmpty }
            .suffix(Self.mostLines).joined(separator: "; ")
    }

    /// The lines of a complaint that are worth a place in an error.
    private static let mostLines = 6

    private var ending: String {
        guard let status = program.status else { return "it gave no answer" }
        // wait(2): the low seven bits are the signal's, the next eight the exit status.
        let signal = status & 0x7f
        return signal == 0
            ? "it ended with status \(status >> 8 & 0xff) and said nothing"
            : "it was ended by signal \(signal)"
    }

    /// What to do about an ssh that is not let in; nil for everything else, which may pass.
    private func advice(_ words: String) -> String? {
        if words.contains("Host key verification failed") {
            return " (log in once by hand to accept the host's key, or name it with known_hosts=)"
        }
        if words.contains("Permission denied (") {
            return " (check the user, the agent and keyfile=)"
        }
        return nil
    }

    /// What the end of the connection is put down to: the program, where it has said something.
    private func cause(_ reason: LinkFailure.Reason) -> LinkFailure.Reason {
        switch reason {
        case .endOfStream, .system:
            let words = complaint
            return words.isEmpty ? reason : .programEnded("\(title): \(words)")
        default: return reason
        }
    }

    /// Passes on the program's last words, and says that all is released when it has gone as well.
    private final class Relay: CarrierReceiver {
        private let receiver: any CarrierReceiver
        private let carrier: ProgramCarrier

        init(receiver: any CarrierReceiver, carrier: ProgramCarrier) {
            self.receiver = receiver
            self.carrier = carrier
        }

        func received(_ frame: Frame) { receiver.received(frame) }

        func drained() { receiver.drained() }

        func ended(_ reason: LinkFailure.Reason, unsentCalls: [UInt32]) {
            receiver.ended(carrier.cause(reason), unsentCalls: unsentCalls)
        }

        func released() {
            let receiver = receiver
            carrier.program.end { receiver.released() }
        }
    }
}

extension Substring {
    fileprivate func trimming(while isMeant: (Character) -> Bool) -> Substring {
        var rest = self[...]
        while let last = rest.last, isMeant(last) { rest.removeLast() }
        return rest.drop(while: isMeant)
    }
}
