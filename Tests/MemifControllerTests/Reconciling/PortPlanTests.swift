import Testing

@testable import MemifController

@Suite("Plans for one domain's ports")
struct PortPlanTests {
    private let now = ContinuousClock.now
    private let shutOff = Admission.closed(reason: DisconnectText.shutOff)

    private func plan(
        _ wanted: WantedPorts, _ standing: [StandingPort] = [], run: RunState = .idle
    ) -> PortPlan {
        PortPlan(
            wanted: wanted,
            standing: Dictionary(uniqueKeysWithValues: standing.map { ($0.declaration.name, $0) }),
            run: run, now: now)
    }

    @Test("a defined domain has its sockets, and serves no peer before it runs")
    func define() {
        let port = Sample.port("a")
        #expect(plan(.defined([port])).actions == [.open(port, shutOff)])
        #expect(plan(.defined([port]), run: .running).actions == [.open(port, .open)])
    }

    @Test("a link that does not follow the run is served from define to undefine")
    func always() {
        let port = Sample.port("a") { $0.link = .always }
        #expect(plan(.defined([port])).actions == [.open(port, .open)])
        let standing = StandingPort(declaration: port, admission: .open)
        #expect(
            plan(.defined([port]), [standing], run: .down(since: now - .seconds(99))).actions
                .isEmpty)
    }

    @Test("a start serves peers; a stop lets them go after the linger, and not before")
    func follow() {
        let port = Sample.port("a") { $0.linger = .seconds(10) }
        let closed = StandingPort(declaration: port, admission: shutOff)
        #expect(plan(.defined([port]), [closed], run: .running).actions == [.admit("a", .open)])

        let open = StandingPort(declaration: port, admission: .open)
        let early = plan(.defined([port]), [open], run: .down(since: now - .seconds(4)))
        #expect(early.actions.isEmpty)
        #expect(early.lookAgainAfter == .seconds(6))
        let late = plan(.defined([port]), [open], run: .down(since: now - .seconds(10)))
        #expect(late.actions == [.admit("a", shutOff)])
        #expect(late.lookAgainAfter == nil)
    }

    @Test(
        "an undefined domain's sockets go at once, those of a stopped transient one after the linger"
    )
    func undefine() {
        let port = Sample.port("a") { $0.linger = .seconds(10) }
        let closed = StandingPort(declaration: port, admission: shutOff)
        #expect(plan(.gone, [closed]).actions == [.close("a", reason: "domain undefined")])
        let open = StandingPort(declaration: port, admission: .open)
        let early = plan(.gone, [open], run: .down(since: now))
        #expect(early.actions.isEmpty && early.lookAgainAfter == .seconds(10))
        #expect(early.portsAfter == ["a"])
        let late = plan(.gone, [open], run: .down(since: now - .seconds(10)))
        #expect(late.actions == [.close("a", reason: "domain shut off")])
        #expect(late.portsAfter.isEmpty)
    }

    @Test("what can change under a link does; what cannot is opened anew; closing comes first")
    func change() {
        let old = Sample.port("a")
        let standing = StandingPort(declaration: old, admission: .open)
        for change: (inout PortDeclaration) -> Void in [
            { $0.group = "kvm" }, { $0.owner = "0" }, { $0.linger = .zero }, { $0.link = .always },
        ] {
            let new = Sample.port("a", change)
            #expect(plan(.defined([new]), [standing], run: .running).actions == [.adjust(new)])
        }
        for change: (inout PortDeclaration) -> Void in [
            { $0.id = 1 }, { $0.queues = 2 }, { $0.ringSize = 8 }, { $0.mode = .ip },
            { $0.secretReference = "s" }, { $0.bufferSize = 128 },
        ] {
            let new = Sample.port("a", change)
            let other = Sample.port("0")
            #expect(
                plan(
                    .defined([new, other]),
                    [standing, .init(declaration: Sample.port("z"), admission: .open)],
                    run: .running
                )
                .actions == [
                    .close("z", reason: "port removed"),
                    .reopen(new, .open, reason: "port changed"), .open(other, .open),
                ])
        }
    }

    @Test("a socket that has been meddled with is put right, one that is lost is put back")
    func repair() {
        let port = Sample.port("a")
        let altered = StandingPort(declaration: port, admission: .open, socket: .altered)
        #expect(plan(.defined([port]), [altered], run: .running).actions == [.adjust(port)])
        let lost = StandingPort(declaration: port, admission: .open, socket: .lost)
        #expect(
            plan(.defined([port]), [lost], run: .running).actions == [.adjust(port)])
    }

    @Test("any sequence, with deeds failing at random, ends with exactly what is wanted")
    func convergence() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            var model = PlanModel()
            for _ in 0..<20 { model.step(&random) }
            model.settle()
            #expect(model.hasConverged, "seed \(seed): \(model)")
        }
    }
}

/// A domain, and an executor whose deeds may fail.
private struct PlanModel: CustomStringConvertible {
    var wanted = WantedPorts.gone
    var isRunning = false
    var run = RunState.idle
    var standing: [String: StandingPort] = [:]
    var now = ContinuousClock.now

    var description: String { "\(wanted) \(run) \(standing)" }

    mutating func step(_ random: inout SeededGenerator) {
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
            isRunning = Bool.random(using: &random)
        case 1:
            wanted = .gone
            isRunning = false
        case 2:
            var ports: [String: PortDeclaration] = [:]
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let port = MetadataTests.anyPort(&random)
                ports[port.name] = port
            }
            wanted = .defined(ports.values.sorted { $0.name < $1.name })
        default:
            if let name = standing.keys.sorted().randomElement(using: &random) {
                standing[name]?.socket = Bool.random(using: &random) ? .lost : .altered
            }
        }
        now += .milliseconds(Int.random(in: 0...20_000, using: &random))
        look { Bool.random(using: &random) }
    }

    mutating func settle() {
        for _ in 0..<2 {
            look { false }
            now += PortAttribute.longestLinger
        }
    }

    private mutating func look(fails: () -> Bool) {
        run = run.next(isRunning ? .running : .off(nil), now: now)
        let plan = PortPlan(wanted: wanted, standing: standing, run: run, now: now)
        for action in plan.actions where !fails() {
            switch action {
            case .open(let port, let admission), .reopen(let port, let admission, _):
                standing[port.name] = StandingPort(declaration: port, admission: admission)
            case .adjust(let port):
                standing[port.name]?.declaration = port
                standing[port.name]?.socket = .standing
            case .admit(let name, let admission): standing[name]?.admission = admission
            case .close(let name, _): standing[name] = nil
            }
        }
    }

    var hasConverged: Bool {
        let plan = PortPlan(wanted: wanted, standing: standing, run: run, now: now)
        guard plan.actions.isEmpty else { return false }
        guard case .defined(let ports) = wanted else { return standing.isEmpty }
        return standing.count == ports.count
            && ports.allSatisfy { port in
                let isOpen = isRunning || port.link == .always
                return standing[port.name]?.declaration == port
                    && (standing[port.name]?.admission == .open) == isOpen
            }
    }
}
