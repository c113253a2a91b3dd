/// Bytes from the peer that cannot be a frame, and where in the stream they stand.
///
/// There is no way to find the next frame after one, so the link ends.
public struct FrameError: Error, Hashable, Sendable {
    /// What is wrong.
    public enum Problem: Hashable, Sendable {
        /// The length word is outside what is allowed.
        case length(UInt32, allowed: ClosedRange<Int>)
        /// The bytes are another protocol's.
        case foreignPeer(ForeignPeer)
        /// The header names a type of message that does not exist.
        case unknownType(Int32)
        /// The header's parts do not go together, such as a reply that says "continue".
        case header(String)
        /// More descriptors announced than can go with one frame.
        case descriptorCount(UInt32)
        /// A descriptor was announced and its dummy byte came without it.
        case missingDescriptor
        /// A descriptor came, and this process could not take it, as it has too many open.
        case lostDescriptor
        /// A descriptor came that no frame announced.
        case unannouncedDescriptor
        /// The stream ended in the middle of a frame.
        case truncated(received: Int, expected: Int?)
    }

    /// What is wrong.
    public let problem: Problem
    /// The first byte of the offending frame, counted from the connection's start.
    public let streamOffset: UInt64

    init(_ problem: Problem, at streamOffset: UInt64) {
        self.problem = problem
        self.streamOffset = streamOffset
    }
}

extension FrameError: CustomStringConvertible {
    /// One sentence: what came, and where.
    public var description: String {
        let place = "at byte \(streamOffset) of the stream"
        switch problem {
        case .length(let length, let allowed):
            return "malformed frame \(place): its length is \(length), allowed are "
                + "\(allowed.lowerBound) to \(allowed.upperBound) bytes"
        case .foreignPeer(let peer):
            return streamOffset == 0 ? peer.description : "\(peer) (\(place))"
        case .unknownType(let type):
            return "malformed frame \(place): there is no message type \(type)"
        case .header(let problem):
            return "malformed frame \(place): \(problem)"
        case .descriptorCount(let count):
            return "malformed frame \(place): it announces \(count) descriptors, at most "
                + "\(FrameLimits.mostDescriptors) are allowed"
        case .missingDescriptor:
            return "malformed frame \(place): a descriptor that it announces did not come"
        case .lostDescriptor:
            return "a descriptor that came with the frame \(place) is lost, because this process "
                + "has too many open: raise its limit (ulimit -n)"
        case .unannouncedDescriptor:
            return "a descriptor came with no frame to announce it, before byte \(streamOffset)"
        case .truncated(let received, let expected):
            let whole = expected.map { " of \($0)" } ?? ""
            return "the connection ended in the middle of the frame \(place), "
                + "after \(received)\(whole) bytes"
        }
    }
}
