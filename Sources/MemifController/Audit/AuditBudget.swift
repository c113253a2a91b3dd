/// How many lines are written of what others can cause: some at once, and then no more until the minute is
/// over.
struct RefusalBudget {
    /// Lines of one minute.
    static let most = 60

    private var start: ContinuousClock.Instant?
    private var count = 0
    private var unwritten = 0

    /// Takes one.
    ///
    /// - Returns: how many had none since the last that had one; nil when this one is to have none.
    mutating func spend(now: ContinuousClock.Instant) -> Int? {
        if isOver(now: now) {
            start = now
            count = 0
        }
        guard count < Self.most else {
            unwritten += 1
            return nil
        }
        count += 1
        defer { unwritten = 0 }
        return unwritten
    }

    /// Whether there is nothing to remember: no line is owed, and none of this minute counts.
    func isIdle(now: ContinuousClock.Instant) -> Bool { unwritten == 0 && isOver(now: now) }

    private func isOver(now: ContinuousClock.Instant) -> Bool {
        start.map { now - $0 >= .seconds(60) } ?? true
    }
}

/// One budget for the links of each port: a peer that comes and goes without end takes no lines from others.
struct LinkBudgets {
    private struct Port: Hashable {
        var vm: String?
        var name: String?
    }

    private var budgets: [Port: RefusalBudget] = [:]

    /// As ``RefusalBudget/spend(now:)``, for the event's port.
    mutating func spend(on event: AuditEvent, now: ContinuousClock.Instant) -> Int? {
        let port = Port(vm: event.vm, name: event.port)
        // Ports come and go; what is kept of them does too.
        if budgets[port] == nil { budgets = budgets.filter { !$0.value.isIdle(now: now) } }
        return budgets[port, default: RefusalBudget()].spend(now: now)
    }
}
