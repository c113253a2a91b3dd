// Counts how often the calling thread touches two bytes of memory.
#ifndef COUNTED_ACCESSES_H
#define COUNTED_ACCESSES_H

/// Counts, in the processor, the calling thread's accesses to two bytes at an address: a descriptor to
/// read an 8-byte count from, or -1. Source: perf_event_open(2), PERF_TYPE_BREAKPOINT.
int counted_accesses_start(unsigned long address, int writes_only);

/// Ends it and returns the count; -1 when it was not begun.
long counted_accesses_stop(int descriptor);

#endif
