internal import LibvirtProtocol
internal import XDR

extension virNetMessageHeader {
    /// The header of a frame for a procedure.
    init<Arguments, Result>(
        _ procedure: XDRProcedure<Arguments, Result>, _ type: virNetMessageType, serial: UInt32,
        status: virNetMessageStatus
    ) {
        self.init(
            prog: procedure.program, vers: procedure.version, proc: procedure.number, type: type,
            serial: serial, status: status)
    }
}

extension Link.Outcome {
    /// The result that the reply carries, or the error that it is or that stands in its place.
    func result<Arguments, Value>(
        of procedure: XDRProcedure<Arguments, Value>
    ) throws(RPCError) -> (result: Value, descriptors: PassedDescriptors?) {
        switch self {
        case .failure(.cancelled(let delivery)):
            throw RPCError(.cancelled(delivery), procedure: procedure.name)
        case .failure(.deadlineExceeded(let delivery)):
            throw RPCError(.deadlineExceeded(delivery), procedure: procedure.name)
        case .failure(.connectionLost(let failure, let delivery)):
            throw RPCError(.connectionLost(failure, delivery), procedure: procedure.name)
        case .success(let frame):
            guard frame.header.status == .VIR_NET_OK else {
                let error = try decode(virNetMessageError.self, frame, procedure.name)
                throw RPCError(.refused(error), procedure: procedure.name)
            }
            return (try decode(Value.self, frame, procedure.name), frame.descriptors)
        }
    }

    private func decode<Value: XDRDecodable>(
        _ type: Value.Type, _ frame: Frame, _ procedure: String
    ) throws(RPCError) -> Value {
        do throws(XDRError) {
            // libvirt's own client reads past what it does not know; newer servers may add to it.
            return try XDR.decode(type, from: frame.payload, ignoringTrailingBytes: true)
        } catch {
            throw RPCError(.invalidReply(error), procedure: procedure)
        }
    }
}
