#include "CountedMemory.h"

#include <errno.h>
#include <malloc.h>
#include <stddef.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

static _Thread_local long in_use;
static _Thread_local long peak;

static void *taken(void *memory) {
    if (memory) {
        in_use += (long)malloc_usable_size(memory);
        if (in_use > peak) peak = in_use;
    }
    return memory;
}

void *malloc(size_t size) { return taken(__libc_malloc(size)); }

void *calloc(size_t count, size_t size) { return taken(__libc_calloc(count, size)); }

void *realloc(void *memory, size_t size) {
    // The old piece stops counting before the new one does: mostly it is the same, made longer.
    long before = memory ? (long)malloc_usable_size(memory) : 0;
    void *moved = __libc_realloc(memory, size);
    if (moved || size == 0) in_use -= before;
    return taken(moved);
}

void *aligned_alloc(size_t alignment, size_t size) {
    return taken(__libc_memalign(alignment, size));
}

void *memalign(size_t alignment, size_t size) { return taken(__libc_memalign(alignment, size)); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
    void *aligned = taken(__libc_memalign(alignment, size));
    if (!aligned) return ENOMEM;
    *memory = aligned;
    return 0;
}

void free(void *memory) {
    if (memory) in_use -= (long)malloc_usable_size(memory);
    __libc_free(memory);
}

void counted_memory_reset(void) {
    in_use = 0;
    peak = 0;
}

long counted_memory_peak(void) { return peak; }
