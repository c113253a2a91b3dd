// SAFETY of the whole file: C strings and file actions live until posix_spawn returns, and every
// allocation is freed in the function that made it.

internal import CLinuxIO
internal import Glibc
internal import Synchronization

/// A program that runs beside a test: its output is collected, and it cannot outlive the test.
public final class ChildProcess: Sendable {
    private struct State {
        var output: [UInt8] = []
        var status: Int32?
        var startError: SystemError?
    }

    private let state = Mutex(State())
    private let number = Atomic<Int32>(0)

    /// Starts a program, found on the PATH, with nothing on its standard input and its two outputs
    /// collected together.
    ///
    /// - Parameter passed: descriptors that it has from number 3 on.
    /// - Throws: `SystemError` when it cannot be started.
    public init(
        _ arguments: [String], passing passed: borrowing DescriptorQueue = DescriptorQueue()
    ) async throws(SystemError) {
        let pair = try UnixSocket.pair(.stream)
        let theirs = try pair.second.descriptor.duplicate()
        try theirs.setNonblocking(false)
        let ends = Ends(
            ours: try pair.first.descriptor.duplicate(), theirs: theirs,
            // Beyond the numbers that the child has them at.
            passed: try passed.duplicate(from: 3 + passed.count))
        let error = await withCheckedContinuation {
            (continuation: CheckedContinuation<SystemError?, Never>) in
            do throws(SystemError) {
                try Thread.start(name: "child") { [self] in
                    run(arguments, ends, started: { continuation.resume(returning: $0) })
                }
            } catch {
                continuation.resume(returning: error)
            }
        }
        if let error { throw error }
    }

    deinit { kill() }

    /// Its process id; 0 once it has ended.
    public var processID: Int32 { number.load(ordering: .acquiring) }

    /// Everything that it has written so far.
    public var output: String {
        String(decoding: state.withLock(\.output), as: UTF8.self)
    }

    /// How it ended, as waitpid(2) says; nil while it runs.
    public var status: Int32? { state.withLock(\.status) }

    /// Sends it a signal.
    public func signal(_ signal: Int32) {
        let process = processID
        if process > 0 { _ = Glibc.kill(process, signal) }
    }

    /// Ends it at once.
    public func kill() { signal(SIGKILL) }

    /// Waits until it has ended, and kills it after a while.
    ///
    /// - Returns: its status; nil when it had to be killed.
    @discardableResult
    public func waitForEnd(within limit: Duration = .seconds(20)) async -> Int32? {
        let end = ContinuousClock.now + limit
        while status == nil, ContinuousClock.now < end {
            try? await Task.sleep(for: .milliseconds(10))
        }
        if let status { return status }
        kill()
        return nil
    }

    private final class Ends: Sendable {
        let ours: OwnedDescriptor
        private let theirs: Mutex<OwnedDescriptor?>
        private let passed: Mutex<DescriptorQueue>

        init(
            ours: consuming OwnedDescriptor, theirs: consuming OwnedDescriptor,
            passed: consuming DescriptorQueue
        ) {
            self.ours = ours
            self.theirs = Mutex(theirs)
            self.passed = Mutex(passed)
        }

        func takeTheirs() -> OwnedDescriptor? { theirs.withLock { $0.take() } }

        func takePassed() -> DescriptorQueue {
            passed.withLock { $0.popFirst($0.count) }
        }
    }

    /// On a thread of its own: the child gets a signal when the thread that started it is gone.
    private func run(
        _ arguments: [String], _ ends: Ends, started: @Sendable (SystemError?) -> Void
    ) {
        // What the child has is the child's alone once it runs.
        guard let theirs = ends.takeTheirs() else { return }
        let passed = ends.takePassed()
        let result = Self.spawn(
            ["setpriv", "--pdeathsig", "KILL"] + arguments, output: theirs.rawValue,
            passed: passed.all)
        _ = consume theirs
        _ = consume passed
        switch result {
        case .failure(let error):
            started(error)
        case .success(let process):
            number.store(process, ordering: .releasing)
            started(nil)
            collect(ends.ours)
            var status: Int32 = 0
            _ = unsafe waitpid(process, &status, 0)
            number.store(0, ordering: .releasing)
            let final = status
            state.withLock { $0.status = final }
        }
    }

    private func collect(_ descriptor: borrowing OwnedDescriptor) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            var watched = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
            _ = unsafe poll(&watched, 1, -1)
            let count = unsafe read(descriptor.rawValue, &buffer, buffer.count)
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { return }
            let text = buffer[..<count]
            state.withLock { $0.output += text }
        }
    }

    private static func spawn(
        _ arguments: [String], output: Int32, passed: [Int32]
    ) -> Result<Int32, SystemError> {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        // Its input last: where ours is closed, `output` may be number 0.
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 2)
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        for (index, number) in passed.enumerated() {
            unsafe posix_spawn_file_actions_adddup2(&actions, number, Int32(3 + index))
        }
        // What this process has inherited, and others may have made, is none of the child's.
        unsafe clinuxio_close_others(&actions, Int32(passed.count))
        // Threads of Swift's pool block most signals; a child would go on doing so.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var noSignals = sigset_t()
        unsafe sigemptyset(&noSignals)
        unsafe posix_spawnattr_setsigmask(&attributes, &noSignals)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var words: [UnsafeMutablePointer<CChar>?] = unsafe arguments.map { unsafe strdup($0) }
        unsafe words.append(nil)
        defer { unsafe words.forEach { unsafe free($0) } }
        var process: pid_t = 0
        let code = unsafe posix_spawnp(
            &process, arguments[0], &actions, &attributes, words, environ)
        guard code == 0 else {
            return .failure(SystemError(code: code, operation: "start", subject: arguments[0]))
        }
        return .success(process)
    }
}
