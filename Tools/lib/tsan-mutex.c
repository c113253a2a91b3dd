// Tells ThreadSanitizer of Swift's Mutex.
//
// A lock that is free is taken by code that was compiled into the program, which the sanitizer sees. A
// lock that somebody holds is waited for in libswiftSynchronization, which was built without it: what
// the last owner wrote then looks like a race. These functions stand before the library's own, call them,
// and say what they mean.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))
#define MUTEX(name) "$s15Synchronization12_MutexHandleV" name

// Weak: programs without the sanitizer, which a test starts, load this as well.
extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

SWIFT void lock_slow(uint32_t thread, SELF void *mutex) __asm__(MUTEX("9_lockSlowyys6UInt32VF"));
SWIFT bool try_lock_slow(SELF void *mutex) __asm__(MUTEX("12_tryLockSlowSbyF"));
SWIFT void unlock_slow(SELF void *mutex) __asm__(MUTEX("11_unlockSlowyyF"));

SWIFT void lock_slow(uint32_t thread, SELF void *mutex) {
    SWIFT void (*own)(uint32_t, SELF void *) = dlsym(RTLD_NEXT, MUTEX("9_lockSlowyys6UInt32VF"));
    own(thread, mutex);
    if (__tsan_acquire) __tsan_acquire(mutex);
}

SWIFT bool try_lock_slow(SELF void *mutex) {
    SWIFT bool (*own)(SELF void *) = dlsym(RTLD_NEXT, MUTEX("12_tryLockSlowSbyF"));
    bool taken = own(mutex);
    if (taken && __tsan_acquire) __tsan_acquire(mutex);
    return taken;
}

SWIFT void unlock_slow(SELF void *mutex) {
    SWIFT void (*own)(SELF void *) = dlsym(RTLD_NEXT, MUTEX("11_unlockSlowyyF"));
    if (__tsan_release) __tsan_release(mutex);
    own(mutex);
}
