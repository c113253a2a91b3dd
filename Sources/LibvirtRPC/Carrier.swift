/// What carries a link's frames: a socket, or something that acts like one.
///
/// A carrier writes whole frames in the order in which they were handed to it, from any thread, and
/// never lets the caller wait. It reports what arrives on one thread at a time.
public protocol Carrier: AnyObject, Sendable {
    /// Begins to deliver what arrives. Called once.
    func start(_ receiver: any CarrierReceiver)

    /// Takes a frame to write; false when the carrier has ended, and then no byte of it was taken.
    func send(_ frame: OutgoingFrame) -> Bool

    /// Bytes taken that have not been written yet.
    var queuedByteCount: Int { get }

    /// Stops to read what arrives, or reads again: the peer's writes then wait. What has been read
    /// already is still delivered; the peer's end may be noticed only when reading again.
    func setReading(_ isReading: Bool)

    /// Protects everything from here on, both ways; see `SecurityLayer`.
    func secure(with layer: any SecurityLayer) async throws(SecurityLayerError)

    /// Ends the carrier; does nothing the second time.
    func close(_ reason: LinkFailure.Reason)
}

/// Who gets what a carrier brings.
public protocol CarrierReceiver: AnyObject, Sendable {
    /// A whole frame has arrived. The carrier waits until this returns, so it must not block.
    func received(_ frame: Frame)

    /// Less than `CarrierLimits.lowMark` waits to be written, after more did.
    func drained()

    /// The carrier has ended. Called once.
    ///
    /// - Parameter unsentCalls: serials of calls whose frames were not written whole.
    func ended(_ reason: LinkFailure.Reason, unsentCalls: [UInt32])

    /// The carrier has let go of its descriptors. Called once, after `ended`.
    func released()
}

/// The numbers that a carrier and those who send on it agree on.
public enum CarrierLimits {
    /// When this few bytes wait to be written, who waits for room is told.
    public static let lowMark = 524_288
}
