/// The files into which a program's procedures and their structures are sorted.
struct Area {
    var name: String
    /// What the procedures' names start with; the first area that fits takes the procedure.
    var prefixes: [String]

    /// The areas of libvirt's own program, the particular before the general.
    static let remote: [Area] = [
        Area(name: "Authentication", prefixes: ["AUTH_"]),
        Area(
            name: "DomainEvents",
            prefixes: ["DOMAIN_EVENT_", "CONNECT_DOMAIN_EVENT_"]),
        Area(name: "DomainMigration", prefixes: ["DOMAIN_MIGRATE"]),
        Area(
            name: "DomainSnapshots",
            prefixes: [
                "DOMAIN_SNAPSHOT", "DOMAIN_REVERT", "DOMAIN_HAS_CURRENT", "DOMAIN_LIST_ALL_S",
            ]),
        Area(
            name: "DomainCheckpoints",
            prefixes: ["DOMAIN_CHECKPOINT", "DOMAIN_BACKUP", "DOMAIN_LIST_ALL_C"]),
        Area(
            name: "DomainBlock",
            prefixes: [
                "DOMAIN_BLOCK", "DOMAIN_GET_BLOCK", "DOMAIN_SET_BLOCK", "DOMAIN_GET_BLKIO",
                "DOMAIN_SET_BLKIO", "DOMAIN_GET_DISK", "DOMAIN_SET_THROTTLE",
                "DOMAIN_DEL_THROTTLE", "DOMAIN_FS", "DOMAIN_GET_FS",
            ]),
        Area(
            name: "DomainProcessors",
            prefixes: [
                "DOMAIN_GET_VCPU", "DOMAIN_SET_VCPU", "DOMAIN_PIN_", "DOMAIN_GET_MAX_VCPU",
                "DOMAIN_GET_EMULATOR", "DOMAIN_GET_IOTHREAD", "DOMAIN_ADD_IOTHREAD",
                "DOMAIN_DEL_IOTHREAD", "DOMAIN_SET_IOTHREAD", "DOMAIN_GET_SCHEDULER",
                "DOMAIN_SET_SCHEDULER", "DOMAIN_GET_CPU", "DOMAIN_GET_GUEST_VCPU",
                "DOMAIN_SET_GUEST_VCPU", "DOMAIN_GET_PERF", "DOMAIN_SET_PERF",
            ]),
        Area(
            name: "DomainMemory",
            prefixes: [
                "DOMAIN_MEMORY", "DOMAIN_GET_MEMORY", "DOMAIN_SET_MEMORY", "DOMAIN_GET_MAX_MEMORY",
                "DOMAIN_SET_MAX_MEMORY", "DOMAIN_GET_NUMA", "DOMAIN_SET_NUMA",
                "DOMAIN_START_DIRTY", "DOMAIN_GET_LAUNCH", "DOMAIN_SET_LAUNCH",
            ]),
        Area(
            name: "DomainState",
            prefixes: [
                "DOMAIN_CREATE", "DOMAIN_DESTROY", "DOMAIN_SHUTDOWN", "DOMAIN_REBOOT",
                "DOMAIN_RESET", "DOMAIN_SUSPEND", "DOMAIN_RESUME", "DOMAIN_PM_", "DOMAIN_SAVE",
                "DOMAIN_RESTORE", "DOMAIN_MANAGED", "DOMAIN_HAS_MANAGED", "DOMAIN_CORE_DUMP",
                "DOMAIN_GET_STATE", "DOMAIN_GET_INFO", "DOMAIN_GET_JOB", "DOMAIN_ABORT_JOB",
                "DOMAIN_GET_CONTROL", "DOMAIN_IS_", "DOMAIN_GET_AUTOSTART",
                "DOMAIN_SET_AUTOSTART", "DOMAIN_DEFINE", "DOMAIN_UNDEFINE", "DOMAIN_SET_LIFECYCLE",
            ]),
        Area(
            name: "DomainGuest",
            prefixes: [
                "DOMAIN_GET_GUEST", "DOMAIN_SEND", "DOMAIN_OPEN", "DOMAIN_SCREENSHOT",
                "DOMAIN_SET_USER", "DOMAIN_GET_HOSTNAME", "DOMAIN_GET_TIME", "DOMAIN_SET_TIME",
                "DOMAIN_AUTHORIZED", "DOMAIN_INTERFACE", "DOMAIN_GET_INTERFACE",
                "DOMAIN_SET_INTERFACE", "DOMAIN_GET_MESSAGES", "DOMAIN_GRAPHICS", "DOMAIN_INJECT",
            ]),
        Area(name: "Domain", prefixes: ["DOMAIN_", "CONNECT_GET_ALL_DOMAIN_STATS"]),
        Area(name: "NetworkFilter", prefixes: ["NWFILTER_", "CONNECT_LIST_ALL_NWFILTER"]),
        Area(
            name: "Network",
            prefixes: ["NETWORK_", "CONNECT_NETWORK_EVENT", "CONNECT_LIST_ALL_NETWORKS"]),
        Area(name: "Interface", prefixes: ["INTERFACE_", "CONNECT_LIST_ALL_INTERFACES"]),
        Area(
            name: "StoragePool",
            prefixes: ["STORAGE_POOL_", "CONNECT_STORAGE_POOL", "CONNECT_LIST_ALL_STORAGE"]),
        Area(name: "StorageVolume", prefixes: ["STORAGE_VOL_"]),
        Area(
            name: "NodeDevice",
            prefixes: [
                "NODE_DEVICE", "NODE_LIST_DEVICES", "NODE_NUM_OF_DEVICES",
                "CONNECT_NODE_DEVICE", "CONNECT_LIST_ALL_NODE_DEVICES",
            ]),
        Area(name: "Node", prefixes: ["NODE_"]),
        Area(name: "Secret", prefixes: ["SECRET_", "CONNECT_SECRET", "CONNECT_LIST_ALL_SECRETS"]),
        Area(
            name: "ConnectionLists",
            prefixes: ["CONNECT_LIST_", "CONNECT_NUM_OF_"]),
        Area(name: "Connection", prefixes: ["CONNECT_"]),
    ]

    /// One file for a small program.
    static let whole: [Area] = [Area(name: "Procedures", prefixes: [""])]
}
