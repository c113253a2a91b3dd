// The yardstick: how many calls a second libvirt's own C client makes, and what one costs.
//
// usage: libvirt-calls URI CONCURRENCY SECONDS
// CONCURRENCY threads share one connection and each calls virConnectGetLibVersion in a loop: the
// smallest call there is, so that what is measured is the client and the wire, not the daemon.
// Prints one JSON object: calls, seconds, cpu_seconds (user and system, this process).
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static virConnectPtr connection;
static atomic_bool stop;
static atomic_ulong calls;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_utime.tv_usec * 1e-6 + usage.ru_stime.tv_sec
        + usage.ru_stime.tv_usec * 1e-6;
}

static void *call_in_a_loop(void *unused) {
    unsigned long made = 0, version;
    while (!stop) {
        if (virConnectGetLibVersion(connection, &version) != 0) {
            fprintf(stderr, "libvirt-calls: %s\n", virGetLastErrorMessage());
            exit(1);
        }
        made++;
    }
    calls += made;
    return unused;
}

int main(int count, char **arguments) {
    if (count != 4) {
        fprintf(stderr, "usage: libvirt-calls URI CONCURRENCY SECONDS\n");
        return 2;
    }
    int concurrency = atoi(arguments[2]);
    double seconds = atof(arguments[3]);
    connection = virConnectOpen(arguments[1]);
    if (!connection) return 1;

    pthread_t *threads = calloc(concurrency, sizeof *threads);
    double started = now(), spent = cpu_seconds();
    for (int i = 0; i < concurrency; i++) pthread_create(&threads[i], NULL, call_in_a_loop, NULL);
    struct timespec pause = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};
    nanosleep(&pause, NULL);
    stop = 1;
    for (int i = 0; i < concurrency; i++) pthread_join(threads[i], NULL);
    printf("{\"calls\":%lu,\"seconds\":%.3f,\"cpu_seconds\":%.3f}\n", calls, now() - started,
        cpu_seconds() - spent);
    free(threads);
    virConnectClose(connection);
    return 0;
}
