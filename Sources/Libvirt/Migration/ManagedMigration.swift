internal import LibvirtProtocol
internal import LibvirtRPC
internal import Synchronization
internal import XDR

/// Whether a migration is to be given up, and whether it is over.
final class MigrationCancellation: Sendable {
    /// How long the steps that end a migration may take once it is to be given up.
    @TaskLocal static var patience = Duration.seconds(60)

    private let state = Mutex((isRequested: false, hasEnded: false))

    var isRequested: Bool { state.withLock(\.isRequested) }
    var hasEnded: Bool { state.withLock(\.hasEnded) }

    /// False where it was requested before.
    func request() -> Bool {
        state.withLock { state in
            defer { state.isRequested = true }
            return !state.isRequested
        }
    }

    func end() { state.withLock { $0.hasEnded = true } }
}

/// A migration's five steps, each of which hands the next a cookie: begin, perform and confirm at
/// the source, prepare and finish at the destination.
///
/// Once the destination is prepared it is told to finish, and the source to confirm, whatever comes
/// between: else one of them waits with a domain that is neither here nor there.
///
/// Source: `libvirt-domain.c`, virDomainMigrateVersion3Params.
struct ManagedMigration: Sendable {
    let domain: Domain
    let destination: Connection
    var parameters: TypedParameters
    var flags: virDomainMigrateFlags
    /// Whether the source keeps others from changing the domain from the first step on.
    let isProtected: Bool
    let cancellation: MigrationCancellation

    /// The destination listens; where, and what it tells the source.
    private struct Prepared {
        let uri: String?
        let cookie: [UInt8]
    }

    /// - Returns: the domain as the destination names it.
    func run() async throws(LibvirtError) -> remote_nonnull_domain {
        // A daemon ties a migration to the connection over which it began, the long call in the middle too.
        try await Connection.withPlacement(.shared) { () async throws(LibvirtError) in
            var steps = self
            return try await steps.begin()
        }
    }

    private mutating func begin() async throws(LibvirtError) -> remote_nonnull_domain {
        let begun = try await domain.connection.call(
            Remote.DOMAIN_MIGRATE_BEGIN3_PARAMS,
            remote_domain_migrate_begin3_params_args(
                dom: domain.raw, params: parameters.raw, flags: sourceFlags))
        // Where this is not told the domain runs at its destination, as libvirt has it.
        if let state = try? await domain.state(), state.state == .paused { flags.insert(.paused) }
        parameters["destination_xml"] = .string(begun.xml.text)
        let prepared: Prepared
        do throws(LibvirtError) {
            prepared = try await prepare(begun.cookie_out)
        } catch {
            // The source is in a migration since the first step, and only this ends it.
            if isProtected { await confirm([], isCancelled: true) }
            throw error
        }
        return try await transfer(prepared)
    }

    private func prepare(_ cookie: [UInt8]) async throws(LibvirtError) -> Prepared {
        let answer = try await destination.call(
            Remote.DOMAIN_MIGRATE_PREPARE3_PARAMS,
            remote_domain_migrate_prepare3_params_args(
                params: parameters.raw, cookie_in: cookie, flags: destinationFlags))
        return Prepared(uri: answer.uri_out?.text, cookie: answer.cookie_out)
    }

    private mutating func transfer(
        _ prepared: Prepared
    ) async throws(LibvirtError) -> remote_nonnull_domain {
        if let uri = prepared.uri { parameters["migrate_uri"] = .string(uri) }
        guard parameters["migrate_uri"] != nil else {
            let failure = domain.refusal(
                .internalError, "the destination did not say where it listens")
            _ = try? await finish([], isCancelled: true)
            await confirm([], isCancelled: true)
            throw failure
        }
        if cancellation.isRequested {
            let failure = LibvirtError(
                RPCError(.cancelled(.notSent), procedure: "migrating"),
                uri: domain.connection.uri.description)
            _ = try? await finish([], isCancelled: true)
            await confirm([], isCancelled: true)
            throw failure
        }
        var cookie: [UInt8] = []
        if !flags.contains(.offline) {
            do throws(LibvirtError) {
                cookie = try await perform(prepared.cookie)
            } catch {
                // The source has given up by itself, and is told no more.
                throw await cancelled(by: error)
            }
        }
        let answer: remote_domain_migrate_finish3_params_ret
        do throws(LibvirtError) {
            answer = try await finish(cookie, isCancelled: false)
        } catch {
            await confirm([], isCancelled: true)
            throw error
        }
        await confirm(answer.cookie_out, isCancelled: false)
        return answer.dom
    }

    private func perform(_ cookie: [UInt8]) async throws(LibvirtError) -> [UInt8] {
        try await domain.connection.call(
            Remote.DOMAIN_MIGRATE_PERFORM3_PARAMS,
            remote_domain_migrate_perform3_params_args(
                dom: domain.raw, dconnuri: nil, params: parameters.raw, cookie_in: cookie,
                flags: sourceFlags)
        ).cookie_out
    }

    /// Has the destination clean up, and gives the better of both daemons' reasons: the source's
    /// QEMU often only says that it failed.
    private mutating func cancelled(by failure: LibvirtError) async -> LibvirtError {
        do throws(LibvirtError) {
            _ = try await finish([], isCancelled: true)
            return failure
        } catch {
            guard case .server(let first) = failure.kind, case .server(let second) = error.kind,
                first.domain == .qemu, first.code == .operationFailed, second.domain == .qemu,
                second.code != .migrateFinishOk
            else { return failure }
            return error
        }
    }

    private mutating func finish(
        _ cookie: [UInt8], isCancelled: Bool
    ) async throws(LibvirtError) -> remote_domain_migrate_finish3_params_ret {
        if parameters["destination_name"] == nil {
            parameters["destination_name"] = .string(domain.name)
        }
        return try await destination.call(
            Remote.DOMAIN_MIGRATE_FINISH3_PARAMS,
            remote_domain_migrate_finish3_params_args(
                params: parameters.raw, cookie_in: cookie, flags: destinationFlags,
                cancelled: isCancelled ? 1 : 0))
    }

    /// Where this fails nothing more can be done; the domain is left paused here at worst.
    private func confirm(_ cookie: [UInt8], isCancelled: Bool) async {
        _ = try? await domain.connection.call(
            Remote.DOMAIN_MIGRATE_CONFIRM3_PARAMS,
            remote_domain_migrate_confirm3_params_args(
                dom: domain.raw, params: parameters.raw, cookie_in: cookie, flags: sourceFlags,
                cancelled: isCancelled ? 1 : 0))
    }

    private var sourceFlags: UInt32 {
        (isProtected ? flags.union(.changeProtection) : flags).rawValue
    }

    /// Without what concerns the source alone.
    private var destinationFlags: UInt32 {
        flags.subtracting([.abortOnError, .autoConverge]).rawValue
    }
}
