internal import Memif

extension Bench {
    /// How long an answer may take.
    private static var patience: Duration { .seconds(1) }

    /// Asks, waits for the answer, asks again.
    func ping() throws(LinkEnd) {
        guard var receiving = try ReceivingQueues.take(of: link),
            var sending = link.takeTransmitQueue(0)
        else { return }
        var batch = FrameBatch()
        var neighbour: MACAddress?
        if case .ping(let from, let to) = plan.question {
            let request = Frames.whoHas(to, from)
            while neighbour == nil && !isStopping {
                neighbour = try exchange(request, &sending, &receiving, &batch) { frame in
                    Frames.hardwareAddress(inReply: frame, for: to)
                }
            }
            if let neighbour {
                let found = AddressRecord(to, at: neighbour)
                try? plan.format.line(found, found.text)
            }
        }
        var number: UInt16 = 0
        while !isStopping {
            let (question, isAnswer) = question(number, neighbour)
            let start = ContinuousClock.now
            let answered = try exchange(question, &sending, &receiving, &batch) { frame in
                isAnswer(frame) ? ContinuousClock.now : nil
            }
            if let answered { note(answered - start) } else if !isStopping { noteLoss() }
            number &+= 1
            try pause(&receiving)
        }
    }

    private func question(
        _ number: UInt16, _ neighbour: MACAddress?
    ) -> (frame: [UInt8], isAnswer: ([UInt8]) -> Bool) {
        guard case .ping(let from, let to) = plan.question, let neighbour else {
            let frame = Frames.plain(byteCount: max(plan.frameSize, 60), number: number)
            // The addresses may come back exchanged.
            return (frame, { $0.dropFirst(12) == frame.dropFirst(12) })
        }
        let echo = Echo(from: from, to: to, at: neighbour, number: number)
        return (
            Frames.echoRequest(echo, byteCount: plan.frameSize), { Frames.isReply($0, to: echo) }
        )
    }

    /// Sends a frame and passes what comes back to a closure until it finds what it looks for.
    private func exchange<Found>(
        _ frame: [UInt8], _ sending: inout TransmitQueue, _ receiving: inout ReceivingQueues,
        _ batch: inout FrameBatch, _ find: ([UInt8]) -> Found?
    ) throws(LinkEnd) -> Found? {
        batch.removeAll()
        batch.append(frame)
        try sendAll(batch, on: &sending)
        return try receiving.find(
            until: ContinuousClock.now + Self.patience, while: { !isStopping }, find)
    }

    private func pause(_ receiving: inout ReceivingQueues) throws(LinkEnd) {
        guard plan.interval > .zero else { return }
        try receiving.discard(until: ContinuousClock.now + plan.interval) { !isStopping }
    }
}
