internal import Glibc

/// Wakes threads, as many as it is signalled times. It takes no descriptor.
@safe
final class ThreadSemaphore: @unchecked Sendable {
    private let memory: UnsafeMutablePointer<sem_t>

    init() {
        // SAFETY: the memory is made here, freed with its only owner, and used through calls that any thread
        // may make.
        unsafe memory = .allocate(capacity: 1)
        _ = unsafe sem_init(memory, 0, 0)
    }

    deinit {
        _ = unsafe sem_destroy(memory)
        unsafe memory.deallocate()
    }

    func signal() { _ = unsafe sem_post(memory) }

    func wait() {
        // A signal that came to the thread ends a wait early.
        while unsafe sem_wait(memory) == -1 {}
    }
}
