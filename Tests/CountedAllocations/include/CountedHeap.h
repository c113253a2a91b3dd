// Tells how much memory the program has, for tests that bound it.
#ifndef COUNTED_HEAP_H
#define COUNTED_HEAP_H

/// How many bytes the program has from the C library's allocator, all threads together; 0 always under a
/// sanitizer, which has an allocator of its own. Source: mallinfo2(3).
long heap_bytes(void);

#endif
