/// The protocol descriptions that are imported, and how each names its things.
struct ProtocolSource {
    /// The model's name.
    var name: String
    /// The path within libvirt's source tree.
    var file: String
    /// The constants with the program's number and version, and the enumeration of its procedures;
    /// nil for a description that only defines types.
    var program: ProgramNames?

    struct ProgramNames {
        var number: String
        var version: String
        var procedures: String
        /// What stands before each procedure's name.
        var prefix: String
        /// What stands before the names of the procedures' structures.
        var structurePrefix: String
        /// What libvirt's C functions start with instead of the procedure's name; nil where the
        /// program has no functions.
        var functionPrefix: String?
    }

    /// All of them; a description comes after those whose types it uses.
    static let all: [ProtocolSource] = [
        ProtocolSource(name: "rpc", file: "src/rpc/virnetprotocol.x", program: nil),
        ProtocolSource(
            name: "keepalive", file: "src/rpc/virkeepaliveprotocol.x",
            program: ProgramNames(
                number: "KEEPALIVE_PROGRAM", version: "KEEPALIVE_PROTOCOL_VERSION",
                procedures: "keepalive_procedure", prefix: "KEEPALIVE_PROC_",
                structurePrefix: "keepalive_")),
        ProtocolSource(
            name: "remote", file: "src/remote/remote_protocol.x",
            program: ProgramNames(
                number: "REMOTE_PROGRAM", version: "REMOTE_PROTOCOL_VERSION",
                procedures: "remote_procedure", prefix: "REMOTE_PROC_",
                structurePrefix: "remote_", functionPrefix: "vir")),
        ProtocolSource(
            name: "qemu", file: "src/remote/qemu_protocol.x",
            program: ProgramNames(
                number: "QEMU_PROGRAM", version: "QEMU_PROTOCOL_VERSION",
                procedures: "qemu_procedure", prefix: "QEMU_PROC_",
                structurePrefix: "qemu_", functionPrefix: "vir")),
        ProtocolSource(
            name: "lxc", file: "src/remote/lxc_protocol.x",
            program: ProgramNames(
                number: "LXC_PROGRAM", version: "LXC_PROTOCOL_VERSION",
                procedures: "lxc_procedure", prefix: "LXC_PROC_",
                structurePrefix: "lxc_", functionPrefix: "vir")),
        ProtocolSource(
            name: "admin", file: "src/admin/admin_protocol.x",
            program: ProgramNames(
                number: "ADMIN_PROGRAM", version: "ADMIN_PROTOCOL_VERSION",
                procedures: "admin_procedure", prefix: "ADMIN_PROC_",
                structurePrefix: "admin_", functionPrefix: "virAdm")),
        ProtocolSource(
            name: "lock", file: "src/locking/lock_protocol.x",
            program: ProgramNames(
                number: "VIR_LOCK_SPACE_PROTOCOL_PROGRAM",
                version: "VIR_LOCK_SPACE_PROTOCOL_PROGRAM_VERSION",
                procedures: "virLockSpaceProtocolProcedure",
                prefix: "VIR_LOCK_SPACE_PROTOCOL_PROC_", structurePrefix: "virLockSpaceProtocol")),
        ProtocolSource(
            name: "log", file: "src/logging/log_protocol.x",
            program: ProgramNames(
                number: "VIR_LOG_MANAGER_PROTOCOL_PROGRAM",
                version: "VIR_LOG_MANAGER_PROTOCOL_PROGRAM_VERSION",
                procedures: "virLogManagerProtocolProcedure",
                prefix: "VIR_LOG_MANAGER_PROTOCOL_PROC_",
                structurePrefix: "virLogManagerProtocol")),
    ]
}
