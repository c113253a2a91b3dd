internal import LibvirtProtocol
internal import XDR

/// What one frame carries on a stream.
enum StreamPacket {
    case data([UInt8])
    /// So many bytes that are zero and are not sent.
    case hole(Int64)
    /// No more data comes this way; the stream stands.
    case endOfData
    /// From a client: end the stream; from a server: it has ended as it was asked to.
    case finish
    /// From a server: the stream has failed; from a client, without an error: it is given up.
    case failure(virNetMessageError?)
    /// What no stream may carry.
    case malformed(XDRError)

    /// Reads a frame that belongs to a stream.
    ///
    /// Source: libvirt's `docs/kbase/internals/rpc.rst`. A hole that a libvirt server cannot make is
    /// told in a reply to the call that opened the stream (`virnetserverprogram.c`).
    init(_ frame: Frame) {
        do throws(XDRError) {
            switch (frame.header.type, frame.header.status) {
            case (_, .VIR_NET_ERROR): self = try .failure(Self.error(in: frame))
            case (.VIR_NET_STREAM_HOLE, _): self = try .hole(Self.hole(in: frame))
            case (_, .VIR_NET_OK): self = .finish
            default: self = frame.payload.isEmpty ? .endOfData : .data(frame.payload)
            }
        } catch {
            self = .malformed(error)
        }
    }

    private static func error(in frame: Frame) throws(XDRError) -> virNetMessageError? {
        guard !frame.payload.isEmpty else { return nil }
        return try XDR.decode(
            virNetMessageError.self, from: frame.payload, ignoringTrailingBytes: true)
    }

    private static func hole(in frame: Frame) throws(XDRError) -> Int64 {
        let hole = try XDR.decode(
            virNetStreamHole.self, from: frame.payload, ignoringTrailingBytes: true)
        guard hole.length >= 0 else {
            throw XDRError(
                .outOfRange, at: 0, found: Int(hole.length), subject: "the length of a hole")
        }
        return hole.length
    }

    /// The frame that carries data, where it is.
    ///
    /// - Parameter header: as for ``frame(_:)``.
    static func frame(
        of data: ArraySlice<UInt8>, _ header: virNetMessageHeader
    ) throws(XDRError) -> OutgoingFrame {
        try .encoding(continuing(header), XDRVoid(), data: data)
    }

    private static func continuing(_ header: virNetMessageHeader) -> virNetMessageHeader {
        var header = header
        header.type = .VIR_NET_STREAM
        header.status = .VIR_NET_CONTINUE
        return header
    }

    /// The frame that carries this.
    ///
    /// - Parameter header: with the program, version, procedure and serial of the stream.
    func frame(_ header: virNetMessageHeader) throws(XDRError) -> OutgoingFrame {
        var header = Self.continuing(header)
        switch self {
        case .data(let bytes): return try Self.frame(of: bytes[...], header)
        case .endOfData: return try .encoding(header, XDRVoid())
        case .hole(let length):
            header.type = .VIR_NET_STREAM_HOLE
            return try .encoding(header, virNetStreamHole(length: length, flags: 0))
        case .finish:
            header.status = .VIR_NET_OK
            return try .encoding(header, XDRVoid())
        case .failure(let error):
            header.status = .VIR_NET_ERROR
            guard let error else { return try .encoding(header, XDRVoid()) }
            return try .encoding(header, error)
        case .malformed(let error): throw error
        }
    }
}
