// To be preloaded into virtwired: kills it, as kill -9 does, right before the call of the number in KILL_AT_STEP, of
// those by which records, directories and sockets come, change and go. They count from the first record on. What
// comes after a call is what comes before the next.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_bool has_begun;
static atomic_int count;

static void step(const char *path) {
    const char *last = getenv("KILL_AT_STEP");
    if (strstr(path, "/vms/") != NULL) atomic_store(&has_begun, true);
    if (last == NULL || !atomic_load(&has_begun)) return;
    if (atomic_fetch_add(&count, 1) + 1 != atoi(last)) return;
    kill(getpid(), SIGKILL);
    // Nothing more happens, though the signal takes a moment.
    for (;;) pause();
}

#define NEXT(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

int rename(const char *from, const char *to) {
    step(to);
    return NEXT(rename)(from, to);
}

int renameat(int source, const char *from, int target, const char *to) {
    step(to);
    return NEXT(renameat)(source, from, target, to);
}

int mkdir(const char *path, mode_t mode) {
    step(path);
    return NEXT(mkdir)(path, mode);
}

int rmdir(const char *path) {
    step(path);
    return NEXT(rmdir)(path);
}

int unlink(const char *path) {
    step(path);
    return NEXT(unlink)(path);
}

int chmod(const char *path, mode_t mode) {
    step(path);
    return NEXT(chmod)(path, mode);
}

int fchmodat(int directory, const char *path, mode_t mode, int flags) {
    step(path);
    return NEXT(fchmodat)(directory, path, mode, flags);
}

int fchownat(int directory, const char *path, uid_t user, gid_t group, int flags) {
    step(path);
    return NEXT(fchownat)(directory, path, user, group, flags);
}

int fsync(int file) {
    step("");
    return NEXT(fsync)(file);
}

int bind(int socket, const struct sockaddr *address, socklen_t length) {
    step("");
    return NEXT(bind)(socket, address, length);
}

int listen(int socket, int backlog) {
    step("");
    return NEXT(listen)(socket, backlog);
}
