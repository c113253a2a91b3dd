// Counts what a thread asks of others: the allocator, Swift's reference counts, the kernel, and
// the memory that it shares.
#ifndef COUNTED_CALLS_H
#define COUNTED_CALLS_H

/// What the calling thread has done since `counted_calls_start`.
typedef struct {
    long allocations;
    long retains;
    long writes;
    long polls;
    long locks;
} counted_calls;

/// Begins to count, on the calling thread.
void counted_calls_start(void);

/// Ends it and says what was counted.
counted_calls counted_calls_stop(void);

/// Counts, in the processor, the calling thread's accesses to two bytes at an address: a descriptor to
/// read an 8-byte count from, or -1. Source: perf_event_open(2), PERF_TYPE_BREAKPOINT.
int counted_accesses_start(unsigned long address, int writes_only);

/// Ends it and returns the count; -1 when it was not begun.
long counted_accesses_stop(int descriptor);

#endif
