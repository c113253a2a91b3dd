public import LibvirtProtocol
internal import XDR

/// What a call of the peer's is answered with.
public enum CallAnswer: Sendable {
    /// The result, encoded, and descriptors to pass with it.
    case success([UInt8], descriptors: PassedDescriptors?)
    /// The result, encoded, and what serves the stream that the call opens.
    case stream([UInt8], serving: @Sendable (LinkStream) async -> Void)
    /// An error.
    case failure(CallRefusal)

    /// The frame of the reply.
    package func frame(to call: virNetMessageHeader) -> OutgoingFrame {
        var header = call
        switch self {
        case .stream(let payload, _):
            return CallAnswer.success(payload, descriptors: nil).frame(to: call)
        case .success(let payload, let descriptors):
            header.type = descriptors == nil ? .VIR_NET_REPLY : .VIR_NET_REPLY_WITH_FDS
            header.status = .VIR_NET_OK
            if let frame = try? OutgoingFrame.encoding(
                header, EncodedPayload(payload), descriptors: descriptors),
                frame.byteCount <= FrameLimits.longest
            {
                return frame
            }
            return CallAnswer.failure(.resultTooLong(payload.count)).frame(to: call)
        case .failure(let refusal):
            header.type = .VIR_NET_REPLY
            header.status = .VIR_NET_ERROR
            // The refusal bounded its texts when it was made.
            let frame = try? OutgoingFrame.encoding(header, refusal.error)
            return frame ?? OutgoingFrame([])
        }
    }
}

/// Bytes that are XDR already.
private struct EncodedPayload: XDREncodable {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func encode(to encoder: inout XDREncoder) throws(XDRError) {
        try encoder.encodeFixedOpaque(bytes.span.raw, count: bytes.count)
    }
}

/// The error with which a call is refused.
public struct CallRefusal: Error, Sendable {
    /// As it goes to the peer.
    public let error: virNetMessageError

    /// The longest message sent to a peer, in bytes.
    private static let longestMessage = 65_536

    /// Refuses with an error of libvirt's vocabulary.
    ///
    /// - Parameter message: one sentence for the caller; its end is cut off beyond 64 KiB.
    public init(
        _ code: virErrorNumber, _ message: String, domain: virErrorDomain = .rpc
    ) {
        let bounded = String(decoding: message.utf8.prefix(Self.longestMessage), as: UTF8.self)
        error = virNetMessageError(
            code: code.rawValue, domain: domain.rawValue, message: XDRString(bounded),
            level: virErrorLevel.error.rawValue, dom: nil, str1: nil, str2: nil, str3: nil,
            int1: -1, int2: -1, net: nil)
    }

    /// There is no such program here, in libvirt's words: its clients read them.
    public static func unknownProgram(_ header: virNetMessageHeader) -> CallRefusal {
        CallRefusal(.rpc, "Cannot find program \(header.prog) version \(header.vers)")
    }

    /// The program has no such procedure, in libvirt's words: its clients read them.
    public static func unknownProcedure(_ header: virNetMessageHeader) -> CallRefusal {
        CallRefusal(.rpc, "unknown procedure: \(header.proc)")
    }

    static func tooManyCalls(_ most: Int) -> CallRefusal {
        CallRefusal(
            .resourceBusy,
            "more than \(most) calls at once on one connection: wait for some")
    }

    static func resultTooLong(_ count: Int) -> CallRefusal {
        CallRefusal(.rpc, "the result of \(count) bytes does not fit in a message")
    }

    static func undecodable(_ error: XDRError) -> CallRefusal {
        CallRefusal(.rpc, "Unable to decode message payload: \(error)")
    }
}
