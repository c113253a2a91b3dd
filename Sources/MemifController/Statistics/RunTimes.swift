internal import Synchronization

/// How long domains are on their way up, and how long after that their peers are there.
final class RunTimes: Sendable {
    typealias Instant = ContinuousClock.Instant

    private struct Run {
        var began: Instant
        /// The ports that have had a peer since, or had one then.
        var connected: Set<String> = []
    }

    private struct State {
        /// Of each domain that began to run while somebody listened.
        var runs: [VMIdentifier: Run] = [:]
        /// The phase of each active domain, and since when it has been found so.
        var phases: [VMIdentifier: (phase: DomainPhase, since: Instant)] = [:]
        var connects = DurationHistogram()
    }

    private let state = Mutex(State())

    /// The domains that were active when they were last looked at.
    var active: Set<VMIdentifier> { state.withLock { Set($0.phases.keys) } }

    /// A look that began then has found a domain so.
    func found(_ vm: VMIdentifier, _ phase: DomainPhase, begun: Instant, now: Instant = .now) {
        guard phase.isActive else { return lost(vm, begun: begun) }
        state.withLock { state in
            let old = state.phases[vm]
            if old?.phase != phase { state.phases[vm] = (phase, now) }
        }
    }

    /// There is no such domain, or it does not run, by a look that began then.
    func lost(_ vm: VMIdentifier, begun: Instant) {
        state.withLock { state in
            state.phases[vm] = nil
            // Of a run that has begun meanwhile the look knows nothing.
            if let run = state.runs[vm], run.began <= begun { state.runs[vm] = nil }
        }
    }

    /// An event tells of something.
    func heard(_ incident: DomainIncident, of vm: VMIdentifier, now: Instant = .now) {
        state.withLock { state in
            switch incident {
            case .began: state.runs[vm] = Run(began: now)
            case .ended: state.runs[vm] = nil
            case .crashed, .rebooted: break
            }
        }
    }

    /// A port's link is up: the first of a run counts, later ones are another matter.
    func connected(_ port: String, of vm: VMIdentifier, now: Instant = .now) {
        state.withLock { state in
            guard let run = state.runs[vm],
                state.runs[vm]?.connected.insert(port).inserted == true
            else { return }
            state.connects.add(run.began.duration(to: now))
        }
    }

    /// A port's link has ended: where it is the first that is heard of the port in this run, that link stood before
    /// the start, and the next one is no first.
    func disconnected(_ port: String, of vm: VMIdentifier) {
        state.withLock { _ = $0.runs[vm]?.connected.insert(port) }
    }

    /// Writes down what is known now.
    ///
    /// - Parameter count: how many domains there are.
    func add(to statistics: inout ControllerStatistics, count: Int, now: Instant = .now) {
        state.withLock { state in
            statistics.connectTimes = state.connects
            statistics.domains = [:]
            for (phase, since) in state.phases.values {
                statistics.domains[phase.name, default: 0] += 1
                if phase == .starting {
                    let wait = since.duration(to: now) / .seconds(1)
                    statistics.oldestStart = max(statistics.oldestStart, wait)
                }
            }
            statistics.domains[.off] = max(0, count - state.phases.count)
        }
    }
}

extension DomainPhase {
    /// A phase in one word, for graphs.
    public enum Name: String, Sendable, Hashable, CaseIterable {
        case off, starting, running, paused, moving, crashed, ending
    }

    var name: Name {
        switch self {
        case .off: .off
        case .starting: .starting
        case .running: .running
        case .paused: .paused
        case .moving: .moving
        case .crashed: .crashed
        case .ending: .ending
        }
    }
}
