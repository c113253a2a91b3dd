public import LinuxIO

/// Why a link ends, as a DISCONNECT tells the peer: a number and a sentence.
///
/// memif defines no numbers: DPDK and gomemif send 0, C libmemif its error codes, VPP its own. Ours
/// are those of `Code`; a peer's number means what that peer's documentation says.
public struct DisconnectReason: Hashable, Sendable, CustomStringConvertible {
    /// The numbers that we send. More may be added.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The number on the wire.
        public let rawValue: UInt32
        /// Makes a code of any number.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Nothing more is said.
        public static let unspecified = Code(rawValue: 0)
        /// Somebody asked for it.
        public static let administrative = Code(rawValue: 1)
        /// The interface or its socket is being removed.
        public static let removed = Code(rawValue: 2)
        /// The master has no interface of this id.
        public static let unknownInterface = Code(rawValue: 3)
        /// The secret is not the interface's.
        public static let wrongSecret = Code(rawValue: 4)
        /// The two ends name different modes.
        public static let modeMismatch = Code(rawValue: 5)
        /// The interface has a peer already.
        public static let alreadyConnected = Code(rawValue: 6)
        /// The two ends share no version.
        public static let unsupportedVersion = Code(rawValue: 7)
        /// The peer did what the protocol does not allow.
        public static let protocolViolation = Code(rawValue: 8)
        /// The peer asks for more than is configured: rings, regions, bytes.
        public static let limitExceeded = Code(rawValue: 9)
        /// The peer was silent for too long in the handshake.
        public static let timedOut = Code(rawValue: 10)
        /// A region's file is not sealed, too small, or cannot be mapped.
        public static let regionRefused = Code(rawValue: 11)
        /// The peer's credentials are not admitted.
        public static let notPermitted = Code(rawValue: 12)
        /// Our own system refused memory, descriptors or a call.
        public static let systemFailure = Code(rawValue: 13)
    }

    /// The number.
    public let code: Code
    /// The sentence, at most 95 bytes on the wire; longer text is cut there.
    public let text: String

    /// Makes a reason.
    public init(_ code: Code, _ text: String) {
        self.code = code
        self.text = text
    }

    /// The text, with the number where it says anything.
    public var description: String {
        if text.isEmpty { return "code \(code.rawValue)" }
        return code == .unspecified ? text : "\(text) (code \(code.rawValue))"
    }
}

/// How a link, or an attempt at one, came to its end.
///
/// It is also the error that the bursts of a dead link's queues throw.
public struct LinkEnd: Error, Hashable, Sendable, CustomStringConvertible {
    /// Who ended it.
    public enum Cause: Hashable, Sendable {
        /// The peer sent DISCONNECT.
        case peer
        /// The peer's socket closed without a word: it went away or was killed.
        case peerVanished
        /// We did, on request.
        case local
        /// We did: the peer broke the protocol, or asked for what is refused.
        case refused
        /// We did: the peer was too slow in the handshake.
        case timedOut
        /// The system failed a call: nobody listens, no permission, no memory.
        case system
    }

    /// Who ended it.
    public let cause: Cause
    /// The reason that was sent or received.
    public let reason: DisconnectReason
    /// The call that failed, for `.system` where there was one.
    public let systemError: SystemError?

    /// Makes an end.
    public init(_ cause: Cause, _ reason: DisconnectReason) {
        self.cause = cause
        self.reason = reason
        systemError = nil
    }

    /// The end that a failed call brought.
    init(_ error: SystemError) {
        cause = .system
        reason = DisconnectReason(.systemFailure, error.description)
        systemError = error
    }

    /// One sentence.
    public var description: String {
        switch cause {
        case .peer: "the peer disconnected: \(reason)"
        case .peerVanished: "the peer closed the connection without a reason"
        case .local: "disconnected: \(reason)"
        case .refused: "refused the peer: \(reason)"
        case .timedOut: "gave up on the peer: \(reason)"
        case .system: "\(reason.text)"
        }
    }

    static func violation(_ text: String) -> LinkEnd {
        LinkEnd(.refused, DisconnectReason(.protocolViolation, text))
    }

    static let vanished = LinkEnd(.peerVanished, DisconnectReason(.unspecified, ""))

    /// The reason to tell the peer, unless it was the peer that ended the link.
    var reasonForPeer: DisconnectReason? {
        switch cause {
        case .peer, .peerVanished: nil
        case .local, .refused, .timedOut, .system: reason
        }
    }
}
