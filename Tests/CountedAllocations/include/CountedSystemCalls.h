// Counts what the calling thread asks of the kernel, for tests that bound it.
#ifndef COUNTED_SYSTEM_CALLS_H
#define COUNTED_SYSTEM_CALLS_H

/// Begins to count the calling thread's system calls, each of which then costs two signals.
void counted_system_calls_start(void);

/// Ends it, and returns how many there were: 0 always under a sanitizer, and where the processor or the
/// kernel cannot count (x86-64 and Linux 5.11 can).
long counted_system_calls_stop(void);

#endif
