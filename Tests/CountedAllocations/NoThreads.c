#define _GNU_SOURCE
#include "NoThreads.h"
#include <pthread.h>

static int set_stack(size_t bytes) {
    pthread_attr_t attributes;
    int result = pthread_attr_init(&attributes);
    if (result == 0) result = pthread_attr_setstacksize(&attributes, bytes);
    if (result == 0) result = pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
    return result;
}

// More than an address space has.
int refuse_threads(void) { return set_stack((size_t)1 << 60); }

int allow_threads(void) { return set_stack((size_t)8 << 20); }
