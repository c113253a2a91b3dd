internal import LibvirtProtocol
internal import XDR

extension EventReader {
    /// A kind of a domain's events.
    private static func reader<Message>(
        _ kind: virDomainEventID, _ procedure: XDRProcedure<Message, XDRVoid>,
        _ callback: @escaping @Sendable (Message) -> Int32,
        _ domain: @escaping @Sendable (Message) -> remote_nonnull_domain,
        _ content: @escaping @Sendable (Message) -> DomainEvent.Content
    ) -> EventReader {
        EventReader(.domain(kind), procedure, callback) {
            .domain(DomainEvent(domain($0), kind, content($0)))
        }
    }

    /// Kinds that are older than callback ids: the old message stands within the new.
    static let earlyDomainKinds: [EventReader] = [
        reader(
            .lifecycle, Remote.DOMAIN_EVENT_CALLBACK_LIFECYCLE, \.callbackID, \.msg.dom
        ) { .lifecycle(virDomainEventType(rawValue: $0.msg.event), detail: $0.msg.detail) },
        reader(
            .reboot, Remote.DOMAIN_EVENT_CALLBACK_REBOOT, \.callbackID, \.msg.dom
        ) { _ in .reboot },
        reader(
            .rtcChange, Remote.DOMAIN_EVENT_CALLBACK_RTC_CHANGE, \.callbackID, \.msg.dom
        ) { .rtcChange(offset: $0.msg.offset) },
        reader(
            .watchdog, Remote.DOMAIN_EVENT_CALLBACK_WATCHDOG, \.callbackID, \.msg.dom
        ) { .watchdog(virDomainEventWatchdogAction(rawValue: $0.msg.action)) },
        reader(
            .ioError, Remote.DOMAIN_EVENT_CALLBACK_IO_ERROR, \.callbackID, \.msg.dom
        ) { .ioError($0.msg) },
        reader(
            .graphics, Remote.DOMAIN_EVENT_CALLBACK_GRAPHICS, \.callbackID, \.msg.dom
        ) { .graphics($0.msg) },
        reader(
            .ioErrorReason, Remote.DOMAIN_EVENT_CALLBACK_IO_ERROR_REASON, \.callbackID, \.msg.dom
        ) { .ioErrorReason($0.msg) },
        reader(
            .controlError, Remote.DOMAIN_EVENT_CALLBACK_CONTROL_ERROR, \.callbackID, \.msg.dom
        ) { _ in .controlError },
        reader(
            .blockJob, Remote.DOMAIN_EVENT_CALLBACK_BLOCK_JOB, \.callbackID, \.msg.dom
        ) { .blockJob($0.msg) },
        reader(
            .diskChange, Remote.DOMAIN_EVENT_CALLBACK_DISK_CHANGE, \.callbackID, \.msg.dom
        ) { .diskChange($0.msg) },
        reader(
            .trayChange, Remote.DOMAIN_EVENT_CALLBACK_TRAY_CHANGE, \.callbackID, \.msg.dom
        ) { .trayChange($0.msg) },
        reader(
            .pmwakeup, Remote.DOMAIN_EVENT_CALLBACK_PMWAKEUP, \.callbackID, \.msg.dom
        ) { .pmWakeup(reason: $0.reason) },
        reader(
            .pmsuspend, Remote.DOMAIN_EVENT_CALLBACK_PMSUSPEND, \.callbackID, \.msg.dom
        ) { .pmSuspend(reason: $0.reason) },
        reader(
            .balloonChange, Remote.DOMAIN_EVENT_CALLBACK_BALLOON_CHANGE, \.callbackID, \.msg.dom
        ) { .balloonChange(actual: $0.msg.actual) },
        reader(
            .pmsuspendDisk, Remote.DOMAIN_EVENT_CALLBACK_PMSUSPEND_DISK, \.callbackID, \.msg.dom
        ) { .pmSuspendDisk(reason: $0.reason) },
        reader(
            .deviceRemoved, Remote.DOMAIN_EVENT_CALLBACK_DEVICE_REMOVED, \.callbackID, \.msg.dom
        ) { .deviceRemoved(alias: $0.msg.devAlias.text) },
    ]

    /// Kinds that came with callback ids.
    static let lateDomainKinds: [EventReader] = [
        reader(.blockJob2, Remote.DOMAIN_EVENT_BLOCK_JOB_2, \.callbackID, \.dom) {
            .blockJob2($0)
        },
        reader(.tunable, Remote.DOMAIN_EVENT_CALLBACK_TUNABLE, \.callbackID, \.dom) {
            .tunable($0)
        },
        reader(.agentLifecycle, Remote.DOMAIN_EVENT_CALLBACK_AGENT_LIFECYCLE, \.callbackID, \.dom) {
            .agentLifecycle(
                state: virConnectDomainEventAgentLifecycleState(rawValue: $0.state),
                reason: virConnectDomainEventAgentLifecycleReason(rawValue: $0.reason))
        },
        reader(.deviceAdded, Remote.DOMAIN_EVENT_CALLBACK_DEVICE_ADDED, \.callbackID, \.dom) {
            .deviceAdded(alias: $0.devAlias.text)
        },
        reader(
            .migrationIteration, Remote.DOMAIN_EVENT_CALLBACK_MIGRATION_ITERATION, \.callbackID,
            \.dom
        ) {
            .migrationIteration($0.iteration)
        },
        reader(.jobCompleted, Remote.DOMAIN_EVENT_CALLBACK_JOB_COMPLETED, \.callbackID, \.dom) {
            .jobCompleted($0)
        },
        reader(
            .deviceRemovalFailed, Remote.DOMAIN_EVENT_CALLBACK_DEVICE_REMOVAL_FAILED, \.callbackID,
            \.dom
        ) {
            .deviceRemovalFailed(alias: $0.devAlias.text)
        },
        reader(.metadataChange, Remote.DOMAIN_EVENT_CALLBACK_METADATA_CHANGE, \.callbackID, \.dom) {
            .metadataChange(
                virDomainMetadataType(rawValue: $0.type), namespace: $0.nsuri?.text)
        },
        reader(.blockThreshold, Remote.DOMAIN_EVENT_BLOCK_THRESHOLD, \.callbackID, \.dom) {
            .blockThreshold($0)
        },
        reader(.memoryFailure, Remote.DOMAIN_EVENT_MEMORY_FAILURE, \.callbackID, \.dom) {
            .memoryFailure($0)
        },
        reader(
            .memoryDeviceSizeChange, Remote.DOMAIN_EVENT_MEMORY_DEVICE_SIZE_CHANGE, \.callbackID,
            \.dom
        ) {
            .memoryDeviceSizeChange($0)
        },
        reader(.nicMacChange, Remote.DOMAIN_EVENT_NIC_MAC_CHANGE, \.callbackID, \.dom) {
            .nicMACChange($0)
        },
    ]
}
