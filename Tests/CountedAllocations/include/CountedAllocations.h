// Counts what the calling thread allocates, for tests that bound it.
#ifndef COUNTED_ALLOCATIONS_H
#define COUNTED_ALLOCATIONS_H

#include "CountedAccesses.h"
#include "CountedHeap.h"
#include "CountedSystemCalls.h"
#include "NoThreads.h"
#include "OwnDescriptors.h"
#include "StalledFile.h"

/// How often the calling thread has asked for memory so far; 0 always under a sanitizer, which has an
/// allocator of its own.
long counted_allocations(void);

#endif
