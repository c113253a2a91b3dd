// Threads share one connection and make the same call in a loop. The smallest call there is measures
// the client and the wire, not the daemon; the others bring something of each domain.
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static virConnectPtr connection;
static void (*operation)(void);
static atomic_bool stop;
static atomic_ulong operations;

static void version(void) {
    unsigned long version;
    if (virConnectGetLibVersion(connection, &version) != 0) fail("version");
}

static int all_domains(virDomainPtr **domains) {
    int count = virConnectListAllDomains(connection, domains, 0);
    if (count < 0) fail("list");
    return count;
}

static void free_domains(virDomainPtr *domains, int count) {
    for (int i = 0; i < count; i++) virDomainFree(domains[i]);
    free(domains);
}

static void list(void) {
    virDomainPtr *domains;
    int count = all_domains(&domains);
    free_domains(domains, count);
}

static void stats(void) {
    virDomainStatsRecordPtr *records;
    if (virConnectGetAllDomainStats(connection, 0, &records, 0) < 0) fail("stats");
    virDomainStatsRecordListFree(records);
}

static virDomainPtr *domains;
static int domain_count;

static void xml(void) {
    for (int i = 0; i < domain_count; i++) {
        char *description = virDomainGetXMLDesc(domains[i], 0);
        if (!description) fail("xml");
        free(description);
    }
}

static void *loop(void *unused) {
    unsigned long made = 0;
    while (!stop) {
        operation();
        made++;
    }
    operations += made;
    return unused;
}

struct run call_again_and_again(
    virConnectPtr opened, const char *measure, int concurrency, double seconds) {
    connection = opened;
    operation = !strcmp(measure, "list") ? list
        : !strcmp(measure, "stats")      ? stats
        : !strcmp(measure, "xml")        ? xml
                                         : version;
    if (operation == xml) domain_count = all_domains(&domains);

    pthread_t *threads = calloc(concurrency, sizeof *threads);
    double started = now(), spent = cpu_seconds();
    for (int i = 0; i < concurrency; i++) pthread_create(&threads[i], NULL, loop, NULL);
    struct timespec pause = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};
    nanosleep(&pause, NULL);
    stop = 1;
    for (int i = 0; i < concurrency; i++) pthread_join(threads[i], NULL);
    struct run run = {operations, now() - started, cpu_seconds() - spent};
    free(threads);
    free_domains(domains, domain_count);
    return run;
}
