internal import LibvirtProtocol
internal import XDR

/// Which connection carries a call.
///
/// A daemon works on few calls of one connection at a time, and reads nothing more while it has its
/// fill: four saves of domains would let everybody else wait who shares the connection.
public enum CallPlacement: Hashable, Sendable {
    /// One of its own for the calls in ``Connection/longCalls``, and the shared one for all others: unless
    /// its four places are all taken by calls that were given up a second ago or earlier and not answered
    /// yet. Then those have one of their own too whose effect is not their connection's.
    case automatic
    /// A connection of its own, opened as the first one was, and kept for the next such call; the shared
    /// one where no other can be had within 5 seconds, or half of the time that the call has: then none is
    /// tried for a minute, and none any more after a login that was refused or that polkit did not answer.
    /// At most eight calls are on their way like this; more wait in order.
    case ownConnection
    /// The connection that it is called on.
    case shared

    @TaskLocal static var current = CallPlacement.automatic
}

extension Connection {
    /// Chooses the connection that carries every call which is made within, in this task and its child
    /// tasks: `.ownConnection` for questions about domains that may hang, so that they hold up nothing else.
    /// A call that names a placement itself goes by that.
    ///
    /// - Throws: what `body` throws.
    public static func withPlacement<Value, Failure>(
        _ placement: CallPlacement, _ body: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        try await CallPlacement.$current.with(placement, body)
    }

    /// The procedures that last as a matter of course, by name: what writes or reads a guest's memory or a
    /// volume, or waits for something in the guest.
    ///
    /// Unless told otherwise each is called over a connection of its own. What must come over one
    /// connection is not among them: a domain that is to be destroyed with its connection, for instance.
    public static var longCalls: [String] {
        (LongCalls.procedures + LongCalls.ofQEMU).map(\.name).sorted()
    }
}

/// The calls that last.
enum LongCalls {
    fileprivate static let procedures: [ProcedureDescription] = {
        let names: Set<String> = [
            "DOMAIN_SAVE", "DOMAIN_SAVE_FLAGS", "DOMAIN_SAVE_PARAMS", "DOMAIN_MANAGED_SAVE",
            "DOMAIN_RESTORE", "DOMAIN_RESTORE_FLAGS", "DOMAIN_RESTORE_PARAMS",
            "DOMAIN_CORE_DUMP", "DOMAIN_CORE_DUMP_WITH_FORMAT",
            "DOMAIN_SNAPSHOT_CREATE_XML", "DOMAIN_SNAPSHOT_DELETE", "DOMAIN_REVERT_TO_SNAPSHOT",
            "DOMAIN_MIGRATE_PERFORM", "DOMAIN_MIGRATE_PERFORM3",
            "DOMAIN_MIGRATE_PERFORM3_PARAMS",
            "DOMAIN_BLOCK_JOB_ABORT", "DOMAIN_FSFREEZE", "DOMAIN_FSTHAW", "DOMAIN_FSTRIM",
            "DOMAIN_GET_FSINFO", "DOMAIN_GET_GUEST_INFO", "DOMAIN_GET_TIME", "DOMAIN_SET_TIME",
            "DOMAIN_GET_HOSTNAME", "DOMAIN_INTERFACE_ADDRESSES", "DOMAIN_PM_SUSPEND_FOR_DURATION",
            "DOMAIN_SHUTDOWN_FLAGS", "DOMAIN_REBOOT",
            "DOMAIN_GET_GUEST_VCPUS", "DOMAIN_SET_GUEST_VCPUS", "DOMAIN_SET_USER_PASSWORD",
            "DOMAIN_AUTHORIZED_SSH_KEYS_GET", "DOMAIN_AUTHORIZED_SSH_KEYS_SET",
            "STORAGE_POOL_BUILD", "STORAGE_POOL_REFRESH",
            "STORAGE_VOL_CREATE_XML", "STORAGE_VOL_CREATE_XML_FROM", "STORAGE_VOL_WIPE",
            "STORAGE_VOL_WIPE_PATTERN", "STORAGE_VOL_DELETE", "STORAGE_VOL_RESIZE",
        ]
        return Remote.procedures.filter { names.contains($0.name) }
    }()

    /// QEMU's own: one of its agent's, in the guest.
    fileprivate static let ofQEMU = Qemu.procedures.filter { $0.name == "DOMAIN_AGENT_COMMAND" }

    /// By number, as this is asked for every call.
    private static let isLong: [Bool] = {
        let numbers = procedures.map { Int($0.number) }
        var table = [Bool](repeating: false, count: (numbers.max() ?? 0) + 1)
        for number in numbers { table[number] = true }
        return table
    }()

    static func contains<Arguments, Result>(_ procedure: XDRProcedure<Arguments, Result>) -> Bool {
        guard procedure.program == Remote.program else {
            return procedure.program == Qemu.program
                && ofQEMU.contains { $0.number == procedure.number }
        }
        let number = Int(procedure.number)
        return number < isLong.count && isLong[number]
    }
}

/// The calls whose effect ends with their connection, or belongs to it: registrations, migrations, domains
/// that are to be destroyed with it.
enum BoundCalls {
    private static let beginnings = [
        "AUTH_", "CONNECT_OPEN", "CONNECT_CLOSE", "CONNECT_SET_IDENTITY", "DOMAIN_CREATE",
        "DOMAIN_FD_ASSOCIATE", "DOMAIN_MIGRATE_BEGIN", "DOMAIN_MIGRATE_PREPARE",
        "DOMAIN_MIGRATE_FINISH", "DOMAIN_MIGRATE_CONFIRM",
    ]

    static func contains(_ name: String) -> Bool {
        name.contains("REGISTER") || beginnings.contains { name.hasPrefix($0) }
    }
}

extension CallPlacement {
    /// Whether a call is to have a connection of its own.
    func isApart<Arguments, Result>(_ procedure: XDRProcedure<Arguments, Result>) -> Bool {
        switch self {
        case .automatic: LongCalls.contains(procedure)
        case .ownConnection: true
        case .shared: false
        }
    }
}
