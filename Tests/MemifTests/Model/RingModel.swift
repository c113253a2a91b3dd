import Memif

/// The ring protocol as a machine of two processors, each with a store buffer: what one stores, the other
/// sees later, in order, at any moment. (So x86 works, and what is right here needs its fences there.)
///
/// One step here is one access to shared memory in `RingMemory`, or one system call on the eventfd, in
/// the order in which `TransmitQueue` and `ReceiveQueue` make them. `explore` takes every interleaving.
struct RingModel: Hashable {
    /// How the two ends behave; a change takes something out that must be there.
    struct Rules: Hashable, CustomStringConvertible {
        var direction = RingDirection.slaveToMaster
        var ringSize: UInt16 = 2
        var frames: UInt8 = 4
        var burst: UInt16 = 1
        /// Where the indexes begin: near their end, so that they run over.
        var start: UInt16 = 65_534
        /// `RingMemory.publishAndCheck`: a barrier between the index and the look at the flags.
        var senderHasFence = true
        /// `RingMemory.allowInterrupts`: a barrier between the flags and the look at the index.
        var receiverHasFence = true
        /// `RingMemory.allowInterrupts`: the look at the index after the flags.
        var receiverLooksAgain = true
        /// `ReceiveQueue.armInterrupt`: the eventfd is emptied before the flags are stored, not after.
        var receiverDrainsFirst = true
        /// `ReceiveQueue.recheckDelay`: a sleeper looks once more when stores have reached memory.
        var receiverRechecks = false
        /// `TransmitQueue.place` before `TransmitQueue.publish`: first the descriptor, then the index.
        var senderFillsFirst = true
        /// `ReceiveQueue.release` after the frames were copied.
        var receiverReleasesLast = true

        var description: String {
            "\(direction.rawValue), \(ringSize) slots, bursts of \(burst), from \(start)"
        }
    }

    /// A store on its way to memory.
    enum Store: Hashable {
        case senderIndex(UInt16)
        case receiverIndex(UInt16)
        case mask(Bool)
        case slot(Int, UInt8)
    }

    /// What memory holds, and what each processor sees of it.
    struct Memory: Hashable {
        var senderIndex: UInt16
        var receiverIndex: UInt16
        /// MASK_INT.
        var isMasked = true
        /// The number of the frame in each slot; 0 for an empty buffer.
        var slots: [UInt8]

        mutating func apply(_ store: Store) {
            switch store {
            case .senderIndex(let index): senderIndex = index
            case .receiverIndex(let index): receiverIndex = index
            case .mask(let isMasked): self.isMasked = isMasked
            case .slot(let slot, let frame): slots[slot] = frame
            }
        }
    }

    enum SenderStep: Hashable { case look, fill, publish, check, signal, done }
    enum ReceiverStep: Hashable {
        case look, take, release, drain, allow, lookAgain, mask, sleep, drainLate, wake
    }

    let rules: Rules
    var memory: Memory
    /// Whether the eventfd is raised.
    var isRaised = false
    var senderStores: [Store] = []
    var receiverStores: [Store] = []

    // The sender: `TransmitQueue`'s own fields.
    var sender = SenderStep.look
    var sendPosition: UInt16
    var sendLimit: UInt16
    var filled: UInt16
    var nextFrame: UInt8 = 1

    // The receiver: `ReceiveQueue`'s own fields.
    var receiver = ReceiverStep.look
    var receivePosition: UInt16
    var receiveLimit: UInt16
    var taken: UInt16
    var released: UInt16
    var received: UInt8 = 0
    var hasRechecked = false

    /// A ring just connected. A slave that receives has handed all its buffers out.
    init(_ rules: Rules) {
        self.rules = rules
        let start = rules.start
        let isReceiverOwner = rules.direction == .masterToSlave
        memory = Memory(
            senderIndex: start, receiverIndex: isReceiverOwner ? start &+ rules.ringSize : start,
            slots: Array(repeating: 0, count: Int(rules.ringSize)))
        (sendPosition, sendLimit, filled) = (start, start, start)
        (receivePosition, receiveLimit) = (start, start)
        (taken, released) = (start, start)
    }

    /// A processor's view: its own stores first.
    func senderView() -> Memory {
        senderStores.reduce(into: memory) { $0.apply($1) }
    }

    func receiverView() -> Memory {
        receiverStores.reduce(into: memory) { $0.apply($1) }
    }

    /// A plain or releasing store: into the buffer. Never waits.
    mutating func sends(_ store: Store) { senderStores.append(store) }
    mutating func receives(_ store: Store) { receiverStores.append(store) }

    /// What a barrier, an exchange or a system call does to one's own buffer.
    mutating func flushSender() {
        for store in senderStores { memory.apply(store) }
        senderStores = []
    }

    mutating func flushReceiver() {
        for store in receiverStores { memory.apply(store) }
        receiverStores = []
    }

    func slot(_ index: UInt16) -> Int { Int(index & (rules.ringSize - 1)) }

    /// Whether the receiver owns the buffers and gives them back one by one.
    var isReceiverOwner: Bool { rules.direction == .masterToSlave }
}

/// What must never be seen.
struct Wrong: Error, Hashable { let text: String }

extension RingModel {
    /// Every state that one step of one processor, or one store that reaches memory, can lead to.
    func successors() throws(Wrong) -> [RingModel] {
        var all: [RingModel] = []
        if let store = senderStores.first {
            var next = self
            next.senderStores.removeFirst()
            next.memory.apply(store)
            all.append(next)
        }
        if let store = receiverStores.first {
            var next = self
            next.receiverStores.removeFirst()
            next.memory.apply(store)
            all.append(next)
        }
        var sent = self
        try sent.stepSender()
        if sent != self { all.append(sent) }
        var received = self
        try received.stepReceiver()
        if received != self { all.append(received) }
        return all
    }

    /// Takes every path from a start, and returns how many states there are.
    ///
    /// - Throws: `Wrong` for a frame lost, repeated or out of turn, and for a receiver that sleeps for
    ///   ever beside frames.
    static func explore(_ rules: Rules) throws(Wrong) -> Int {
        let start = RingModel(rules)
        var seen: Set<RingModel> = [start]
        var waiting = [start]
        while let state = waiting.popLast() {
            let successors = try state.successors()
            if successors.isEmpty, state.received != rules.frames {
                throw Wrong(text: "asleep beside frames")
            }
            for next in successors where seen.insert(next).inserted { waiting.append(next) }
        }
        return seen.count
    }
}
