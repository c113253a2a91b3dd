internal import LibvirtProtocol
internal import XDR

/// An event of QEMU's own, as its monitor gave it.
///
/// What QEMU says is not part of libvirt's promises and may change with QEMU's version.
///
/// Source: `virConnectDomainQemuMonitorEventCallback`.
public struct MonitorEvent: Sendable, Equatable {
    /// The kinds of monitor events: there is one, and they are told apart by ``MonitorEvent/event``.
    public enum Kind: Hashable, Sendable {
        /// An event of the monitor's.
        case monitor
    }

    /// The domain's name at that moment.
    public let name: String
    /// The domain's identity.
    public let uuid: LibvirtUUID
    /// The event's name in QEMU, such as `SHUTDOWN`.
    public let event: String
    /// When it happened by the host's clock, in seconds since 1970.
    public let seconds: Int64
    /// The microseconds of that second.
    public let microseconds: UInt32
    /// What QEMU says of it, as JSON; nil when it says nothing.
    public let details: String?

    init(_ raw: qemu_domain_monitor_event_msg) {
        name = raw.dom.name.text
        uuid = LibvirtUUID(raw.dom.uuid)
        event = raw.event.text
        seconds = raw.seconds
        microseconds = raw.micros
        details = raw.details?.text
    }
}

extension MonitorEvent: SubscribedEvent {
    /// A monitor's event.
    public init?(_ event: LibvirtEvent) {
        guard case .monitor(let event) = event else { return nil }
        self = event
    }

    /// The kind of a monitor's event.
    public static func kind(_ kind: EventKind) -> Kind? {
        if case .monitor = kind { .monitor } else { nil }
    }
}

/// Which of QEMU's events are wanted; the daemon sends no others.
public struct MonitorEventFilter: Hashable, Sendable {
    let text: String?
    let flags: virConnectDomainQemuMonitorEventRegisterFlags

    private init(
        _ text: String?, _ flags: virConnectDomainQemuMonitorEventRegisterFlags,
        _ ignoresCase: Bool = false
    ) {
        self.text = text
        self.flags = ignoresCase ? flags.union(.nocase) : flags
    }

    /// Every event.
    public static let any = MonitorEventFilter(nil, [])

    /// The event of one name, such as `SHUTDOWN`.
    public static func named(_ name: String, ignoringCase: Bool = false) -> MonitorEventFilter {
        MonitorEventFilter(name, [], ignoringCase)
    }

    /// Events whose name matches a regular expression somewhere, as the daemon understands those
    /// (GLib's, which are Perl's): `^BLOCK_JOB_`. An expression that is none is an error of the
    /// daemon's when the subscription is made.
    public static func matching(
        _ expression: String, ignoringCase: Bool = false
    ) -> MonitorEventFilter {
        MonitorEventFilter(expression, .regex, ignoringCase)
    }
}
