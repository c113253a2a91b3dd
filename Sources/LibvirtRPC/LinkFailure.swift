public import LinuxIO

/// Why a link has ended.
public struct LinkFailure: Error, Hashable, Sendable {
    /// What happened.
    public enum Reason: Hashable, Sendable {
        /// This side closed it.
        case closed
        /// The peer closed it, between two frames.
        case endOfStream
        /// The program that carried the link, such as ssh, has ended it, with these last words.
        case programEnded(String)
        /// The peer itself says that nothing more will come of it: so.
        case reported(String)
        /// The system reports an error, such as a reset.
        case system(SystemError)
        /// The peer sent what cannot be a frame, or ended within one.
        case malformed(FrameError)
        /// The security layer rejects what came, or cannot protect what is to go.
        case protection(SecurityLayerError)
        /// The peer answered no keepalive ping for this long.
        case keepalive(silence: Duration)
        /// The peer does not read: more is queued for it than allowed.
        case backlog(byteCount: Int)
    }

    /// What happened.
    public let reason: Reason
    /// The last call that was sent, where the peer is the one that ended the link: a libvirt
    /// server that dislikes a frame closes without a word.
    public let lastCall: String?

    /// Makes a failure of its parts.
    public init(_ reason: Reason, lastCall: String? = nil) {
        self.reason = reason
        self.lastCall = lastCall
    }
}

extension LinkFailure: CustomStringConvertible {
    /// Why the link has ended, in one sentence without its full stop.
    public var description: String {
        switch reason {
        case .closed: "the connection was closed on this side"
        case .endOfStream: "the server closed the connection" + after
        case .programEnded(let words): "the connection was closed by \(words.printable)" + after
        case .reported(let words): "the server says that \(words)"
        case .system(let error): "the connection broke: \(error)" + after
        case .malformed(let error): error.description + after
        case .protection(let error): "the protection of the connection failed: \(error)" + after
        case .keepalive(let silence):
            "the peer has been silent for \(silence) and answered no keepalive ping"
        case .backlog(let count):
            "the peer does not read what is sent: \(count) bytes are waiting for it"
        }
    }

    private var after: String { lastCall.map { " (last sent: \($0))" } ?? "" }
}
