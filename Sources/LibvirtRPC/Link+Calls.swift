internal import LibvirtProtocol
public import XDR

extension Link {
    /// Calls a procedure of the peer's and waits for its result.
    ///
    /// Cancelling the task frees the caller at once; the peer may work on, and its late reply is
    /// dropped with any descriptors that come with it.
    ///
    /// - Parameters:
    ///   - descriptors: passed along, where the procedure takes some; theirs is then the peer's.
    ///   - deadline: ends the wait.
    /// - Throws: `RPCError`, which says whether the call may have run.
    @inlinable
    public func call<Arguments, Result>(
        _ procedure: XDRProcedure<Arguments, Result>, _ arguments: Arguments,
        descriptors: PassedDescriptors? = nil, deadline: ContinuousClock.Instant? = nil
    ) async throws(RPCError) -> Result {
        let called = CalledProcedure(procedure)
        let call = try OutgoingCall(
            called, arguments, descriptors: descriptors, serial: takeSerial())
        return try called.result(Result.self, in: try await reply(to: call, until: deadline))
    }

    /// As ``call(_:_:descriptors:deadline:)``, with the descriptors that came with the reply.
    public func callReturningDescriptors<Arguments, Result>(
        _ procedure: XDRProcedure<Arguments, Result>, _ arguments: Arguments,
        descriptors: PassedDescriptors? = nil, deadline: ContinuousClock.Instant? = nil
    ) async throws(RPCError) -> (result: Result, descriptors: PassedDescriptors?) {
        let called = CalledProcedure(procedure)
        let call = try OutgoingCall(
            called, arguments, descriptors: descriptors, serial: takeSerial())
        let frame = try await reply(to: call, until: deadline)
        return (try called.result(Result.self, in: frame), frame.descriptors)
    }

    /// The reply that says that the call went well.
    @usableFromInline
    func reply(
        to call: OutgoingCall, until deadline: ContinuousClock.Instant?
    ) async throws(RPCError) -> Frame {
        switch await exchange(call, until: deadline) {
        case .success(let frame):
            guard frame.header.status == .VIR_NET_OK else {
                throw RPCError(
                    .refused(try call.procedure.result(virNetMessageError.self, in: frame)),
                    procedure: call.procedure.name)
            }
            return frame
        case .failure(let end): throw RPCError(end.kind, procedure: call.procedure.name)
        }
    }
}

extension Link.CallEnd {
    var kind: RPCError.Kind {
        switch self {
        case .cancelled(let delivery): .cancelled(delivery)
        case .deadlineExceeded(let delivery): .deadlineExceeded(delivery)
        case .connectionLost(let failure, let delivery): .connectionLost(failure, delivery)
        }
    }
}

/// A procedure without its types: what a call needs of it once its arguments are bytes.
@usableFromInline
struct CalledProcedure: Sendable {
    let route: CallRoute
    @usableFromInline let name: String

    @inlinable
    init<Arguments, Result>(_ procedure: XDRProcedure<Arguments, Result>) {
        self.init(procedure.program, procedure.version, procedure.number, procedure.name)
    }

    @usableFromInline
    init(_ program: UInt32, _ version: UInt32, _ number: Int32, _ name: String) {
        route = CallRoute(program: program, version: version, procedure: number)
        self.name = name
    }

    /// What the reply's payload is.
    @inlinable
    func result<Value: XDRDecodable>(
        _ type: Value.Type, in frame: Frame
    ) throws(RPCError) -> Value {
        do throws(XDRError) {
            // libvirt's own client reads past what it does not know; newer servers may add to it.
            return try XDR.decode(type, from: frame.payload, ignoringTrailingBytes: true)
        } catch {
            throw RPCError(.invalidReply(error), procedure: name)
        }
    }
}

/// A call on its way: its frame, and by what its reply is known.
@usableFromInline
struct OutgoingCall: Sendable {
    let frame: OutgoingFrame
    let serial: UInt32
    let procedure: CalledProcedure

    /// - Throws: `RPCError` for arguments beyond a limit.
    @usableFromInline
    init(
        _ procedure: CalledProcedure, _ arguments: some XDREncodable,
        descriptors: PassedDescriptors?, serial: UInt32
    ) throws(RPCError) {
        self.procedure = procedure
        self.serial = serial
        do throws(XDRError) {
            frame = try OutgoingFrame.encoding(
                virNetMessageHeader(
                    prog: procedure.route.program, vers: procedure.route.version,
                    proc: procedure.route.procedure,
                    type: descriptors == nil ? .VIR_NET_CALL : .VIR_NET_CALL_WITH_FDS,
                    serial: serial, status: .VIR_NET_OK),
                arguments, descriptors: descriptors, callSerial: serial)
        } catch {
            throw RPCError(.invalidArguments(error), procedure: procedure.name)
        }
        guard frame.byteCount <= FrameLimits.longest else {
            throw RPCError(.tooLong(byteCount: frame.byteCount), procedure: procedure.name)
        }
    }
}
