// How much memory an input costs at its peak: malloc and its kin, counted for the calling thread.

#ifndef COUNTED_MEMORY_H
#define COUNTED_MEMORY_H

/// Counts from zero again.
void counted_memory_reset(void);

/// The most bytes that were in use at a time since then.
long counted_memory_peak(void);

#endif
