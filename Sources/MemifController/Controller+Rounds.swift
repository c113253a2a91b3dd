/// What is done again and again, whether or not anything was told.
extension Controller {
    /// Finds what no event has told of: a start that waits for something, a stop while nobody
    /// listened, a socket file that was taken away.
    func poll() async {
        guard connection == .connected,
            let listed = try? await source.list(.active)
        else { return }
        for vm in host.runTimes.active.symmetricDifference(listed.map(\.vm)) {
            loop.mark(vm, .routine)
        }
        for domain in knownDomains {
            if let urgency = domain.damage { loop.mark(domain.vm, urgency) }
        }
    }

    /// Does something again and again until the task is cancelled.
    func every(_ interval: Duration, _ body: @Sendable () async -> Void) async {
        while !Task.isCancelled {
            // Apart from each other, so that hosts that started together do not ask together.
            try? await Task.sleep(for: interval * Double.random(in: 0.9...1.1))
            if !Task.isCancelled { await body() }
        }
    }
}
