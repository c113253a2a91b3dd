// Registers for the events of domains' lives on a server that then sends a burst, and counts them.
#include "bench.h"

#include <stddef.h>

static unsigned long counted;
static double started, spent;

static int count_event(
    virConnectPtr connection, virDomainPtr domain, int event, int detail, void *unused) {
    (void)connection, (void)domain, (void)event, (void)detail, (void)unused;
    // The server takes its time before the first one.
    if (counted++ == 0) {
        started = now();
        spent = cpu_seconds();
    }
    return 0;
}

struct run count_events(const char *uri, unsigned long count) {
    virEventRegisterDefaultImpl();
    virConnectPtr connection = virConnectOpen(uri);
    if (!connection) fail("open");
    if (virConnectDomainEventRegisterAny(connection, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
            VIR_DOMAIN_EVENT_CALLBACK(count_event), NULL, NULL) < 0)
        fail("register");
    while (counted < count)
        if (virEventRunDefaultImpl() < 0) fail("wait for events");
    struct run run = {counted, now() - started, cpu_seconds() - spent};
    virConnectClose(connection);
    return run;
}
