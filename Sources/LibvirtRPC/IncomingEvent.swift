public import LibvirtProtocol
public import XDR

/// An event of the peer's, not decoded yet.
public struct IncomingEvent: Sendable {
    /// The program that it belongs to.
    public let program: UInt32
    /// The number of the event's procedure.
    public let procedure: Int32
    /// The message.
    public let payload: [UInt8]

    init(_ frame: Frame) {
        program = frame.header.prog
        procedure = frame.header.proc
        payload = frame.payload
    }

    /// Makes an event of its parts.
    public init(program: UInt32, procedure: Int32, payload: [UInt8]) {
        self.program = program
        self.procedure = procedure
        self.payload = payload
    }

    /// Whether this is an event of that kind.
    public func matches<Message>(_ event: XDRProcedure<Message, XDRVoid>) -> Bool {
        program == event.program && procedure == event.number
    }

    /// The message, decoded.
    ///
    /// - Throws: `XDRError` when it is not what the event's declaration says.
    public func message<Message>(
        of event: XDRProcedure<Message, XDRVoid>
    ) throws(XDRError) -> Message {
        try XDR.decode(Message.self, from: payload, ignoringTrailingBytes: true)
    }
}

/// A call of the peer's, not decoded yet.
public struct IncomingCall: Sendable {
    /// Program, version, procedure and serial.
    public let header: virNetMessageHeader
    /// The arguments.
    public let payload: [UInt8]
    /// The descriptors that came along; those that nobody takes are closed.
    public let descriptors: PassedDescriptors?

    init(_ frame: Frame) {
        header = frame.header
        payload = frame.payload
        descriptors = frame.descriptors
    }
}
