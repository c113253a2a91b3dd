import Libvirt
import LibvirtProtocol
import LibvirtTesting
import Testing
import XDR

/// Every kind of event that a domain has, from a daemon that says what a test wants.
@Suite("Every kind of a domain's events", .timeLimit(.minutes(4))) struct DomainKindTests {
    private let dom = remote_nonnull_domain(name: "vm", uuid: remote_uuid(), id: 7)

    /// Kinds whose new message has the old one within; what they are to be read as.
    private func emitEarly(_ daemon: FakeLibvirtd) throws -> [DomainEvent.Content] {
        let ioError = remote_domain_event_io_error_msg(
            dom: dom, srcPath: "/disk", devAlias: "virtio0", action: 1)
        let reason = remote_domain_event_io_error_reason_msg(
            dom: dom, srcPath: "/disk", devAlias: "virtio0", action: 1, reason: "enospc")
        let graphics = remote_domain_event_graphics_msg(
            dom: dom, phase: 1, local: .init(family: 0, node: "here", service: "5900"),
            remote: .init(family: 1, node: "there", service: "40000"), authScheme: "vnc",
            subject: [.init(type: "x509dname", name: "CN=a"), .init(type: "sasl", name: "b")])
        let blockJob = remote_domain_event_block_job_msg(
            dom: dom, path: "/disk", type: 1, status: 2)
        let diskChange = remote_domain_event_disk_change_msg(
            dom: dom, oldSrcPath: "/old", newSrcPath: nil, devAlias: "ide0", reason: 0)
        let trayChange = remote_domain_event_tray_change_msg(dom: dom, devAlias: "ide0", reason: 1)
        try daemon.emit(.lifecycle, Remote.DOMAIN_EVENT_CALLBACK_LIFECYCLE) {
            .init(callbackID: $0, msg: .init(dom: dom, event: 99, detail: 3))
        }
        try daemon.emit(.reboot, Remote.DOMAIN_EVENT_CALLBACK_REBOOT) {
            .init(callbackID: $0, msg: .init(dom: dom))
        }
        try daemon.emit(.rtcChange, Remote.DOMAIN_EVENT_CALLBACK_RTC_CHANGE) {
            .init(callbackID: $0, msg: .init(dom: dom, offset: -3600))
        }
        try daemon.emit(.watchdog, Remote.DOMAIN_EVENT_CALLBACK_WATCHDOG) {
            .init(callbackID: $0, msg: .init(dom: dom, action: 2))
        }
        try daemon.emit(.ioError, Remote.DOMAIN_EVENT_CALLBACK_IO_ERROR) {
            .init(callbackID: $0, msg: ioError)
        }
        try daemon.emit(.graphics, Remote.DOMAIN_EVENT_CALLBACK_GRAPHICS) {
            .init(callbackID: $0, msg: graphics)
        }
        try daemon.emit(.ioErrorReason, Remote.DOMAIN_EVENT_CALLBACK_IO_ERROR_REASON) {
            .init(callbackID: $0, msg: reason)
        }
        try daemon.emit(.controlError, Remote.DOMAIN_EVENT_CALLBACK_CONTROL_ERROR) {
            .init(callbackID: $0, msg: .init(dom: dom))
        }
        try daemon.emit(.blockJob, Remote.DOMAIN_EVENT_CALLBACK_BLOCK_JOB) {
            .init(callbackID: $0, msg: blockJob)
        }
        try daemon.emit(.diskChange, Remote.DOMAIN_EVENT_CALLBACK_DISK_CHANGE) {
            .init(callbackID: $0, msg: diskChange)
        }
        try daemon.emit(.trayChange, Remote.DOMAIN_EVENT_CALLBACK_TRAY_CHANGE) {
            .init(callbackID: $0, msg: trayChange)
        }
        return [
            .lifecycle(virDomainEventType(rawValue: 99), detail: 3), .reboot,
            .rtcChange(offset: -3600), .watchdog(virDomainEventWatchdogAction(rawValue: 2)),
            .ioError(ioError), .graphics(graphics), .ioErrorReason(reason), .controlError,
            .blockJob(blockJob), .diskChange(diskChange), .trayChange(trayChange),
        ]
    }

    private func emitSleepAndDevices(_ daemon: FakeLibvirtd) throws -> [DomainEvent.Content] {
        try daemon.emit(.pmwakeup, Remote.DOMAIN_EVENT_CALLBACK_PMWAKEUP) {
            .init(callbackID: $0, reason: 1, msg: .init(dom: dom))
        }
        try daemon.emit(.pmsuspend, Remote.DOMAIN_EVENT_CALLBACK_PMSUSPEND) {
            .init(callbackID: $0, reason: 2, msg: .init(dom: dom))
        }
        try daemon.emit(.balloonChange, Remote.DOMAIN_EVENT_CALLBACK_BALLOON_CHANGE) {
            .init(callbackID: $0, msg: .init(dom: dom, actual: 1 << 40))
        }
        try daemon.emit(.pmsuspendDisk, Remote.DOMAIN_EVENT_CALLBACK_PMSUSPEND_DISK) {
            .init(callbackID: $0, reason: 3, msg: .init(dom: dom))
        }
        try daemon.emit(.deviceRemoved, Remote.DOMAIN_EVENT_CALLBACK_DEVICE_REMOVED) {
            .init(callbackID: $0, msg: .init(dom: dom, devAlias: "net0"))
        }
        try daemon.emit(.agentLifecycle, Remote.DOMAIN_EVENT_CALLBACK_AGENT_LIFECYCLE) {
            .init(callbackID: $0, dom: dom, state: 1, reason: 2)
        }
        try daemon.emit(.deviceAdded, Remote.DOMAIN_EVENT_CALLBACK_DEVICE_ADDED) {
            .init(callbackID: $0, dom: dom, devAlias: "net1")
        }
        try daemon.emit(.migrationIteration, Remote.DOMAIN_EVENT_CALLBACK_MIGRATION_ITERATION) {
            .init(callbackID: $0, dom: dom, iteration: 4)
        }
        try daemon.emit(.deviceRemovalFailed, Remote.DOMAIN_EVENT_CALLBACK_DEVICE_REMOVAL_FAILED) {
            .init(callbackID: $0, dom: dom, devAlias: "net2")
        }
        try daemon.emit(.metadataChange, Remote.DOMAIN_EVENT_CALLBACK_METADATA_CHANGE) {
            .init(callbackID: $0, dom: dom, type: 2, nsuri: nil)
        }
        return [
            .pmWakeup(reason: 1), .pmSuspend(reason: 2), .balloonChange(actual: 1 << 40),
            .pmSuspendDisk(reason: 3), .deviceRemoved(alias: "net0"),
            .agentLifecycle(state: .connected, reason: .channel), .deviceAdded(alias: "net1"),
            .migrationIteration(4), .deviceRemovalFailed(alias: "net2"),
            .metadataChange(.element, namespace: nil),
        ]
    }

    /// Kinds that are told in the message of the protocol; the messages as they were sent.
    private func emitWhole(_ daemon: FakeLibvirtd) throws -> [DomainEvent.Content] {
        let parameter = remote_typed_param(field: "cpu.shares", value: .ul(7))
        var blockJob2 = remote_domain_event_block_job_2_msg(
            callbackID: 0, dom: dom, dst: "vda", type: 1, status: 0)
        var tunable = remote_domain_event_callback_tunable_msg(
            callbackID: 0, dom: dom, params: [parameter])
        var completed = remote_domain_event_callback_job_completed_msg(
            callbackID: 0, dom: dom, params: [parameter])
        var threshold = remote_domain_event_block_threshold_msg(
            callbackID: 0, dom: dom, dev: "vda", path: nil, threshold: 1, excess: .max)
        var failure = remote_domain_event_memory_failure_msg(
            callbackID: 0, dom: dom, recipient: 1, action: 2, flags: 3)
        var size = remote_domain_event_memory_device_size_change_msg(
            callbackID: 0, dom: dom, alias: "ua-1", size: 1 << 33)
        var address = remote_domain_event_nic_mac_change_msg(
            callbackID: 0, dom: dom, alias: "net0", oldMAC: "52:54:00:00:00:01",
            newMAC: "52:54:00:00:00:02")
        func with<Message>(
            _ message: inout Message, _ callback: WritableKeyPath<Message, Int32>, _ number: Int32
        ) -> Message {
            message[keyPath: callback] = number
            return message
        }
        try daemon.emit(.blockJob2, Remote.DOMAIN_EVENT_BLOCK_JOB_2) {
            with(&blockJob2, \.callbackID, $0)
        }
        try daemon.emit(.tunable, Remote.DOMAIN_EVENT_CALLBACK_TUNABLE) {
            with(&tunable, \.callbackID, $0)
        }
        try daemon.emit(.jobCompleted, Remote.DOMAIN_EVENT_CALLBACK_JOB_COMPLETED) {
            with(&completed, \.callbackID, $0)
        }
        try daemon.emit(.blockThreshold, Remote.DOMAIN_EVENT_BLOCK_THRESHOLD) {
            with(&threshold, \.callbackID, $0)
        }
        try daemon.emit(.memoryFailure, Remote.DOMAIN_EVENT_MEMORY_FAILURE) {
            with(&failure, \.callbackID, $0)
        }
        try daemon.emit(
            .memoryDeviceSizeChange, Remote.DOMAIN_EVENT_MEMORY_DEVICE_SIZE_CHANGE
        ) {
            with(&size, \.callbackID, $0)
        }
        try daemon.emit(.nicMacChange, Remote.DOMAIN_EVENT_NIC_MAC_CHANGE) {
            with(&address, \.callbackID, $0)
        }
        return [
            .blockJob2(blockJob2), .tunable(tunable), .jobCompleted(completed),
            .blockThreshold(threshold), .memoryFailure(failure), .memoryDeviceSizeChange(size),
            .nicMACChange(address),
        ]
    }

    @Test("each is told with all that its message has")
    func contents() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            let kinds = Set(virDomainEventID.allCases)
            #expect(kinds.count == 28)
            var events = try await connection.domainEvents(kinds).makeAsyncIterator()
            #expect(daemon.registrationCount == kinds.count)
            var expected = try emitEarly(daemon)
            expected += try emitSleepAndDevices(daemon)
            expected += try emitWhole(daemon)
            var told: Set<virDomainEventID> = []
            for content in expected {
                guard case .event(let event) = try await events.next() else {
                    Issue.record("\(content) was not told")
                    return
                }
                #expect(event.content == content)
                #expect(event.name == "vm" && event.id == 7)
                told.insert(event.kind)
            }
            #expect(told == kinds)
            await connection.close()
        }
    }
}
