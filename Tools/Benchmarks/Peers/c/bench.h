// The yardstick: what libvirt's own C client does in a time, and what it costs.
#pragma once

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

// What one run did.
struct run {
    unsigned long operations;
    double seconds;
    double cpu_seconds;  // user and system, this process
};

// Seconds of the clock, and of this process's CPUs.
double now(void);
double cpu_seconds(void);

// Ends the program with libvirt's last error.
void fail(const char *what);

// Makes the same call from so many threads on one connection: version, list, stats or xml.
struct run call_again_and_again(
    virConnectPtr connection, const char *measure, int concurrency, double seconds);

// Counts events of a burst of so many.
struct run count_events(const char *uri, unsigned long count);

// Sends or receives a volume's whole content once; an operation is a MiB.
struct run move_volume(virConnectPtr connection, const char *measure, const char *path);
