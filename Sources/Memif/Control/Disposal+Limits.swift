internal import LinuxIO

extension Disposal {
    /// What users may have left to be closed before they get another link: more than the largest link
    /// leaves, which is a mapping and a file for each of 256 regions, and 512 eventfds.
    static let mostPending = 1280

    /// Whether so much is left by several users that nobody is accepted any more. One of them, however
    /// much they leave, does not keep the others out.
    static var isFull: Bool { pendingInAll(most: mostPending) >= 4 * mostPending }

    /// Whether somebody gets no link now. Who that is cannot be known before they are accepted; so nobody may
    /// pass descriptors before, where the kernel can refuse them, and sending them away leaves nothing behind.
    static var refusesSomebody: Bool { largestPending > mostPending }

    /// Why the user gets no link now; nil when they do.
    ///
    /// A descriptor that its sender has made hard to close stays until it is, and so does all behind it.
    var problem: LinkEnd? {
        let pending = pending
        guard pending > Self.mostPending else { return nil }
        return .limit(
            "\(pending) descriptors and regions of \(self) are still being closed, try again later")
    }
}
