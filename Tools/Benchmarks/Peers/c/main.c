// usage: libvirt-bench URI version|list|stats|xml CONCURRENCY SECONDS
//        libvirt-bench URI events COUNT
//        libvirt-bench URI upload|download PATH
// Prints one JSON object: operations, seconds, cpu_seconds.
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_utime.tv_usec * 1e-6 + usage.ru_stime.tv_sec
        + usage.ru_stime.tv_usec * 1e-6;
}

void fail(const char *what) {
    fprintf(stderr, "libvirt-bench: %s: %s\n", what, virGetLastErrorMessage());
    exit(1);
}

int main(int count, char **arguments) {
    if (count < 4) {
        fprintf(stderr, "usage: libvirt-bench URI MEASURE ARGUMENT [SECONDS]\n");
        return 2;
    }
    const char *uri = arguments[1], *measure = arguments[2];
    struct run run;
    if (!strcmp(measure, "events")) {
        run = count_events(uri, strtoul(arguments[3], NULL, 10));
    } else {
        virConnectPtr connection = virConnectOpen(uri);
        if (!connection) fail("open");
        if (strstr(measure, "load"))
            run = move_volume(connection, measure, arguments[3]);
        else
            run = call_again_and_again(
                connection, measure, atoi(arguments[3]), count > 4 ? atof(arguments[4]) : 1);
        virConnectClose(connection);
    }
    printf("{\"operations\":%lu,\"seconds\":%.4f,\"cpu_seconds\":%.4f}\n", run.operations,
        run.seconds, run.cpu_seconds);
    return 0;
}
