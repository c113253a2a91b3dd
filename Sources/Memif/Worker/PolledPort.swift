// SAFETY of the whole file: the loop has every port in its table from before it is polled until after, and
// takes none out while it looks at one.

/// A port that a worker polls. The loop's table holds it, so that a look at it retains nothing.
@safe
struct PolledPort {
    let token: UInt64
    private let port: Unmanaged<WorkerPort>

    init(_ token: UInt64, _ port: WorkerPort) {
        self.token = token
        unsafe self.port = .passUnretained(port)
    }

    /// Has the port take its turn.
    @inline(__always)
    func turn(_ frames: inout FrameBatch, _ pollingTime: Duration) -> WorkerPort.Turn {
        unsafe port._withUnsafeGuaranteedRef { $0.turn(&frames, pollingTime) }
    }
}
