// Counts what a thread asks of others: the allocator, Swift's reference counts, the kernel.
#ifndef COUNTED_CALLS_H
#define COUNTED_CALLS_H

#include "CountedAccesses.h"
#include "CountedSystemCalls.h"

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

#endif
