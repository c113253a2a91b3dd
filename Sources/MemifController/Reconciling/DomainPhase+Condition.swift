extension DomainPhase {
    /// How a port is that stands as declared and serves peers.
    var condition: PortCondition {
        switch self {
        case .off, .running: PortCondition(.ready)
        case .starting:
            PortCondition(
                .ready, reason: "the domain is being started; frames are dropped until it runs")
        case .paused:
            PortCondition(
                .ready, reason: "the domain is paused; frames are dropped until it goes on")
        case .moving:
            PortCondition(
                .ready,
                reason: "the domain is being migrated; frames are dropped until it runs here")
        case .ending: PortCondition(.ready, reason: "the domain is shutting down")
        case .crashed:
            PortCondition(
                .degraded, reason: "the domain's guest has crashed; frames are dropped",
                remedy: "dump the domain for a look at it, then reset or destroy it")
        }
    }
}
