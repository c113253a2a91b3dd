// SAFETY of the whole file: C strings, file actions and attributes live until posix_spawn returns, and
// what it needs is freed in the function that made it; reads go to arrays, within their counts.

internal import CLinuxIO
internal import Glibc
internal import Synchronization

/// A program that is spoken to over its standard input and output, which are one end of a socket pair.
///
/// What it writes to its standard error is kept, as far as it goes. It is reaped as it ends, whether or
/// not somebody waits for that.
public final class SpawnedProgram: Sendable {
    /// A descriptor that the loop may watch.
    private final class Source: Sendable {
        let descriptor: OwnedDescriptor

        init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
    }

    private struct State: ~Copyable {
        var socket: UnixSocket?
        /// What it complains comes from here.
        var errors: Source?
        var errorsWatch: EventLoop.Watch?
        var errorText: [UInt8] = []
        /// What it has complained before that, and is not kept.
        var droppedErrorBytes = 0
        /// Readable once it has ended.
        var process: Source?
        var processWatch: EventLoop.Watch?
        var status: Int32?
        var waiting: [@Sendable () -> Void] = []
    }

    private let number: Int32
    private let loop: EventLoop
    private let state: Mutex<State>

    /// Of more complaints the last are kept.
    private static let mostErrorBytes = 16 << 10
    /// How often complaints are read at a turn: others wait for the same thread, and for the same lock.
    private static let mostReads = 16
    /// How long a program may take to end by itself, and then to end when told.
    private static let grace = Duration.seconds(1)

    /// Starts a program, found on the PATH, with the environment of this process.
    ///
    /// - Parameter loop: hears of its end.
    /// - Throws: `SystemError` when it cannot be started.
    public init(_ arguments: [String], loop: EventLoop) throws(SystemError) {
        var ends: UnixSocketPair? = try UnixSocket.pair(.stream)
        guard let pair = ends.take() else {
            throw SystemError(code: EINVAL, operation: "start", subject: "a program")
        }
        // A program expects its standard input to wait.
        let theirs = try pair.second.descriptor.duplicate()
        try theirs.setNonblocking(false)
        let ours = try UnixSocket(adopting: pair.first.descriptor.duplicate())
        let errors = try UnixSocket.pair(.stream)
        let theirErrors = try errors.second.descriptor.duplicate()
        try theirErrors.setNonblocking(false)
        let process = try Self.spawn(
            arguments, socket: theirs.rawValue, errors: theirErrors.rawValue)
        number = process
        self.loop = loop
        do throws(SystemError) {
            let watched = try systemCall("watch a program") { clinuxio_open_process(process) }
            state = Mutex(
                State(
                    socket: ours, errors: Source(try errors.first.descriptor.duplicate()),
                    process: Source(OwnedDescriptor(adopting: watched))))
        } catch {
            kill(process, SIGKILL)
            _ = waitpid(process, nil, 0)
            throw error
        }
        loop.submit { [self] in watch() }
    }

    /// Our end of the connection; nil once it has been taken.
    public func takeSocket() -> UnixSocket? { state.withLock { $0.socket.take() } }

    /// What it has complained so far, or the end of that where it was much.
    public var errorOutput: String { errorOutput(after: 0) }

    /// What it has complained, without so many bytes at the beginning.
    public func errorOutput(after count: Int) -> String {
        state.withLock { state in
            readErrors(&state)
            let known = state.errorText.dropFirst(max(count - state.droppedErrorBytes, 0))
            return String(decoding: known, as: UTF8.self)
        }
    }

    /// How many bytes it has complained so far.
    public var errorByteCount: Int {
        state.withLock { state in
            readErrors(&state)
            return state.droppedErrorBytes + state.errorText.count
        }
    }

    /// How it ended, as waitpid(2) says; nil while it runs.
    public var status: Int32? { state.withLock { $0.status } }

    /// Waits for it to end by itself, and ends it after a while; reports when it has been reaped.
    ///
    /// - Parameter done: called on the loop's thread, or at once where it has ended.
    public func whenEnded(within limit: Duration, _ done: @escaping @Sendable () -> Void) {
        wait(atMost: limit, done)
    }

    /// Ends it, unless it does so by itself in a moment, and reports when it has been reaped.
    ///
    /// - Parameter done: called on the loop's thread.
    public func end(_ done: @escaping @Sendable () -> Void) {
        state.withLock { $0.socket = nil }
        wait(atMost: Self.grace, done)
    }

    private func wait(atMost limit: Duration, _ done: @escaping @Sendable () -> Void) {
        let isOver = state.withLock { state in
            if state.status == nil { state.waiting.append(done) }
            return state.status != nil
        }
        guard !isOver else { return done() }
        loop.schedule(after: limit) { [self] in
            signal(SIGTERM)
            loop.schedule(after: Self.grace) { [self] in signal(SIGKILL) }
        }
    }

    private func signal(_ signal: Int32) {
        // Its number is its own until it has been reaped, which happens under the lock.
        state.withLock { state in
            if state.status == nil { _ = kill(number, signal) }
        }
    }

    private static func spawn(
        _ arguments: [String], socket: Int32, errors: Int32
    ) throws(SystemError) -> Int32 {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, socket, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, socket, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, errors, 2)
        // What others have opened in this process is none of the program's.
        unsafe clinuxio_close_others(&actions, 0)
        // A thread of Swift's pool blocks most signals, and a service may ignore some; a child would too.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe sigaddset(&signals, SIGPIPE)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var words: [UnsafeMutablePointer<CChar>?] = unsafe arguments.map { unsafe strdup($0) }
        unsafe words.append(nil)
        defer { unsafe words.forEach { unsafe free($0) } }
        var process: pid_t = 0
        let name = arguments.first ?? ""
        let code = unsafe posix_spawnp(&process, name, &actions, &attributes, words, environ)
        guard code == 0 else { throw SystemError(code: code, operation: "start", subject: name) }
        return process
    }
}

// MARK: - On the loop's thread

extension SpawnedProgram {
    private func watch() {
        let isWatched = state.withLock { state -> Bool in
            do throws(SystemError) {
                if let process = state.process {
                    state.processWatch = try loop.watch(process.descriptor, for: .readable) {
                        [self] _ in reap()
                    }
                }
                if let errors = state.errors {
                    state.errorsWatch = try loop.watch(errors.descriptor, for: .readable) {
                        [self] _ in self.state.withLock { readErrors(&$0) }
                    }
                }
                return true
            } catch {
                return false
            }
        }
        // Whoever waits is told, and nothing is left behind.
        if !isWatched {
            signal(SIGKILL)
            reap(options: 0)
        }
    }

    private func readErrors(_ state: inout State) {
        guard let number = state.errors?.descriptor.rawValue else { return }
        var chunk = [UInt8](repeating: 0, count: 4096)
        for _ in 0..<Self.mostReads {
            let count = unsafe read(number, &chunk, chunk.count)
            if count > 0 {
                state.errorText += chunk[..<count]
                let excess = max(state.errorText.count - Self.mostErrorBytes, 0)
                state.errorText.removeFirst(excess)
                state.droppedErrorBytes += excess
            } else if count == 0 || errno != EINTR {
                if count == 0 || errno != EAGAIN { closeErrors(&state) }
                return
            }
        }
    }

    private func closeErrors(_ state: inout State) {
        guard let errors = state.errors.take() else { return }
        if let watch = state.errorsWatch.take() { loop.cancel(watch, errors.descriptor) }
    }

    /// Takes note of its end.
    ///
    /// - Parameter options: of waitpid(2); 0 waits, for one that has been killed.
    private func reap(options: Int32 = WNOHANG) {
        let waiting = state.withLock { state -> [@Sendable () -> Void] in
            var status: Int32 = 0
            guard state.status == nil, unsafe waitpid(number, &status, options) == number else {
                return []
            }
            state.status = status
            // All that a full socket holds, as the last words are in it; one that others write to ends too.
            for _ in 0..<Self.mostReads where state.errors != nil { readErrors(&state) }
            // A child of its own may go on, and keep its end.
            closeErrors(&state)
            if let process = state.process.take(), let watch = state.processWatch.take() {
                loop.cancel(watch, process.descriptor)
            }
            defer { state.waiting = [] }
            return state.waiting
        }
        for done in waiting { done() }
    }
}
