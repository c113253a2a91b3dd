import Testing

@testable import LibvirtRPC

@Suite struct LinkStateTests {
    private let route = LinkState<String>.Route(program: 1, version: 1, procedure: 1)

    private func frame(_ serial: UInt32) -> OutgoingFrame {
        OutgoingFrame([], callSerial: serial)
    }

    private func begin(
        _ state: inout LinkState<String>, _ serial: UInt32
    ) -> LinkState<String>.Begin {
        state.begin(serial, route, frame(serial), name: "P\(serial)", "call \(serial)")
    }

    @Test func callsBeyondTheLimitWaitInOrder() {
        var state = LinkState<String>(mostInFlight: 2)
        for serial in 0..<5 as Range<UInt32> {
            #expect(state.takeSerial() == serial)
            switch begin(&state, serial) {
            case .send: #expect(serial < 2)
            case .wait: #expect(serial >= 2)
            case .refuse: Issue.record("refused")
            }
        }
        for serial in [1, 0, 2, 3, 4] as [UInt32] {
            guard case .deliver(let context, let next) = state.replied(serial, route) else {
                Issue.record("no delivery of \(serial)")
                return
            }
            #expect(context == "call \(serial)")
            let expected: UInt32? = [1: 2, 0: 3, 2: 4][serial]
            #expect(next?.callSerial == expected)
        }
    }

    @Test func aCallGivenUpKeepsItsPlaceUntilTheReply() {
        var state = LinkState<String>(mostInFlight: 1)
        _ = begin(&state, 0)
        _ = begin(&state, 1)
        #expect(state.giveUp(0)?.delivery == .mayHaveRun)
        #expect(state.giveUp(0) == nil)
        guard case .discard(let next) = state.replied(0, route) else {
            Issue.record("the late reply found somebody")
            return
        }
        #expect(next?.callSerial == 1)
        #expect(state.giveUp(1)?.delivery == .mayHaveRun)
    }

    @Test func stuckIsWhoHasOnlyCallsThatWereGivenUp() {
        var state = LinkState<String>(mostInFlight: 2)
        for serial in 0..<3 as Range<UInt32> { _ = begin(&state, serial) }
        let start = ContinuousClock.now
        _ = state.giveUp(0, at: start)
        let early = state.stuckSince
        _ = state.giveUp(1, at: start + .seconds(1))
        let stuck = state.stuckSince
        // The call that waited has the place now.
        _ = state.replied(0, route)
        let still = state.stuckSince
        #expect(early == nil && stuck == start + .seconds(1) && still == nil)
    }

    @Test func aWaitingCallGivenUpWasNeverSent() {
        var state = LinkState<String>(mostInFlight: 1)
        _ = begin(&state, 0)
        _ = begin(&state, 1)
        #expect(state.giveUp(1)?.delivery == .notSent)
        guard case .deliver(_, next: nil) = state.replied(0, route) else {
            Issue.record("a call given up was sent")
            return
        }
    }

    @Test func strangeRepliesDisturbNobody() {
        var state = LinkState<String>(mostInFlight: 1)
        _ = begin(&state, 7)
        guard case .ignore = state.replied(8, route) else {
            Issue.record("an unknown serial was not ignored")
            return
        }
        let other = LinkState<String>.Route(program: 1, version: 1, procedure: 2)
        guard case .mismatch = state.replied(7, other) else {
            Issue.record("another procedure's reply was taken")
            return
        }
        guard case .deliver = state.replied(7, route) else {
            Issue.record("the right reply was not taken")
            return
        }
    }

    @Test func theEndTellsEachCallWhetherItMayHaveRun() {
        var state = LinkState<String>(mostInFlight: 2)
        for serial in 0..<3 as Range<UInt32> { _ = begin(&state, serial) }
        let ended = state.close(LinkFailure(.endOfStream), unsent: [1])
        let deliveries = Dictionary(uniqueKeysWithValues: ended.map { ($0.context, $0.delivery) })
        #expect(
            deliveries == [
                "call 0": .mayHaveRun, "call 1": .notSent, "call 2": .notSent,
            ])
        guard case .refuse = begin(&state, 9) else {
            Issue.record("a closed link took a call")
            return
        }
        #expect(state.close(LinkFailure(.closed), unsent: []).isEmpty)
    }

    @Test func serialsComeRoundWithoutMeetingALiveOne() {
        var state = LinkState<String>(mostInFlight: 4, firstSerial: .max)
        let last = state.takeSerial()
        #expect(last == .max)
        _ = begin(&state, 0)
        #expect(state.takeSerial() == 1)
    }
}
