internal import LibvirtProtocol
public import XDR

/// The procedures that a server offers, each with what carries it out.
public struct ProcedureTable: Sendable {
    private struct Key: Hashable {
        let program: UInt32
        let version: UInt32
        let procedure: Int32
    }

    private var procedures: [Key: @Sendable (IncomingCall) async -> CallAnswer] = [:]
    private var programs: Set<UInt32> = []

    /// A table that offers nothing.
    public init() {}

    /// Offers a procedure.
    ///
    /// - Parameter body: gives the result, or refuses; runs for many calls at once.
    public mutating func serve<Arguments, Result>(
        _ procedure: XDRProcedure<Arguments, Result>,
        _ body: @escaping @Sendable (Arguments) async throws(CallRefusal) -> Result
    ) {
        let key = Key(
            program: procedure.program, version: procedure.version, procedure: procedure.number)
        programs.insert(procedure.program)
        procedures[key] = { call in
            do throws(XDRError) {
                let arguments = try XDR.decode(
                    Arguments.self, from: call.payload, ignoringTrailingBytes: true)
                do throws(CallRefusal) {
                    let result = try await body(arguments)
                    return try Self.success(result)
                } catch {
                    return .failure(error)
                }
            } catch {
                return .failure(.undecodable(error))
            }
        }
    }

    private static func success(_ result: some XDREncodable) throws(CallRefusal) -> CallAnswer {
        do throws(XDRError) {
            return .success(try XDR.encode(result), descriptors: nil)
        } catch {
            throw CallRefusal(
                .rpc, "the result exceeds a limit of its declaration: \(error)")
        }
    }

    /// Answers a call with the procedure that it names.
    public func answer(_ call: IncomingCall) async -> CallAnswer {
        let header = call.header
        let key = Key(program: header.prog, version: header.vers, procedure: header.proc)
        if let procedure = procedures[key] { return await procedure(call) }
        return .failure(
            programs.contains(header.prog)
                ? .unknownProcedure(header) : .unknownProgram(header))
    }
}
