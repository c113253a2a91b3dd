public import Memif

/// What the victim of an attack over the control channel does in the end.
public enum HandshakeAnswer: Hashable, Sendable {
    /// It ends the connection with this code.
    case refusal(DisconnectReason.Code)
    /// There is a link all the same.
    case link
    /// It has nobody to tell: the attacker has gone.
    case nobody
}
