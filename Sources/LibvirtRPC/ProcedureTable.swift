package import LibvirtProtocol
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
        answer(procedure) { (arguments: Arguments, _) async throws(CallRefusal) in
            .success(try Self.encode(try await body(arguments)), descriptors: nil)
        }
    }

    /// Offers a procedure with which descriptors pass.
    ///
    /// - Parameter body: is given those of the call, and gives those of the reply; what nobody takes is
    ///   closed.
    public mutating func servePassing<Arguments, Result>(
        _ procedure: XDRProcedure<Arguments, Result>,
        _ body:
            @escaping @Sendable (Arguments, PassedDescriptors?) async throws(CallRefusal) -> (
                Result, PassedDescriptors?
            )
    ) {
        answer(procedure) { (arguments: Arguments, passed) async throws(CallRefusal) in
            let (result, descriptors) = try await body(arguments, passed)
            return .success(try Self.encode(result), descriptors: descriptors)
        }
    }

    /// Offers a procedure that opens a stream.
    ///
    /// - Parameter body: gives the result, and what serves the stream once the client has the reply. A
    ///   stream that is left without `finish` or `fail` is given up.
    public mutating func serveStream<Arguments, Result>(
        _ procedure: XDRProcedure<Arguments, Result>,
        _ body:
            @escaping @Sendable (Arguments) async throws(CallRefusal) -> (
                Result, @Sendable (LinkStream) async -> Void
            )
    ) {
        answer(procedure) { (arguments: Arguments, _) async throws(CallRefusal) in
            let (result, serving) = try await body(arguments)
            return .stream(try Self.encode(result), serving: serving)
        }
    }

    private mutating func answer<Arguments, Result>(
        _ procedure: XDRProcedure<Arguments, Result>,
        _ body:
            @escaping @Sendable (Arguments, PassedDescriptors?) async throws(CallRefusal) ->
            CallAnswer
    ) {
        let key = Key(
            program: procedure.program, version: procedure.version, procedure: procedure.number)
        programs.insert(procedure.program)
        procedures[key] = { call in
            do throws(XDRError) {
                let arguments = try XDR.decode(
                    Arguments.self, from: call.payload, ignoringTrailingBytes: true)
                do throws(CallRefusal) {
                    return try await body(arguments, call.descriptors)
                } catch {
                    return .failure(error)
                }
            } catch {
                return .failure(.undecodable(error))
            }
        }
    }

    private static func encode(_ result: some XDREncodable) throws(CallRefusal) -> [UInt8] {
        do throws(XDRError) {
            return try XDR.encode(result)
        } catch {
            throw CallRefusal(
                .rpc, "the result exceeds a limit of its declaration: \(error)")
        }
    }

    /// Whether it has the procedure that a call names.
    package func offers(_ header: virNetMessageHeader) -> Bool {
        procedures[Key(program: header.prog, version: header.vers, procedure: header.proc)] != nil
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
