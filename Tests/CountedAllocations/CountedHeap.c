#include "CountedHeap.h"

#include <malloc.h>

long heap_bytes(void) {
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return 0;
#else
    struct mallinfo2 all = mallinfo2();
    return (long)(all.uordblks + all.hblkhd);
#endif
}
