internal import CLinuxIO
internal import Glibc

/// Threads of our own, for loops that must not share Swift's cooperative pool.
public enum Thread {
    /// Starts a detached thread.
    ///
    /// - Parameters:
    ///   - name: as `top -H` shows it; the kernel keeps 15 bytes.
    ///   - cpu: pins the thread to this CPU; nil lets the scheduler choose. A CPU that does not
    ///     exist leaves it unpinned.
    ///   - body: runs on the thread; the thread ends with it.
    /// - Throws: `SystemError` when the system has no room for another thread.
    public static func start(
        name: String, cpu: Int? = nil, _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        let start = Start(name: name, cpu: cpu, body: body)
        // SAFETY: the retained object is taken back exactly once: by the thread, or below on failure.
        let pointer = unsafe Unmanaged.passRetained(start).toOpaque()
        var thread = pthread_t()
        let result = unsafe pthread_create(
            &thread, nil,
            { pointer in
                guard let pointer = unsafe pointer else { return nil }
                unsafe Unmanaged<Start>.fromOpaque(pointer).takeRetainedValue().run()
                return nil
            }, pointer)
        guard result == 0 else {
            unsafe Unmanaged<Start>.fromOpaque(pointer).release()
            throw SystemError(code: result, operation: "start a thread", subject: name)
        }
        pthread_detach(thread)
    }

    /// Runs something that waits on a thread of its own: Swift's few threads are for what does not.
    ///
    /// - Throws: `SystemError` as `start`.
    public static func perform<Value: Sendable>(
        name: String, _ body: @escaping @Sendable () -> Value
    ) async throws(SystemError) -> Value {
        let outcome = Outcome<Result<Value, SystemError>>()
        return try await outcome.value { outcome in
            do throws(SystemError) {
                try start(name: name) { outcome.set(.success(body())) }
            } catch {
                outcome.set(.failure(error))
            }
        }.get()
    }

    /// Tells the processor that the caller is spinning: it saves power and gives the other
    /// hardware thread room.
    @inline(__always)
    public static func pause() { clinuxio_pause() }

    /// The kernel's id of the calling thread. Never hoisted by the optimiser, unlike `pthread_self()`.
    public static var currentID: Int32 { clinuxio_thread_id() }

    private final class Start: Sendable {
        let name: String
        let cpu: Int?
        let body: @Sendable () -> Void

        init(name: String, cpu: Int?, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.cpu = cpu
            self.body = body
        }

        func run() {
            // SAFETY: the C string lives for the call.
            unsafe clinuxio_name_thread(name)
            if let cpu { _ = clinuxio_pin_thread(Int32(clamping: cpu)) }
            body()
        }
    }
}
