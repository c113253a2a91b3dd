internal import Memif
internal import Synchronization

/// Keeps frames from a port's handler while its domain stands still. They are taken off the rings all the
/// same: a ring that fills up is no use to the peer, and what is in it is old when the domain goes on.
final class PauseGate: Sendable {
    private let isShut = Atomic<Bool>(false)
    private let count = Atomic<UInt64>(0)

    /// Frames that were dropped.
    var dropped: UInt64 { count.load(ordering: .relaxed) }

    func set(_ isPaused: Bool) { isShut.store(isPaused, ordering: .relaxed) }

    /// A handler behind the gate.
    func guarding(_ handler: any PacketHandler) -> any PacketHandler {
        Guarded(gate: self, handler: handler)
    }

    private struct Guarded: PacketHandler {
        let gate: PauseGate
        let handler: any PacketHandler

        func handle(_ frames: inout FrameBatch) {
            guard gate.isShut.load(ordering: .relaxed) else { return handler.handle(&frames) }
            gate.count.wrappingAdd(UInt64(frames.count), ordering: .relaxed)
            frames.removeAll()
        }
    }
}
