/// Functions for which no method is generated.
enum HandWritten {
    /// Those that `Libvirt` has written by hand, as they need more than passing on.
    static let functions: Set<String> = [
        "virConnectOpen", "virConnectClose", "virConnectGetHostname", "virConnectGetLibVersion",
        "virConnectGetVersion", "virConnectGetType", "virConnectGetURI",
        "virConnectGetCapabilities", "virConnectListAllDomains",
        "virDomainLookupByName", "virDomainLookupByUUID", "virDomainLookupByID",
        "virDomainDefineXMLFlags", "virDomainCreateXML", "virDomainGetXMLDesc",
        "virDomainGetMetadata", "virDomainSetMetadata", "virDomainCreateWithFlags",
        "virDomainDestroyFlags", "virDomainShutdownFlags", "virDomainReboot", "virDomainSuspend",
        "virDomainResume", "virDomainUndefineFlags", "virDomainGetState", "virDomainGetInfo",
        "virDomainIsActive", "virDomainIsPersistent",
        "virConnectIsSecure", "virNetworkUpdate", "virDomainGetCPUStats",
        // Events are sequences.
        "virConnectDomainEventRegister", "virConnectDomainEventDeregister",
        "virConnectDomainEventRegisterAny", "virConnectDomainEventDeregisterAny",
        "virConnectNetworkEventRegisterAny", "virConnectNetworkEventDeregisterAny",
        "virConnectStoragePoolEventRegisterAny", "virConnectStoragePoolEventDeregisterAny",
        "virConnectNodeDeviceEventRegisterAny", "virConnectNodeDeviceEventDeregisterAny",
        "virConnectSecretEventRegisterAny", "virConnectSecretEventDeregisterAny",
        "virConnectDomainQemuMonitorEventRegister", "virConnectDomainQemuMonitorEventDeregister",
        "virConnectRegisterCloseCallback", "virConnectUnregisterCloseCallback",
    ]

    /// Older functions, and the newer one with flags that does what they did.
    static let superseded: [String: String] = [
        "virDomainAttachDevice": "virDomainAttachDeviceFlags",
        "virDomainCreate": "virDomainCreateWithFlags",
        "virDomainDefineXML": "virDomainDefineXMLFlags",
        "virDomainDestroy": "virDomainDestroyFlags",
        "virDomainDetachDevice": "virDomainDetachDeviceFlags",
        "virDomainPinVcpu": "virDomainPinVcpuFlags",
        "virDomainSetMemory": "virDomainSetMemoryFlags",
        "virDomainSetVcpus": "virDomainSetVcpusFlags",
        "virDomainShutdown": "virDomainShutdownFlags",
        "virDomainUndefine": "virDomainUndefineFlags",
        "virDomainRestore": "virDomainRestoreFlags",
        "virDomainSave": "virDomainSaveFlags",
        "virDomainAbortJob": "virDomainAbortJobFlags",
        "virNetworkCreateXML": "virNetworkCreateXMLFlags",
        "virNetworkDefineXML": "virNetworkDefineXMLFlags",
        "virNWFilterDefineXML": "virNWFilterDefineXMLFlags",
        "virStorageVolGetInfo": "virStorageVolGetInfoFlags",
    ]

    /// Newer functions that daemons still in service do not know, and the older ones that do the same: those
    /// are called where no flag is asked for, as libvirt's own client does in the older function.
    static let late: [String: String] = [
        "virDomainAbortJobFlags": "virDomainAbortJob",
        "virNetworkCreateXMLFlags": "virNetworkCreateXML",
        "virNetworkDefineXMLFlags": "virNetworkDefineXML",
        "virNWFilterDefineXMLFlags": "virNWFilterDefineXML",
    ]

    /// Numbers that stand for an enumeration's values, or for a truth value, by function and field:
    /// libvirt's declarations call them numbers, and only its prose says whose.
    static let meanings: [String: [String: String]] = [
        "virConnectCompareCPU": ["result": "virCPUCompareResult"],
        "virConnectCompareHypervisorCPU": ["result": "virCPUCompareResult"],
        "virDomainCoreDumpWithFormat": ["dumpformat": "virDomainCoreDumpFormat"],
        "virDomainGetBlockJobInfo": ["found": "Bool", "type": "virDomainBlockJobType"],
        "virDomainGetControlInfo": [
            "state": "virDomainControlState", "details": "virDomainControlErrorReason",
        ],
        "virDomainGetGuestInfo": ["types": "virDomainGuestInfoTypes"],
        "virDomainGetJobInfo": ["type": "virDomainJobType"],
        "virDomainGetJobStats": ["type": "virDomainJobType"],
        "virDomainGraphicsReload": ["type": "virDomainGraphicsReloadType"],
        "virDomainPMSuspendForDuration": ["target": "virNodeSuspendTarget"],
        "virDomainSendKey": ["codeset": "virKeycodeSet"],
        "virDomainSendProcessSignal": ["signum": "virDomainProcessSignal"],
        "virDomainSetLifecycleAction": [
            "type": "virDomainLifecycle", "action": "virDomainLifecycleAction",
        ],
        "virNetworkGetMetadata": ["type": "virNetworkMetadataType"],
        "virNetworkSetMetadata": ["type": "virNetworkMetadataType"],
        "virNodeSuspendForDuration": ["target": "virNodeSuspendTarget"],
        "virSecretLookupByUsage": ["usageType": "virSecretUsageType"],
        "virStoragePoolGetInfo": ["state": "virStoragePoolState"],
        "virStorageVolWipePattern": ["algorithm": "virStorageVolWipeAlgorithm"],
    ]

    /// Getters whose parameters of type string a server leaves out unless the client says that it can
    /// take them (`VIR_TYPED_PARAM_STRING_OKAY`), as libvirt's own client does in these functions.
    static let withStrings: Set<String> = [
        "virDomainGetMemoryParameters", "virDomainGetNumaParameters",
        "virDomainGetBlkioParameters", "virDomainGetSchedulerParametersFlags",
        "virDomainBlockStatsFlags", "virDomainGetInterfaceParameters",
        "virDomainGetBlockIoTune", "virDomainGetLaunchSecurityInfo",
        "virNodeGetMemoryParameters", "virNodeGetSEVInfo",
    ]
}
