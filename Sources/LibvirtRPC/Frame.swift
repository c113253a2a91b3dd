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
    /// The frame's bytes, length word first, up to its data.
    public let head: [UInt8]
    /// What follows: a stream's data, in the memory of who sends it. Empty in any other frame.
    public let data: ArraySlice<UInt8>
    /// Descriptors to pass after the bytes, one to a dummy byte; nil for none.
    public let descriptors: PassedDescriptors?
    /// For a call, its serial: told to the link should the frame never be sent whole.
    public let callSerial: UInt32?

    init(
        _ head: [UInt8], data: ArraySlice<UInt8> = [], descriptors: PassedDescriptors? = nil,
        callSerial: UInt32? = nil
    ) {
        self.head = head
        self.data = data
        self.descriptors = descriptors
        self.callSerial = callSerial
    }

    /// How long the frame is, without the dummy bytes of its descriptors.
    public var byteCount: Int { head.count + data.count }
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

    /// Others of all that are left, which stay.
    ///
    /// - Throws: `SystemError` when descriptors run out.
    public func duplicate() throws(SystemError) -> PassedDescriptors {
        let copies = try queue.withLock { (queue) throws(SystemError) in try queue.duplicate() }
        try DescriptorReserve.spare(copies, "duplicate descriptors")
        return PassedDescriptors(copies)
    }

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
    /// A frame with a payload in XDR, and a stream's data behind it.
    ///
    /// In a call, a string with a NUL is refused: the peer would read less than was meant, another
    /// domain's name for one.
    ///
    /// - Throws: `XDRError` when the payload exceeds a limit of its declaration; the offset counts
    ///   from the payload's start.
    static func encoding(
        _ header: virNetMessageHeader, _ payload: some XDREncodable, data: ArraySlice<UInt8> = [],
        descriptors: PassedDescriptors? = nil, callSerial: UInt32? = nil
    ) throws(XDRError) -> OutgoingFrame {
        let payloadLength = try XDR.byteCount(of: payload, refusingNUL: callSerial != nil)
        let countLength = descriptors == nil ? 0 : 4
        let length = FrameLimits.shortest + countLength + payloadLength
        var head = [UInt8](repeating: 0, count: length)
        try head.withMutableBytes(in: 0..<length) {
            (memory: inout MutableRawSpan) throws(XDRError) in
            var encoder = XDREncoder(memory._mutatingExtracting(0..<length))
            try encoder.encode(UInt32(truncatingIfNeeded: length + data.count))
            try header.encode(to: &encoder)
            if let descriptors { try encoder.encode(UInt32(descriptors.count)) }
            try payload.encode(to: &encoder)
        }
        return OutgoingFrame(
            head, data: data, descriptors: descriptors, callSerial: callSerial)
    }
}
