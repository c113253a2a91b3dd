/// What libvirt's descriptions leave unsaid, found in its sources and on the wire.
enum Overrides {
    /// Constants that the descriptions take from C headers.
    static let constants: [String: Int64] = [
        "VIR_UUID_BUFLEN": 16,
        "VIR_SECURITY_LABEL_BUFLEN": 4097,
        "VIR_SECURITY_MODEL_BUFLEN": 257,
        "VIR_SECURITY_DOI_BUFLEN": 257,
        "VIR_TYPED_PARAM_INT": 1,
        "VIR_TYPED_PARAM_UINT": 2,
        "VIR_TYPED_PARAM_LLONG": 3,
        "VIR_TYPED_PARAM_ULLONG": 4,
        "VIR_TYPED_PARAM_DOUBLE": 5,
        "VIR_TYPED_PARAM_BOOLEAN": 6,
        "VIR_TYPED_PARAM_STRING": 7,
    ]

    /// Streams whose direction is annotated wrongly or not at all, by model and procedure.
    static let streams: [String: [String: ProcedureModel.Stream]] = [
        "remote": [
            // Annotated as read; a terminal and a channel carry data both ways.
            "DOMAIN_OPEN_CONSOLE": .duplex,
            "DOMAIN_OPEN_CHANNEL": .duplex,
            // Not annotated; libvirt's client opens the stream by hand.
            "DOMAIN_MIGRATE_PREPARE_TUNNEL3_PARAMS": .write,
        ]
    ]

    /// Procedures that pass file descriptors, which no annotation says.
    static let descriptors: [String: [String: ProcedureModel.Descriptors]] = [
        "remote": [
            "DOMAIN_OPEN_GRAPHICS": .send,
            "DOMAIN_CREATE_WITH_FILES": .send,
            "DOMAIN_CREATE_XML_WITH_FILES": .send,
            "DOMAIN_FD_ASSOCIATE": .send,
            "DOMAIN_OPEN_GRAPHICS_FD": .receive,
        ],
        "qemu": ["DOMAIN_MONITOR_COMMAND_WITH_FILES": .both],
        "lxc": ["DOMAIN_OPEN_NAMESPACE": .receive],
        "log": ["DOMAIN_OPEN_LOG_FILE": .receive],
    ]

    /// Functions that the rule for names does not find, by model and procedure.
    static let functions: [String: [String: String]] = [
        "remote": [
            "CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY": "virConnectDomainEventRegisterAny",
            "CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY": "virConnectDomainEventDeregisterAny",
        ]
    ]

    /// Enumerations of flags that the API descriptions do not show as such: their members refer
    /// to flags of other enumerations.
    static let flags: Set<String> = ["virDomainSaveImageXMLFlags", "virDomainSnapshotXMLFlags"]

    /// What the members' Swift names leave out, where what they have in common, or what the
    /// enumeration's name tells, is not it.
    static let memberPrefixes: [String: String] = [
        "virErrorNumber": "VIR_ERR_",
        "virErrorDomain": "VIR_FROM_",
        "virDomainFDAssociateFlags": "VIR_DOMAIN_FD_ASSOCIATE_",
        "virDomainSetTimeFlags": "VIR_DOMAIN_TIME_",
        "virDomainSetUserPasswordFlags": "VIR_DOMAIN_PASSWORD_",
        "virDomainBlockJobSetSpeedFlags": "VIR_DOMAIN_BLOCK_JOB_SPEED_",
        "virAdmConnectDaemonShutdownFlags": "VIR_DAEMON_SHUTDOWN_",
    ]
}
