internal import Libvirt
internal import LibvirtProtocol

extension DomainPhase {
    /// As libvirt has it.
    ///
    /// - Parameter isActive: what the XML says, which was read before. It goes first, as everything else
    ///   that is done is by the XML, and of a start after it an event tells; but not of a start that has
    ///   failed after it.
    init(_ report: DomainStateReport, isActive: Bool) {
        guard isActive, report.state != .shutoff else {
            let reason = virDomainShutoffReason(rawValue: report.reason)
            self = .off(report.state == .shutoff ? RunEnd(reason) : nil)
            return
        }
        switch report.state {
        case .paused: self = .init(paused: .init(rawValue: report.reason))
        case .pmsuspended: self = .paused
        case .crashed: self = .crashed
        case .shutdown: self = .ending
        default: self = .running
        }
    }

    private init(paused reason: virDomainPausedReason) {
        switch reason {
        case .startingUp: self = .starting
        case .migration, .postcopy, .postcopyFailed: self = .moving
        case .crashed: self = .crashed
        default: self = .paused
        }
    }
}

extension RunEnd {
    /// As a domain's state has it; nil where that does not say.
    fileprivate init?(_ reason: virDomainShutoffReason) {
        switch reason {
        case .shutdown, .destroyed, .saved, .fromSnapshot: self = .ordinary
        case .crashed, .daemon: self = .crashed
        case .failed: self = .failed
        case .migrated: self = .migrated
        default: return nil
        }
    }

    /// As an event has it; nil where that does not say.
    fileprivate init?(_ detail: virDomainEventStoppedDetailType) {
        switch detail {
        case .shutdown, .destroyed, .saved, .fromSnapshot: self = .ordinary
        case .crashed: self = .crashed
        // That of a hypervisor's process that died, too.
        case .failed: self = .failed
        case .migrated: self = .migrated
        default: return nil
        }
    }
}

extension DomainIncident {
    /// What an event tells beside that it is time to look; nil where that is nothing.
    init?(_ content: DomainEvent.Content) {
        if case .reboot = content {
            self = .rebooted
            return
        }
        guard case .lifecycle(let type, let detail) = content else { return nil }
        switch type {
        case .started:
            // What comes from another host runs when it is resumed, if it ever is.
            if virDomainEventStartedDetailType(rawValue: detail) == .migrated { return nil }
            self = .began
        case .resumed:
            switch virDomainEventResumedDetailType(rawValue: detail) {
            case .migrated, .postcopy: self = .began
            default: return nil
            }
        case .stopped:
            guard let end = RunEnd(virDomainEventStoppedDetailType(rawValue: detail)) else {
                return nil
            }
            self = .ended(end)
        case .crashed: self = .crashed
        default: return nil
        }
    }
}
