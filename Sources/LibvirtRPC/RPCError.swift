public import LibvirtProtocol
public import XDR

/// Whether a call that ended without a reply may have been carried out.
public enum CallDelivery: Hashable, Sendable {
    /// The peer did not get the call whole: it has not run and never will.
    case notSent
    /// The peer may have got the call: whether it ran, or still runs, is unknown.
    case mayHaveRun
    /// It does not matter: nothing was asked of the peer, or nothing of it stays.
    case irrelevant
}

/// A call that did not give its result.
public struct RPCError: Error, Sendable {
    /// What happened.
    public indirect enum Kind: Sendable {
        /// The peer answered with an error.
        case refused(virNetMessageError)
        /// The caller's task was cancelled.
        case cancelled(CallDelivery)
        /// The deadline passed.
        case deadlineExceeded(CallDelivery)
        /// The link ended, or had ended before.
        case connectionLost(LinkFailure, CallDelivery)
        /// The arguments exceed a limit of the procedure; nothing was sent.
        case invalidArguments(XDRError)
        /// The frame would be longer than allowed; nothing was sent.
        case tooLong(byteCount: Int)
        /// Nothing more passes on the stream.
        case streamEnded(StreamEnd)
        /// The peer's reply is not what the procedure returns.
        case invalidReply(XDRError)
    }

    /// What happened.
    public let kind: Kind
    /// The procedure's name.
    public let procedure: String

    /// Makes an error of its parts.
    public init(_ kind: Kind, procedure: String) {
        self.kind = kind
        self.procedure = procedure
    }

    /// Whether the call may have been carried out although it gave no result.
    public var mayHaveRun: Bool {
        switch kind {
        case .cancelled(let delivery), .deadlineExceeded(let delivery),
            .connectionLost(_, let delivery):
            delivery == .mayHaveRun
        case .invalidReply, .streamEnded: true
        case .refused, .invalidArguments, .tooLong: false
        }
    }
}

extension RPCError: CustomStringConvertible {
    /// One sentence: what happened to which call, and whether it may have run. Safe to print.
    public var description: String {
        switch kind {
        case .refused(let error):
            "\(procedure): "
                + (error.message?.text.printable ?? "error \(error.code) without a message")
        case .cancelled(let delivery):
            "\(procedure) was cancelled\(delivery.clause)"
        case .deadlineExceeded(let delivery):
            "\(procedure) did not end in time\(delivery.clause)"
                + (delivery == .notSent ? CallDelivery.tooLate : "")
        case .connectionLost(let failure, let delivery):
            "\(procedure) failed: \(failure)\(delivery.clause)"
        case .invalidArguments(let error):
            "\(procedure) was not sent: its arguments are beyond a limit (\(error))"
        case .tooLong(let count):
            "\(procedure) was not sent: the message would have \(count) bytes, at most "
                + "\(FrameLimits.longest) are allowed"
        case .streamEnded(let end): "\(procedure): \(end)"
        case .invalidReply(let error):
            "\(procedure) was answered with something that is no result of it (\(error))"
        }
    }
}

extension CallDelivery {
    fileprivate var clause: String {
        switch self {
        case .notSent: "; the call was not sent"
        case .mayHaveRun: "; the call was sent and may have been carried out"
        case .irrelevant: ""
        }
    }

    /// Why a call that was too late was not even sent.
    fileprivate static var tooLate: String {
        ": its time was over before, or earlier calls over this connection are still unanswered"
    }
}
