import Libvirt
import LibvirtProtocol
import LinuxIO
import Memif

extension Fleet {
    /// A domain's life, so many times one after another: from its definition and the event of that to its
    /// socket, from the event of its start to a link, and what a link takes by itself; all as this client
    /// sees them. The slave has rings of 64 buffers, and once of as many as are usual.
    func latencies(_ count: Int) async throws -> String {
        var defined = Figures()
        var ready = Figures()
        var linked = Figures()
        var alone = Figures()
        var usual = Figures()
        // The first ones warm everything up.
        for number in 1...(count + 20) {
            let start = ContinuousClock.now
            let domain = try await define(number)
            try await waitFor(number, stands: true)
            let stands = ContinuousClock.now
            let told = sightings.take(.defined, of: name(number))
            async let started = domain.create()
            let time = try await link(number, since: sightings.take(.started, of: name(number)))
            _ = try await started
            let second = try await link(number, since: .now)
            let third = try await link(number, since: .now, ringSize: 1024)
            try await domain.destroy()
            try await domain.undefine()
            try await waitFor(number, stands: false)
            if number <= 20 { continue }
            defined.add(start.duration(to: stands))
            ready.add(told.duration(to: stands))
            linked.add(time)
            alone.add(second)
            usual.add(third)
            // The machine is to be idle when the next one comes.
            try await Task.sleep(for: .milliseconds(10))
        }
        return "{"
            + [
                defined.members("define_to_socket"), ready.members("event_to_socket"),
                linked.members("start_event_to_link"), alone.members("link_alone"),
                usual.members("usual_link_alone"),
            ].joined(separator: ", ") + "}"
    }

    /// Connects to a domain's port, and gives the time from then to the link. An attempt that comes before
    /// the daemon has looked is refused; the next one comes soon.
    private func link(
        _ number: Int, since start: ContinuousClock.Instant, ringSize: Int = 64
    ) async throws -> Duration {
        var configuration = InterfaceConfiguration()
        configuration.ringSize = ringSize
        let slave = try MemifInterface.connect(
            to: UnixAddress(path: socket(number)), configuration, on: loop,
            reconnect: ReconnectPolicy(
                firstPause: .microseconds(200), longestPause: .microseconds(200)))
        _ = try await slave.waitForLink(within: .seconds(30))
        let time = start.duration(to: .now)
        slave.remove()
        return time
    }
}
