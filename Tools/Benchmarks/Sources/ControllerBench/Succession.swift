import Glibc
import LinuxIO
import MemifTesting

/// One daemon after another, each of which goes on in the place of the one before, while a real testpmd sends as
/// fast as it can.
struct Succession {
    let uri: String
    let runtimeDirectory: String
    /// What starts a daemon that goes on in another's place, or begins where there is none.
    let command: [String]

    /// For how long at most no frame was taken around each hand-over, and as long before it; and the frames that
    /// were lost.
    func measure(_ count: Int) async throws -> String {
        var daemon = try await ChildProcess(command)
        let fleet = try await begin(daemon)
        let domain = try await fleet.define(1)
        _ = try await domain.create()
        try await fleet.waitFor(1, in: "Ready")
        var options = Testpmd.Options(.slave, path: fleet.socket(1))
        options.forwarding = .transmit
        let testpmd = try await Testpmd(options)
        try await fleet.waitFor(1, in: "Connected")

        let ring = try SendersRing(of: testpmd.processID)
        var gaps = Figures()
        var usual = Figures()
        // The first ones warm everything up.
        for number in 1...(count + 5) {
            _ = ring.takeLongestGap()
            try await Task.sleep(for: .milliseconds(200))
            let before = ring.takeLongestGap()
            daemon = try await replace(daemon, ring)
            let gap = ring.takeLongestGap()
            if number <= 5 { continue }
            gaps.add(gap)
            usual.add(before)
        }
        ring.stop()
        let sent = await testpmd.stop().sentPackets
        let received = try await received(from: daemon)
        await fleet.close()
        daemon.signal(SIGTERM)
        await daemon.waitForEnd()
        return "{"
            + [
                gaps.members("hand_over_gap"), usual.members("usual_gap"),
                #""frames": \#(sent), "frames_lost": \#(sent - received)"#,
            ].joined(separator: ", ") + "}"
    }

    /// Starts the next daemon, and returns when frames are taken after the end of the last.
    private func replace(
        _ last: ChildProcess, _ ring: SendersRing
    ) async throws -> ChildProcess {
        let next = try await ChildProcess(command)
        guard await last.waitForEnd() == 0 else {
            throw Wrong("a daemon did not end as one that hands over: \(last.output.suffix(500))")
        }
        let end = ContinuousClock.now
        while ring.lastChange < end {
            guard end.duration(to: .now) < .seconds(30), next.status == nil else {
                throw Wrong("a daemon goes on with nothing: \(next.output.suffix(500))")
            }
            Pause.brief()
        }
        return next
    }

    /// Waits until a daemon answers.
    private func begin(_ daemon: ChildProcess) async throws -> Fleet {
        let deadline = ContinuousClock.now + .seconds(30)
        while true {
            do {
                return try await Fleet(uri: uri, runtimeDirectory: runtimeDirectory)
            } catch {
                guard daemon.status == nil, ContinuousClock.now < deadline else {
                    throw Wrong("\(error): \(daemon.output.suffix(500))")
                }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    /// The frames that all daemons together have taken, once the peer has gone.
    private func received(from daemon: ChildProcess) async throws -> Int {
        let fleet = try await begin(daemon)
        try await fleet.waitFor(1, in: "Ready")
        let port = try await fleet.port(1)
        await fleet.close()
        return Int(port.rx_packets) - Int(port.drops)
    }
}
