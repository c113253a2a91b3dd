#define _GNU_SOURCE
#include "CLinuxIO.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/if_tun.h>
#include <malloc.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

// Of <asm-generic/socket.h>, which all architectures that Swift knows have.
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

// MFD_HUGE_2MB of <linux/memfd.h>.
#define HUGE_2MB (21U << 26)

// Linux passes at most SCM_MAX_FD descriptors in one message; one more than that never arrives.
#define MOST_DESCRIPTORS 253

const int clinuxio_seal_seal = F_SEAL_SEAL;
const int clinuxio_seal_shrink = F_SEAL_SHRINK;
const int clinuxio_seal_grow = F_SEAL_GROW;
const int clinuxio_seal_write = F_SEAL_WRITE;

int clinuxio_memfd_create(const char *name, int huge_pages) {
    return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | (huge_pages ? MFD_HUGETLB | HUGE_2MB : 0));
}

int clinuxio_add_seals(int descriptor, int seals) { return fcntl(descriptor, F_ADD_SEALS, seals); }

int clinuxio_get_seals(int descriptor) { return fcntl(descriptor, F_GET_SEALS); }

int clinuxio_populate(void *address, size_t length) {
    return madvise(address, length, MADV_POPULATE_WRITE);
}

int clinuxio_open_directory(const char *path) {
    return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

long long clinuxio_file_system_type(int descriptor) {
    struct statfs result;
    return fstatfs(descriptor, &result) == 0 ? (uint32_t)result.f_type : -1;
}

int clinuxio_rename_to_absent(int directory, const char *from, const char *to) {
    return renameat2(directory, from, directory, to, RENAME_NOREPLACE);
}

int clinuxio_open_lock(int directory, const char *name) {
    return openat(directory, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
}

int clinuxio_open_file_itself(const char *path) {
    return open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

int clinuxio_open_process(int process) { return (int)syscall(SYS_pidfd_open, process, 0); }

int clinuxio_enter_network(int descriptor) { return setns(descriptor, CLONE_NEWNET); }

int clinuxio_accept(int descriptor) {
    return accept4(descriptor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

int clinuxio_peer_credentials(int descriptor, clinuxio_credentials *result) {
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return -1;
    result->process = credentials.pid;
    result->user = credentials.uid;
    result->group = credentials.gid;
    return 0;
}

ssize_t clinuxio_send(
    int descriptor, const void *bytes, size_t length, const void *more, size_t more_length,
    const int *descriptors, size_t count) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int))];
    } control;
    struct iovec vectors[] = {{(void *)bytes, length}, {(void *)more, more_length}};
    struct msghdr message = {.msg_iov = vectors, .msg_iovlen = more_length > 0 ? 2 : 1};
    if (count > MOST_DESCRIPTORS) {
        errno = EINVAL;
        return -1;
    }
    if (count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.space;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
    }
    return sendmsg(descriptor, &message, MSG_NOSIGNAL);
}

ssize_t clinuxio_receive(
    int descriptor, void *bytes, size_t length, int *descriptors, size_t capacity, size_t *count,
    int *flags) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int))];
    } control;
    struct iovec vector = {bytes, length};
    struct msghdr message = {
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = control.space,
        .msg_controllen = sizeof control.space,
    };
    *count = 0;
    *flags = 0;
    ssize_t received = recvmsg(descriptor, &message, MSG_CMSG_CLOEXEC);
    if (received < 0) return -1;
    *flags = message.msg_flags;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t arrived = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < arrived; i++) {
            int one;
            memcpy(&one, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
            if (*count < capacity) {
                descriptors[(*count)++] = one;
            } else {
                close(one);
                *flags |= MSG_CTRUNC;
            }
        }
    }
    return received;
}

int clinuxio_next_passes_descriptors(int descriptor) {
    char byte;
    struct iovec vector = {&byte, 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    while (recvmsg(descriptor, &message, MSG_PEEK | MSG_DONTWAIT) < 0) {
        if (errno == EAGAIN) return -1;
        // A peer that closes with messages of ours unread leaves an error, once, ahead of its own.
        if (errno != ECONNRESET && errno != EINTR) return 1;
    }
    return (message.msg_flags & MSG_CTRUNC) != 0;
}

int clinuxio_discard_messages(int descriptor) {
    // With a message come its sender's credentials, and with the end nothing: by their lengths a message of
    // no bytes and the end are the same.
    int on = 1;
    if (setsockopt(descriptor, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) return 0;
    // More than a socket's buffer holds, unless somebody has made it larger.
    for (int i = 0; i < 1024; i++) {
        char byte;
        union {
            struct cmsghdr header;
            char space[CMSG_SPACE(sizeof(struct ucred))];
        } control;
        struct iovec vector = {&byte, 1};
        struct msghdr message = {
            .msg_iov = &vector,
            .msg_iovlen = 1,
            .msg_control = control.space,
            .msg_controllen = sizeof control.space,
        };
        // A look takes no descriptor: there is room for credentials only.
        if (recvmsg(descriptor, &message, MSG_PEEK | MSG_DONTWAIT) < 0) {
            if (errno == ECONNRESET || errno == EINTR) continue;
            return 0;
        }
        if (message.msg_flags & MSG_CTRUNC) return 0;
        if (message.msg_controllen == 0) return 1;
        recv(descriptor, &byte, 1, MSG_DONTWAIT);
    }
    return 0;
}

int clinuxio_pass_descriptors(int descriptor, int may_pass) {
    return setsockopt(descriptor, SOL_SOCKET, SO_PASSRIGHTS, &may_pass, sizeof may_pass);
}

ssize_t clinuxio_read_eventfd(int descriptor, uint64_t *value) {
    struct iovec vector = {value, sizeof *value};
    return preadv2(descriptor, &vector, 1, -1, RWF_NOWAIT);
}

int clinuxio_setup_completions(unsigned count, uint64_t *context) {
    aio_context_t made = 0;
    if (syscall(SYS_io_setup, count, &made) != 0) return -1;
    *context = made;
    return 0;
}

int clinuxio_complete_to_eventfd(uint64_t context, int file, int eventfd) {
    struct iocb request = {
        .aio_lio_opcode = IOCB_CMD_PREAD,
        .aio_fildes = (uint32_t)file,
        .aio_flags = IOCB_FLAG_RESFD,
        .aio_resfd = (uint32_t)eventfd,
    };
    struct iocb *requests = &request;
    return (int)syscall(SYS_io_submit, (aio_context_t)context, 1L, &requests);
}

int clinuxio_take_completions(uint64_t context) {
    struct io_event ends[64];
    struct timespec now = {0, 0};
    return (int)syscall(SYS_io_getevents, (aio_context_t)context, 0L, 64L, ends, &now);
}

int clinuxio_pin_thread(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

void clinuxio_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

int clinuxio_thread_id(void) { return (int)syscall(SYS_gettid); }

static volatile int signal_pipe = -1;

static void write_signal(int number) {
    int saved = errno;
    unsigned char byte = (unsigned char)number;
    // A full pipe holds signals enough that have not been looked at.
    if (write(signal_pipe, &byte, 1) < 0) {}
    errno = saved;
}

int clinuxio_catch_signals(const int *signals, size_t count) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    signal_pipe = ends[1];
    struct sigaction action = {.sa_handler = write_signal, .sa_flags = SA_RESTART};
    for (size_t i = 0; i < count; i++)
        if (sigaction(signals[i], &action, NULL) != 0) return -1;
    return ends[0];
}

int clinuxio_is_socket(uint32_t mode) { return S_ISSOCK(mode); }

int clinuxio_open_tap(const char *name, char *actual) {
    int descriptor = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) return -1;
    struct ifreq request;
    memset(&request, 0, sizeof request);
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    if (ioctl(descriptor, TUNSETIFF, &request) != 0) {
        int saved = errno;
        close(descriptor);
        errno = saved;
        return -1;
    }
    memcpy(actual, request.ifr_name, IFNAMSIZ);
    return descriptor;
}

void clinuxio_close_others(posix_spawn_file_actions_t *actions, int kept) {
    posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1 + kept);
}

static const char access_list[] = "system.posix_acl_access";

ssize_t clinuxio_read_access_list(const char *path, void *bytes, size_t capacity) {
    return lgetxattr(path, access_list, bytes, capacity);
}

int clinuxio_set_access_list(const char *path, const void *bytes, size_t length) {
    return lsetxattr(path, access_list, bytes, length, 0);
}

int clinuxio_remove_access_list(const char *path) { return lremovexattr(path, access_list); }

void clinuxio_return_large_blocks(int byte_count) { mallopt(M_MMAP_THRESHOLD, byte_count); }
