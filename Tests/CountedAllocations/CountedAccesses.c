// Has the processor count: a breakpoint at an address that nobody stops at.
#define _GNU_SOURCE
#include "CountedAccesses.h"

#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

int counted_accesses_start(unsigned long address, int writes_only) {
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_BREAKPOINT,
        .size = sizeof attributes,
        .bp_type = writes_only ? HW_BREAKPOINT_W : HW_BREAKPOINT_RW,
        .bp_addr = address,
        .bp_len = HW_BREAKPOINT_LEN_2,
        .exclude_kernel = 1,
        .exclude_hv = 1,
    };
    return (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0);
}

long counted_accesses_stop(int descriptor) {
    uint64_t count = 0;
    if (descriptor < 0) return -1;
    ssize_t length = read(descriptor, &count, sizeof count);
    close(descriptor);
    return length == sizeof count ? (long)count : -1;
}
