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
