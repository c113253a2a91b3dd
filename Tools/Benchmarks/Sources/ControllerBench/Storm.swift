import Libvirt

extension Fleet {
    /// So many domains, each step for all of them as fast as libvirt takes it: how long the calls take,
    /// and how long after the last one the daemon is done.
    func storm(_ count: Int) async throws -> String {
        var members: [String] = []
        var domains: [Domain] = []
        try await step("define", &members) {
            for number in 1...count { domains.append(try await define(number)) }
        } done: {
            try await waitFor(count, in: "Waiting")
        }
        try await step("start", &members) {
            for domain in domains { _ = try await domain.create() }
        } done: {
            try await waitFor(count, in: "Ready")
        }
        try await step("stop", &members) {
            for domain in domains { try await domain.destroy() }
        } done: {
            try await waitFor(count, in: "Waiting")
        }
        try await step("undefine", &members) {
            for domain in domains { try await domain.undefine() }
        } done: {
            try await waitFor(0, in: "")
        }
        return "{" + members.joined(separator: ", ") + "}"
    }

    private func step(
        _ name: String, _ members: inout [String], _ calls: () async throws -> Void,
        done: () async throws -> Void
    ) async throws {
        let start = ContinuousClock.now
        try await calls()
        let called = ContinuousClock.now
        try await done()
        let lag = called.duration(to: .now)
        members.append(#""\#(name)_calls": \#(start.duration(to: called) / .seconds(1))"#)
        members.append(#""\#(name)_behind": \#(lag / .milliseconds(1))"#)
    }
}
