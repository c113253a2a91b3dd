import LinuxIO
import Synchronization

@testable import MemifController

/// Ports with real socket files and nothing behind them.
final class FakeBackend: PortBackend {
    private struct State {
        var open: [String: FakePort] = [:]
        var failing: Set<String> = []
        var opened = 0
        var whenAdmitted: (@Sendable (Admission) -> Void)?
        var whenOpening: (@Sendable (String) -> Void)?
        var inherited = InheritedPorts()
        var closed: Set<String> = []
        var whenPeersCome: (@Sendable (PeerNotice) -> Void)?
        var isStuck = false
        var rounds = 0
    }

    private let state = Mutex(State())

    /// Has every opening of a port of this name fail, or no more.
    func fail(_ port: String, _ fails: Bool) {
        state.withLock { state in
            if fails { state.failing.insert(port) } else { state.failing.remove(port) }
        }
    }

    /// Has its threads answer nobody, or answer again.
    func hang(_ isStuck: Bool) { state.withLock { $0.isStuck = isStuck } }

    /// How often they were asked.
    var rounds: Int { state.withLock(\.rounds) }

    func comeRound() async {
        let isStuck = state.withLock { state in
            state.rounds += 1
            return state.isStuck
        }
        if !isStuck { return }
        // Until the task is cancelled.
        let (stream, _) = AsyncStream.makeStream(of: Void.self)
        for await _ in stream {}
    }

    /// Has somebody hear of each port, by its name, before it is opened.
    func whenOpening(_ body: @escaping @Sendable (String) -> Void) {
        state.withLock { $0.whenOpening = body }
    }

    /// Has somebody hear of each change of a port's admission, as it is made.
    func whenAdmitted(_ body: @escaping @Sendable (Admission) -> Void) {
        state.withLock { $0.whenAdmitted = body }
    }

    func whenPeersCome(_ body: @escaping @Sendable (PeerNotice) -> Void) {
        state.withLock { $0.whenPeersCome = body }
    }

    /// Has a peer come to a port, or go.
    func tell(_ notice: PeerNotice) { state.withLock(\.whenPeersCome)?(notice) }

    fileprivate func tell(_ admission: Admission) {
        state.withLock(\.whenAdmitted)?(admission)
    }

    /// The ports that stand, by path.
    var open: [String: FakePort] { state.withLock(\.open) }
    /// How many were ever opened.
    var opened: Int { state.withLock(\.opened) }

    func open(_ specification: PortSpecification) throws(PortError) -> any Port {
        state.withLock(\.whenOpening)?(specification.declaration.name)
        if state.withLock({ $0.failing.contains(specification.declaration.name) }) {
            throw PortError(reason: "the fake was told to fail", remedy: "tell it otherwise")
        }
        let inherited = state.withLock(\.inherited).claim(specification.path)
        do throws(SystemError) {
            let port = try FakePort(specification, self, inherited)
            state.withLock { state in
                state.open[specification.path] = port
                state.opened += 1
            }
            return port
        } catch {
            throw PortError(reason: "\(error)", remedy: "")
        }
    }

    func adopt(_ inherited: InheritedPorts) { state.withLock { $0.inherited = inherited } }

    func close(_ unwanted: InheritedPorts) {
        let paths = unwanted.claimAll().map(\.specification.path)
        state.withLock { $0.closed.formUnion(paths) }
    }

    /// The paths of another process's ports that were closed.
    var closedUnclaimed: Set<String> { state.withLock(\.closed) }

    fileprivate func forget(_ path: String) { state.withLock { $0.open[path] = nil } }
}

final class FakePort: Port {
    private struct State: ~Copyable {
        var listener: UnixListener?
        var admission: Admission
        var specification: PortSpecification
        var identity: FileIdentity
        var closedWith: String?
        var traffic = PortTraffic()
        var queues: [PortQueue] = []
        var isPaused = false
    }

    private let state: Mutex<State>
    private let backend: FakeBackend
    let isInherited: Bool

    fileprivate init(
        _ specification: PortSpecification, _ backend: FakeBackend, _ inherited: InheritedPort?
    ) throws(SystemError) {
        self.backend = backend
        isInherited = inherited != nil
        let listener = try SocketFile.listen(
            at: specification.path, kind: .messages, mode: PortSpecification.mode,
            user: specification.user, group: specification.group)
        let identity = try FileStatus(path: specification.path).identity
        state = Mutex(
            State(
                listener: listener, admission: specification.admission,
                specification: specification, identity: identity,
                traffic: inherited?.traffic ?? PortTraffic()))
    }

    var admission: Admission { state.withLock { $0.admission } }
    var specification: PortSpecification { state.withLock { $0.specification } }
    var closedWith: String? { state.withLock { $0.closedWith } }
    var isPaused: Bool { state.withLock { $0.isPaused } }

    func setAdmission(_ admission: Admission) {
        state.withLock { $0.admission = admission }
        backend.tell(admission)
    }

    func setPaused(_ isPaused: Bool) { state.withLock { $0.isPaused = isPaused } }

    func place(_ specification: PortSpecification) throws(PortError) {
        do throws(SystemError) {
            if socketState() == .lost {
                var listener: UnixListener? = try SocketFile.listen(
                    at: specification.path, kind: .messages, mode: PortSpecification.mode)
                let identity = try FileStatus(path: specification.path).identity
                state.withLock { state in
                    state.listener = listener.take()
                    state.identity = identity
                }
            }
            try File.setOwner(
                specification.path, user: specification.user, group: specification.group)
            try File.setMode(specification.path, PortSpecification.mode)
        } catch {
            throw PortError(reason: "\(error)", remedy: "")
        }
        state.withLock { $0.specification = specification }
    }

    func acceptSecret(_ secret: PortSecret) throws(PortError) {
        state.withLock { $0.specification.secret = secret }
    }

    func socketState() -> PortSocketState {
        let path = specification.path
        let identity = state.withLock { $0.identity }
        guard let file = try? FileStatus(path: path), file.identity == identity else {
            return .lost
        }
        return file.permissions == PortSpecification.mode ? .standing : .altered
    }

    func close(reason: String) async {
        let path = specification.path
        let identity = state.withLock { state in
            state.closedWith = reason
            _ = state.listener.take()
            return state.identity
        }
        SocketFile.remove(path, ifStill: identity)
        backend.forget(path)
    }

    /// Peer and counters: what a test says they are.
    var traffic: PortTraffic {
        get { state.withLock { $0.traffic } }
        set { state.withLock { $0.traffic = newValue } }
    }

    /// The queues, as a test says they are.
    var queues: [PortQueue] {
        get { state.withLock { $0.queues } }
        set { state.withLock { $0.queues = newValue } }
    }
}
