public import LibvirtProtocol
internal import XDR

/// Something that happened to a domain.
public struct DomainEvent: Sendable, Equatable {
    /// The domain's name at that moment.
    public let name: String
    /// The domain's identity.
    public let uuid: LibvirtUUID
    /// The domain's id; nil for an inactive one. Do not conclude from it whether the domain is
    /// active: libvirt sends ids with events of domains that have just died.
    public let id: Int32?
    /// The kind of event.
    public let kind: virDomainEventID
    /// What happened.
    public let content: Content

    init(_ domain: remote_nonnull_domain, _ kind: virDomainEventID, _ content: Content) {
        name = domain.name.text
        uuid = LibvirtUUID(domain.uuid)
        id = domain.id < 0 ? nil : domain.id
        self.kind = kind
        self.content = content
    }

    /// What happened, by the kind of event; the messages are the protocol's own.
    public enum Content: Sendable, Equatable {
        /// Defined, started, stopped, …; the detail's enumeration depends on the type
        /// (`virDomainEventStartedDetailType`, …).
        case lifecycle(virDomainEventType, detail: Int32)
        /// Metadata have changed: which sort, and for an element its namespace.
        case metadataChange(virDomainMetadataType, namespace: String?)
        /// The guest has rebooted.
        case reboot
        /// The guest's clock was set, this many seconds from UTC.
        case rtcChange(offset: Int64)
        /// The watchdog has fired.
        case watchdog(virDomainEventWatchdogAction)
        /// A disk has failed.
        case ioError(remote_domain_event_io_error_msg)
        /// A disk has failed, and why.
        case ioErrorReason(remote_domain_event_io_error_reason_msg)
        /// Somebody connected to the graphics, or left.
        case graphics(remote_domain_event_graphics_msg)
        /// The hypervisor could not be controlled; also the only sign of a start that failed.
        case controlError
        /// A block job's state has changed; the disk is named by its path.
        case blockJob(remote_domain_event_block_job_msg)
        /// A block job's state has changed; the disk is named by its target.
        case blockJob2(remote_domain_event_block_job_2_msg)
        /// A removable disk's source has changed.
        case diskChange(remote_domain_event_disk_change_msg)
        /// A tray was opened or closed.
        case trayChange(remote_domain_event_tray_change_msg)
        /// The guest has woken.
        case pmWakeup(reason: Int32)
        /// The guest sleeps in memory.
        case pmSuspend(reason: Int32)
        /// The guest sleeps on disk.
        case pmSuspendDisk(reason: Int32)
        /// The balloon has another size, in KiB.
        case balloonChange(actual: UInt64)
        /// A device has gone: its alias.
        case deviceRemoved(alias: String)
        /// A device has come: its alias.
        case deviceAdded(alias: String)
        /// The guest did not let go of a device: its alias.
        case deviceRemovalFailed(alias: String)
        /// Tunables have changed.
        case tunable(remote_domain_event_callback_tunable_msg)
        /// The guest agent has come or gone.
        case agentLifecycle(
            state: virConnectDomainEventAgentLifecycleState,
            reason: virConnectDomainEventAgentLifecycleReason)
        /// A migration has begun another pass.
        case migrationIteration(Int32)
        /// A job has ended.
        case jobCompleted(remote_domain_event_callback_job_completed_msg)
        /// A disk has been written beyond a threshold.
        case blockThreshold(remote_domain_event_block_threshold_msg)
        /// Memory has failed.
        case memoryFailure(remote_domain_event_memory_failure_msg)
        /// A memory device has another size.
        case memoryDeviceSizeChange(remote_domain_event_memory_device_size_change_msg)
        /// The guest has given a NIC another address.
        case nicMACChange(remote_domain_event_nic_mac_change_msg)
    }
}
