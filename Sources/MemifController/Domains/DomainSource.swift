/// What the controller needs to know of a hypervisor: which domains there are, what their XML says
/// now, and when to look again.
///
/// libvirt is one (``LibvirtDomainSource``); tests have their own.
public protocol DomainSource: Sendable {
    /// Says when to look, for ever: connects, connects again, and never ends before it is cancelled.
    ///
    /// The subscription stands before ``SourceNotice/connected`` is said, so that what happens
    /// between that and the first list is not lost.
    func run(_ notify: @escaping @Sendable (SourceNotice) -> Void) async

    /// All domains, or those that are active: one light call. Starts that wait for something are
    /// found this way only, because no event tells of them before they have gone on.
    func list(_ scope: DomainScope) async throws(DomainSourceError) -> [DomainListing]

    /// What is known of one domain now; nil when there is none of that identity.
    func read(_ vm: VMIdentifier) async throws(DomainSourceError) -> DomainReading?

    /// Connects again at once where it waits because it was refused: somebody may have seen to that.
    func retry()
}

extension DomainSource {
    /// For those that wait for nothing.
    public func retry() {}
}

/// Which domains a list is to have.
public enum DomainScope: Sendable, Hashable {
    /// Defined or active.
    case all
    /// Active: running, paused, starting up.
    case active
}

/// A reason to look.
public enum SourceNotice: Sendable, Hashable {
    /// The connection stands: everything may have changed since the last one.
    case connected
    /// Something may have happened to this domain; the cause counts for logs and graphs only, and the incident
    /// is what a look may come too late for.
    case changed(VMIdentifier, cause: EventCause, incident: DomainIncident? = nil)
    /// Notices may have been lost: look at everything.
    case gap
    /// There is no connection, for the reason given; until the next one nothing can be asked.
    case disconnected(reason: String)
}

/// What has happened, in words.
public struct EventCause: Sendable, Hashable, CustomStringConvertible {
    /// The event, such as `stopped`.
    public var event: String
    /// More exactly, such as `crashed`; empty where there is nothing more.
    public var detail: String

    /// Makes one.
    public init(_ event: String, _ detail: String = "") {
        self.event = event
        self.detail = detail
    }

    /// What an earlier process has left is put back.
    static let restore = EventCause("restore")
    /// Somebody has asked for a change over the control socket.
    static let call = EventCause("call")

    /// Both words.
    public var description: String { detail.isEmpty ? event : "\(event) \(detail)" }
}

/// A line of the list of domains.
public struct DomainListing: Sendable, Hashable {
    /// The domain.
    public var vm: VMIdentifier
    /// Its name.
    public var name: String

    /// Makes a line.
    public init(vm: VMIdentifier, name: String) {
        self.vm = vm
        self.name = name
    }
}

/// A domain, as one look found it.
public struct DomainReading: Sendable, Hashable {
    /// Its name now; it can be renamed.
    public var name: String
    /// How it runs.
    public var phase: DomainPhase
    /// Its XML: the live one while it is active, else that of its definition.
    public var xml: String

    /// Makes a reading.
    public init(name: String, phase: DomainPhase, xml: String) {
        self.name = name
        self.phase = phase
        self.xml = xml
    }

    /// The name as records and the status have it. libvirt sets a name no limit; they do.
    var shownName: String {
        let start = name.unicodeScalars.prefix(1024)
        return start.endIndex == name.unicodeScalars.endIndex ? name : String(start) + "…"
    }
}

/// Why a question was not answered.
public enum DomainSourceError: Error, Sendable, Hashable, CustomStringConvertible {
    /// There is no connection: nothing is known, and nothing must be concluded.
    case unavailable(String)
    /// The question itself was refused.
    case refused(String)

    /// One sentence.
    public var description: String {
        switch self {
        case .unavailable(let reason), .refused(let reason): reason
        }
    }
}
