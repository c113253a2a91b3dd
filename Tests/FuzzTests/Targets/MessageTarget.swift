import LibvirtProtocol
import XDR

/// Every generated decoder, chosen by program and procedure number.
///
/// Input: the program's place in the table, the procedure's number (2 bytes), 0 for the arguments or 1
/// for the result; then the message.
enum MessageTarget {
    static let programs: [[ProcedureDecoders]] = [
        remoteDecoders, qemuDecoders, lxcDecoders, adminDecoders, lockDecoders, logDecoders,
        keepaliveDecoders, virtwireDecoders,
    ]

    static func run(_ input: [UInt8]) throws(Finding) {
        var reader = InputReader(input)
        let program = programs[Int(reader.take(UInt8.self)) % programs.count]
        let number: UInt16 = reader.take()
        let isResult = reader.take(UInt8.self) & 1 == 1
        // A number that no procedure has stands for another's, so that no input is lost.
        let decoders =
            program.first { $0.number == Int32(number) } ?? program[Int(number) % program.count]
        let message = reader.takeRest()
        if isResult {
            try decoders.result(message)
        } else {
            try decoders.arguments(message)
        }
    }
}

/// The decoders of a procedure's two messages, each with what must hold for it.
struct ProcedureDecoders: Sendable {
    let number: Int32
    let arguments: @Sendable ([UInt8]) throws(Finding) -> Void
    let result: @Sendable ([UInt8]) throws(Finding) -> Void

    init<Arguments, Result>(_ procedure: XDRProcedure<Arguments, Result>) {
        number = procedure.number
        arguments = { (bytes) throws(Finding) in try WireCheck.check(Arguments.self, bytes) }
        result = { (bytes) throws(Finding) in try WireCheck.check(Result.self, bytes) }
    }
}

/// What must hold for a value of any type that comes over the wire.
enum WireCheck {
    /// What was read can be written, takes no more bytes than it came in, and is read again as the same.
    static func check<T: XDREncodable & XDRDecodable>(
        _ type: T.Type, _ bytes: [UInt8]
    ) throws(Finding) {
        let value: T
        do throws(XDRError) {
            value = try XDR.decode(type, from: bytes, ignoringTrailingBytes: true)
        } catch {
            try require(
                error.byteOffset <= bytes.count, "\(type): an error beyond the end, \(error)")
            return
        }
        var written: [UInt8] = []
        var again: [UInt8] = []
        var count = 0
        do throws(XDRError) {
            count = try XDR.byteCount(of: value)
            written = try XDR.encode(value)
            again = try XDR.encode(try XDR.decode(type, from: written))
        } catch {
            throw Finding("\(type): what was read cannot be written and read again: \(error)")
        }
        try require(written.count <= bytes.count, "\(type) grew from \(bytes.count) bytes")
        try require(written.count == count, "\(type) was measured as \(count) bytes")
        try require(written == again, "\(type) is not the same the second time")
    }
}
