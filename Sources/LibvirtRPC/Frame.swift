public import LibvirtProtocol
public import LinuxIO
internal import Synchronization
internal import XDR

/// The numbers that bound a frame.
///
/// Source: libvirt's `virnetmessage.c` (`VIR_NET_MESSAGE_LEN_MAX`, `VIR_NET_MESSAGE_MAX`,
/// `VIR_NET_MESSAGE_NUM_FDS_MAX`), each checked against a running libvirtd.
public enum FrameLimits {
    /// The length word, 4 bytes: it counts itself.
    public static let lengthWord = 4
    /// The header, six words of 4 bytes.
    public static let header = 24
    /// The shortest frame: length word and header.
    public static let shortest = lengthWord + header
    /// The longest frame: 32 MiB and the length word.
    public static let longest = lengthWord + 33_554_432
    /// The most descriptors that go with one frame.
    public static let mostDescriptors = 32
}

/// A whole frame as it came from the peer.
public struct Frame: Sendable {
    /// What the frame is: program, procedure, type, serial, status.
    public let header: virNetMessageHeader
    /// What follows the header (and, in a frame with descriptors, their count).
    public let payload: [UInt8]
    /// The descriptors that came along; nil for none.
    public let descriptors: PassedDescriptors?
    /// Where the frame begins, in bytes from the connection's start.
    public let streamOffset: UInt64

    /// Makes a frame of its parts.
    public init(
        header: virNetMessageHeader, payload: [UInt8], descriptors: PassedDescriptors? = nil,
        streamOffset: UInt64 = 0
    ) {
        self.header = header
        self.payload = payload
        self.descriptors = descriptors
        self.streamOffset = streamOffset
    }
}

/// A whole frame on its way to the peer.
public struct OutgoingFrame: Sendable {
    /// The frame's bytes, length word first.
    public let bytes: [UInt8]
    /// Descriptors to pass after the bytes, one to a dummy byte; nil for none.
    public let descriptors: PassedDescriptors?
    /// For a call, its serial: told to the link should the frame never be sent whole.
    public let callSerial: UInt32?

    init(bytes: [UInt8], descriptors: PassedDescriptors? = nil, callSerial: UInt32? = nil) {
        self.bytes = bytes
        self.descriptors = descriptors
        self.callSerial = callSerial
    }
}

/// Descriptors on their way with a frame; those that nobody takes are closed with their owner.
public final class PassedDescriptors: Sendable {
    private let queue: Mutex<DescriptorQueue>

    /// Takes over the descriptors.
    public init(_ descriptors: consuming DescriptorQueue) {
        queue = Mutex(descriptors)
    }

    /// How many are left.
    public var count: Int { queue.withLock { $0.count } }

    /// Takes the first that is left.
    public func takeFirst() -> OwnedDescriptor? { queue.withLock { $0.popFirst() } }

    /// The number of the first that is left, for a call made while this object lives and nobody
    /// takes from it.
    var first: Int32? { queue.withLock { $0.first } }

    /// Takes all that are left.
    public func takeAll() -> DescriptorQueue {
        queue.withLock { queue in
            var all = DescriptorQueue()
            while let descriptor = queue.popFirst() { all.append(descriptor) }
            return all
        }
    }
}

extension OutgoingFrame {
    /// A frame with a payload in XDR.
    ///
    /// In a call, a string with a NUL is refused: the peer would read less than was meant, another
    /// domain's name for one.
    ///
    /// - Throws: `XDRError` when the payload exceeds a limit of its declaration; the offset counts
    ///   from the payload's start.
    static func encoding(
        _ header: virNetMessageHeader, _ payload: some XDREncodable,
        descriptors: PassedDescriptors? = nil, callSerial: UInt32? = nil
    ) throws(XDRError) -> OutgoingFrame {
        let payloadLength = try XDR.byteCount(of: payload, refusingNUL: callSerial != nil)
        let countLength = descriptors == nil ? 0 : 4
        let length = FrameLimits.shortest + countLength + payloadLength
        var bytes = [UInt8](repeating: 0, count: length)
        try bytes.withMutableBytes(in: 0..<length) {
            (memory: inout MutableRawSpan) throws(XDRError) in
            var encoder = XDREncoder(memory._mutatingExtracting(0..<length))
            try encoder.encode(UInt32(truncatingIfNeeded: length))
            try header.encode(to: &encoder)
            if let descriptors { try encoder.encode(UInt32(descriptors.count)) }
            try payload.encode(to: &encoder)
        }
        return OutgoingFrame(bytes: bytes, descriptors: descriptors, callSerial: callSerial)
    }

    /// A frame whose payload is bytes as they are: a stream's data.
    static func carrying(
        _ data: RawSpan, _ header: virNetMessageHeader
    ) throws(XDRError) -> OutgoingFrame {
        let length = FrameLimits.shortest + data.byteCount
        var bytes = [UInt8](repeating: 0, count: length)
        try bytes.withMutableBytes(in: 0..<FrameLimits.shortest) {
            (memory: inout MutableRawSpan) throws(XDRError) in
            var encoder = XDREncoder(memory._mutatingExtracting(0..<FrameLimits.shortest))
            try encoder.encode(UInt32(truncatingIfNeeded: length))
            try header.encode(to: &encoder)
        }
        bytes.withMutableBytes(in: FrameLimits.shortest..<length) { $0.copyPrefix(data) }
        return OutgoingFrame(bytes: bytes)
    }
}
