extension RingModel {
    /// `TransmitQueue.transmitBurst`, one access to shared memory at a time.
    mutating func stepSender() throws(Wrong) {
        switch sender {
        case .look:
            // lookForRoom, moveLimit
            let wanted = min(rules.burst, UInt16(rules.frames) - UInt16(nextFrame) + 1)
            let index = senderView().receiverIndex
            sendLimit = isReceiverOwner ? index : index &+ rules.ringSize
            let free = sendLimit &- sendPosition
            guard free <= rules.ringSize else { throw Wrong(text: "more room than the ring has") }
            // Its caller offers the rest again.
            guard free > 0, wanted > 0 else { return }
            filled = sendPosition
            sender = rules.senderFillsFirst ? .fill : .publish
        case .fill:
            // place: a master reads the slave's empty buffer first.
            if isReceiverOwner, senderView().slots[slot(filled)] != 0 {
                throw Wrong(text: "an empty buffer that is none")
            }
            sends(.slot(slot(filled), nextFrame))
            nextFrame += 1
            filled &+= 1
            let isFull = filled == sendLimit || filled &- sendPosition == rules.burst
            guard isFull || nextFrame > rules.frames else { return }
            if rules.senderFillsFirst {
                sender = .publish
            } else {
                sendPosition = filled
                sender = .check
            }
        case .publish:
            // publishAndCheck: the index, and a barrier behind it.
            let end = rules.senderFillsFirst ? filled : sendPosition &+ 1
            sends(.senderIndex(end))
            if rules.senderHasFence { flushSender() }
            if rules.senderFillsFirst {
                sendPosition = filled
                sender = .check
            } else {
                sender = .fill
            }
        case .check:
            // publishAndCheck: does the receiver want an interrupt?
            sender = senderView().isMasked ? .look : .signal
            if sender == .look, nextFrame > rules.frames { sender = .done }
        case .signal:
            // EventCounter.signal: a system call, which is a barrier too.
            flushSender()
            isRaised = true
            sender = nextFrame > rules.frames ? .done : .look
        case .done: break
        }
    }

    /// `ReceiveQueue.receiveBurst` and `waitForFrames`, one access to shared memory at a time.
    mutating func stepReceiver() throws(Wrong) {
        switch receiver {
        case .look:
            // lookForFrames, moveLimit
            try lookForFrames()
            taken = receivePosition
            if receiveLimit == receivePosition {
                receiver = rules.receiverDrainsFirst ? .drain : .allow
            } else {
                receiver = rules.receiverReleasesLast ? .take : .release
            }
        case .take:
            // receiveBurst: descriptor and bytes are copied.
            let frame = receiverView().slots[slot(taken)]
            guard frame == received + 1 else {
                throw Wrong(text: "frame \(frame) in place of \(received + 1)")
            }
            received = frame
            taken &+= 1
            guard taken == receiveLimit else { return }
            receivePosition = taken
            receiver = rules.receiverReleasesLast ? .release : .look
        case .release:
            // release(upTo:): a slave gives each slot its empty buffer back, then the index.
            while isReceiverOwner, released != receiveLimit {
                receives(.slot(slot(released), 0))
                released &+= 1
            }
            let index = isReceiverOwner ? receiveLimit &+ rules.ringSize : receiveLimit
            receives(.receiverIndex(index))
            receiver = rules.receiverReleasesLast ? .look : .take
        case .drain:
            // armInterrupt: the eventfd is emptied first.
            flushReceiver()
            isRaised = false
            receiver = .allow
        case .allow:
            // allowInterrupts: the flags, and a barrier behind them.
            receives(.mask(false))
            if rules.receiverHasFence { flushReceiver() }
            receiver = rules.receiverLooksAgain ? .lookAgain : afterLook
        case .lookAgain:
            // allowInterrupts: the index once more.
            receiver = receiverView().senderIndex == receiveLimit ? afterLook : .mask
        case .drainLate:
            flushReceiver()
            isRaised = false
            receiver = .sleep
        case .mask:
            receives(.mask(true))
            receiver = .look
        case .sleep: fallAsleep()
        case .wake:
            // disarmInterrupt
            receives(.mask(true))
            flushReceiver()
            isRaised = false
            hasRechecked = false
            receiver = .look
        }
    }

    private var afterLook: ReceiverStep { rules.receiverDrainsFirst ? .sleep : .drainLate }

    private mutating func lookForFrames() throws(Wrong) {
        let index = receiverView().senderIndex
        guard index &- receivePosition <= rules.ringSize else {
            throw Wrong(text: "the index jumped")
        }
        receiveLimit = index
    }

    /// EventCounter.wait: going to sleep is a system call, which is a barrier.
    private mutating func fallAsleep() {
        if isRaised {
            receiver = .wake
        } else if !receiverStores.isEmpty {
            flushReceiver()
        } else if rules.receiverRechecks, !hasRechecked, senderStores.isEmpty {
            // A millisecond later every store has reached memory long since.
            hasRechecked = true
            if receiverView().senderIndex != receiveLimit { receiver = .wake }
        }
    }
}
