internal import Synchronization

/// Has what is done about one domain done one after the other, in the order in which it was asked for.
final class Turns: Sendable {
    /// Who waits, where somebody is at it.
    private let waiting = Mutex<[VMIdentifier: [CheckedContinuation<Void, Never>]]>([:])

    /// Does something when everything before it is done.
    func take<Value, Failure: Error>(
        _ vm: VMIdentifier, _ body: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        await withCheckedContinuation { continuation in
            let isFree = waiting.withLock { waiting in
                if waiting[vm] != nil {
                    waiting[vm]?.append(continuation)
                    return false
                }
                waiting[vm] = []
                return true
            }
            if isFree { continuation.resume() }
        }
        defer { next(vm)?.resume() }
        return try await body()
    }

    private func next(_ vm: VMIdentifier) -> CheckedContinuation<Void, Never>? {
        waiting.withLock { waiting in
            guard waiting[vm]?.isEmpty == false else {
                waiting[vm] = nil
                return nil
            }
            return waiting[vm]?.removeFirst()
        }
    }

    /// How many wait for those before them.
    func waiting(_ vm: VMIdentifier) -> Int { waiting.withLock { $0[vm]?.count ?? 0 } }
}
