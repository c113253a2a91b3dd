public import LibvirtProtocol
public import XDR

/// Why nothing more passes on a stream.
public enum StreamEnd: Sendable {
    /// Both sides have ended it as one does.
    case finished
    /// This side has given it up, or the client of this side has.
    case aborted
    /// The peer says that it has failed.
    case failed(virNetMessageError)
    /// More data came than is kept for a reader that does not read; the stream was given up.
    case overflow(byteCount: Int)
    /// The peer sent what no stream may carry; the stream was given up.
    case malformed(XDRError)
    /// The link has ended.
    case connectionLost(LinkFailure)

    /// The error with which a call on the stream ends.
    func error(of procedure: String) -> RPCError {
        switch self {
        case .failed(let error): RPCError(.refused(error), procedure: procedure)
        case .connectionLost(let failure):
            RPCError(.connectionLost(failure, .mayHaveRun), procedure: procedure)
        case .finished, .aborted, .overflow, .malformed:
            RPCError(.streamEnded(self), procedure: procedure)
        }
    }
}

extension StreamEnd: CustomStringConvertible {
    /// Why, as the end of a sentence.
    public var description: String {
        switch self {
        case .finished: "the stream has ended"
        case .aborted: "the stream was given up"
        case .failed(let error): error.message?.text.printable ?? "error \(error.code)"
        case .overflow(let count):
            "the stream was given up because \(count) bytes waited to be read: read faster, or "
                + "give the stream a connection of its own"
        case .malformed(let error): "the peer sent what no stream may carry (\(error))"
        case .connectionLost(let failure): "\(failure)"
        }
    }
}
