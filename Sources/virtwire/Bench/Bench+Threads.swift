internal import Memif

extension Bench {
    /// What the thread of one queue does, until it is stopped or the link is over.
    func work(_ index: Int) throws(LinkEnd) {
        switch plan.mode {
        case .tx: try send(index)
        case .rx: try receive(index)
        case .echo: try echo(index)
        case .ping: try ping()
        }
    }

    private func send(_ index: Int) throws(LinkEnd) {
        guard var queue = link.takeTransmitQueue(index) else { return }
        var batch = FrameBatch(
            frameCapacity: plan.burst, byteCapacity: plan.burst * (plan.frameSize + 64))
        let frame = Frames.plain(byteCount: plan.frameSize, number: 0)
        for _ in 0..<plan.burst { batch.append(frame) }
        while !isStopping { try sendAll(batch, on: &queue) }
    }

    private func receive(_ index: Int) throws(LinkEnd) {
        guard var queue = link.takeReceiveQueue(index) else { return }
        var batch = FrameBatch(frameCapacity: plan.burst)
        while !isStopping { _ = try queue.receiveBurst(into: &batch) }
    }

    private func echo(_ index: Int) throws(LinkEnd) {
        guard var receiving = link.takeReceiveQueue(index),
            var sending = link.takeTransmitQueue(index)
        else { return }
        var batch = FrameBatch(frameCapacity: plan.burst)
        while !isStopping {
            if try receiving.receiveBurst(into: &batch) > 0 { try sendAll(batch, on: &sending) }
        }
    }

    /// Sends every frame, however often the ring is full meanwhile.
    func sendAll(
        _ batch: borrowing FrameBatch, on queue: inout TransmitQueue
    ) throws(LinkEnd) {
        var done = 0
        while done < batch.count && !isStopping {
            done += try queue.transmitBurst(batch, from: done)
        }
    }
}
