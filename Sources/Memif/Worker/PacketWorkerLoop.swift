internal import LinuxIO

/// What a worker's thread runs. Everything here but `init` belongs to that thread.
final class PacketWorkerLoop: @unchecked Sendable {
    // @unchecked: made on one thread, then handed to the worker's, which alone uses it.

    private let worker: PacketWorker
    private let poller: Poller
    private let pollingTime: Duration
    private var frames = FrameBatch(frameCapacity: 256)
    private var ports: [UInt64: WorkerPort] = [:]
    /// Those of the ports that are polled.
    private var active: [PolledPort] = []
    /// Ports that went to sleep and must be looked at once more, in the order of their times.
    private var rechecks: [(due: ContinuousClock.Instant, token: UInt64)] = []
    private var nextToken: UInt64 = 1
    private var isStopping = false

    init(_ worker: PacketWorker, _ poller: consuming Poller, pollingTime: Duration) {
        self.worker = worker
        self.poller = poller
        self.pollingTime = pollingTime
    }

    func run() {
        // While ports are busy, interrupts of the sleeping ones are looked for now and then.
        var rounds = 0
        while !isStopping {
            if active.isEmpty {
                sleep(milliseconds: rechecks.isEmpty ? -1 : ReceiveQueue.recheckDelay)
            } else if rounds % 16 == 0 {
                sleep(milliseconds: 0)
            }
            rounds &+= 1
            recheck()
            work()
        }
        for port in ports.values { poller.remove(port.receiver.interrupt.descriptor) }
        ports = [:]
        worker.retire()
    }

    private func sleep(milliseconds: Int32) {
        do {
            try poller.wait(milliseconds: milliseconds) { token, _ in
                if token == 0 {
                    worker.wake.drain()
                    for command in worker.takeCommands() { obey(command) }
                } else {
                    wakePort(token)
                }
            }
        } catch {
            preconditionFailure("an epoll set of our own refused to wait: \(error)")
        }
    }

    private func obey(_ command: PacketWorker.Command) {
        switch command {
        case .attach(let link, let handler, let attachment): attach(link, handler, attachment)
        case .detach(let attachment):
            for (token, port) in ports where port.attachment.token == attachment { drop(token) }
        case .lookAt(let attachment):
            for (token, port) in ports where port.attachment.token == attachment {
                wakePort(token)
            }
        case .run(let work): work()
        case .stop: isStopping = true
        }
    }

    private func attach(
        _ link: MemifLink, _ handler: any PacketHandler, _ attachment: PacketAttachment
    ) {
        let senders = (0..<link.transmitQueueCount).map { index in
            WorkerSender(link.takeTransmitQueue(index))
        }
        for index in 0..<link.receiveQueueCount {
            guard let receiver = link.takeReceiveQueue(index, mode: .polling) else { continue }
            let token = nextToken
            nextToken += 1
            let sender = senders.isEmpty ? WorkerSender(nil) : senders[index % senders.count]
            let port = WorkerPort(receiver, sender, handler, attachment)
            do {
                try poller.add(
                    port.receiver.interrupt.descriptor, for: .readable, token: token)
            } catch {
                // Without a place in the set it can never be woken: give the link up and say so.
                link.disconnect(DisconnectReason(.systemFailure, error.description))
                continue
            }
            ports[token] = port
            active.append(PolledPort(token, port))
        }
    }

    private func wakePort(_ token: UInt64) {
        guard let port = ports[token], port.isAsleep else { return }
        port.isAsleep = false
        port.idleSince = nil
        port.receiver.disarmInterrupt()
        active.append(PolledPort(token, port))
    }

    private func drop(_ token: UInt64) {
        active.removeAll { $0.token == token }
        guard let port = ports.removeValue(forKey: token) else { return }
        poller.remove(port.receiver.interrupt.descriptor)
    }

    /// Looks once more at ports that went to sleep a moment ago; see `RingMemory.allowInterrupts`.
    private func recheck() {
        guard let first = rechecks.first else { return }
        let now = ContinuousClock.now
        guard first.due <= now else { return }
        let due = rechecks.prefix { $0.due <= now }
        for (_, token) in due where ports[token]?.receiver.hasNews == true { wakePort(token) }
        rechecks.removeFirst(due.count)
    }

    /// One burst of every active port; those that have been quiet long enough go to sleep.
    private func work() {
        var asleep: [UInt64] = []
        var over: [UInt64] = []
        // By their numbers: who goes through the array retains it.
        for index in 0..<active.count {
            let port = active[index]
            switch port.turn(&frames, pollingTime) {
            case .awake: break
            case .asleep: asleep.append(port.token)
            case .over: over.append(port.token)
            }
        }
        for token in over { drop(token) }
        guard !asleep.isEmpty else { return }
        active.removeAll { asleep.contains($0.token) }
        let due = ContinuousClock.now + .milliseconds(Int(ReceiveQueue.recheckDelay))
        rechecks += asleep.map { (due, $0) }
    }
}

/// A transmit queue that several ports of a link share on one thread.
final class WorkerSender {
    var queue: TransmitQueue?

    init(_ queue: consuming TransmitQueue?) { self.queue = queue }
}

/// A receive queue on a worker's thread, with what belongs to it.
final class WorkerPort {
    var receiver: ReceiveQueue
    let sender: WorkerSender
    let handler: any PacketHandler
    let attachment: PacketAttachment
    var isAsleep = false
    var idleSince: ContinuousClock.Instant?

    init(
        _ receiver: consuming ReceiveQueue, _ sender: WorkerSender, _ handler: any PacketHandler,
        _ attachment: PacketAttachment
    ) {
        self.receiver = receiver
        self.sender = sender
        self.handler = handler
        self.attachment = attachment
    }

    /// What comes of a turn.
    enum Turn {
        /// It is polled on.
        case awake
        /// It was quiet for long enough, and its peer will wake it.
        case asleep
        /// Its link is.
        case over
    }

    /// Serves a burst, or goes to sleep.
    func turn(_ frames: inout FrameBatch, _ pollingTime: Duration) -> Turn {
        do throws(LinkEnd) {
            guard try serve(&frames) == 0 else {
                idleSince = nil
                return .awake
            }
        } catch {
            return .over
        }
        guard shouldSleep(pollingTime) else { return .awake }
        isAsleep = true
        return .asleep
    }

    private func shouldSleep(_ pollingTime: Duration) -> Bool {
        let now = ContinuousClock.now
        guard let since = idleSince else {
            idleSince = now
            return false
        }
        return since.duration(to: now) >= pollingTime && receiver.armInterrupt()
    }

    /// Receives a burst, has it handled, and sends what is left.
    ///
    /// - Returns: how many frames were received.
    func serve(_ frames: inout FrameBatch) throws(LinkEnd) -> Int {
        let count = try receiver.receiveBurst(into: &frames)
        guard count > 0 else { return 0 }
        handler.handle(&frames)
        guard !frames.isEmpty else { return count }
        let sent = try sender.queue?.transmitBurst(frames) ?? 0
        if sent < frames.count { attachment.countUnsent(frames.count - sent) }
        return count
    }
}
