package import LibvirtProtocol

/// The names of libvirt's numbers as its own tools write them: `VIR_DOMAIN_EVENT_ID_RTC_CHANGE` is
/// "rtc-change". A number that is not known stays as it is.
package enum LibvirtNames {
    package static func name(
        _ value: some CustomStringConvertible, without prefix: String
    ) -> String {
        let name = value.description
        guard name.hasPrefix(prefix) else { return name }
        return name.dropFirst(prefix.count).lowercased().replacing("_", with: "-")
    }

    package static func kind(_ kind: virDomainEventID) -> String {
        let name = name(kind, without: "VIR_DOMAIN_EVENT_ID_")
        return name.hasPrefix("pm") ? "pm-" + name.dropFirst(2) : name
    }

    package static func state(_ state: virDomainState) -> String {
        name(state, without: "VIR_DOMAIN_")
    }

    package static func event(_ type: virDomainEventType) -> String {
        name(type, without: "VIR_DOMAIN_EVENT_")
    }

    /// The detail of a lifecycle event; each type has an enumeration of its own.
    package static func detail(_ detail: Int32, of type: virDomainEventType) -> String {
        let value: any CustomStringConvertible =
            switch type {
            case .defined: virDomainEventDefinedDetailType(rawValue: detail)
            case .undefined: virDomainEventUndefinedDetailType(rawValue: detail)
            case .started: virDomainEventStartedDetailType(rawValue: detail)
            case .suspended: virDomainEventSuspendedDetailType(rawValue: detail)
            case .resumed: virDomainEventResumedDetailType(rawValue: detail)
            case .stopped: virDomainEventStoppedDetailType(rawValue: detail)
            case .shutdown: virDomainEventShutdownDetailType(rawValue: detail)
            case .pmsuspended: virDomainEventPMSuspendedDetailType(rawValue: detail)
            case .crashed: virDomainEventCrashedDetailType(rawValue: detail)
            default: detail
            }
        return name(value, without: "\(type)_")
    }
}
