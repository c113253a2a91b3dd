/// How a queue's owner learns of frames; it can change at any time: `ReceiveQueue.setMode`.
public enum ReceiveMode: Hashable, Sendable {
    /// Its owner looks again and again; the peer raises no interrupt.
    case polling
    /// The peer raises an interrupt when frames come; its owner sleeps until then.
    case interrupt
    /// Its owner looks again and again for as long as given, then sleeps until the peer raises an
    /// interrupt. While frames come, the peer raises none.
    case adaptive(spinning: Duration)
}
