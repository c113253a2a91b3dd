// The functions below stand in for those of the C library and of Swift's runtime, in this program only.
#define _GNU_SOURCE
#include "CountedCalls.h"

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static _Thread_local counted_calls counts;
static _Thread_local int is_counting;

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }

void *swift_retain(void *object) {
    static void *(*real)(void *);
    if (!real) real = (void *(*)(void *))next("swift_retain");
    counts.retains += is_counting;
    return real(object);
}

void *swift_retain_n(void *object, uint32_t count) {
    static void *(*real)(void *, uint32_t);
    if (!real) real = (void *(*)(void *, uint32_t))next("swift_retain_n");
    counts.retains += is_counting;
    return real(object, count);
}

void *swift_bridgeObjectRetain(void *object) {
    static void *(*real)(void *);
    if (!real) real = (void *(*)(void *))next("swift_bridgeObjectRetain");
    counts.retains += is_counting;
    return real(object);
}

void counted_calls_start(void) {
    memset(&counts, 0, sizeof counts);
    is_counting = 1;
}

counted_calls counted_calls_stop(void) {
    is_counting = 0;
    return counts;
}

void *malloc(size_t size) {
    counts.allocations += is_counting;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    counts.allocations += is_counting;
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    counts.allocations += is_counting;
    return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    counts.allocations += is_counting;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    counts.allocations += is_counting;
    *memory = __libc_memalign(alignment, size);
    return *memory ? 0 : 12;
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
    counts.writes += is_counting;
    return syscall(SYS_write, descriptor, bytes, count);
}

int poll(struct pollfd *watched, nfds_t count, int milliseconds) {
    counts.polls += is_counting;
    return (int)syscall(SYS_poll, watched, count, milliseconds);
}

int pthread_mutex_lock(pthread_mutex_t *mutex) {
    static int (*real)(pthread_mutex_t *);
    if (!real) real = (int (*)(pthread_mutex_t *))next("pthread_mutex_lock");
    counts.locks += is_counting;
    return real(mutex);
}
