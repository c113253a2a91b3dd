#define _GNU_SOURCE
#include "StalledFile.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

// The process that makes the file, and the server, which alone has the kernel's end of the file system: with
// that closed, whatever way the server ends, the kernel fails all who wait. The server touches no file of the
// file system, for it would wait for itself.

// In the server: the channel to the maker.
static const int maker = STDIN_FILENO;
// Mounted over, in the server's own namespace.
static const char place[] = "/dev/null";
// In seconds.
static const unsigned longest_life = 120;

static void tell(int channel, int error, int file) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof file)];
    } control = {.space = {0}};
    struct iovec vector = {&error, sizeof error};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    if (file >= 0) {
        message.msg_control = control.space;
        message.msg_controllen = sizeof control.space;
        control.header = (struct cmsghdr){CMSG_LEN(sizeof file), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.header), &file, sizeof file);
    }
    (void)!sendmsg(channel, &message, MSG_NOSIGNAL);
}

// What was told: 0, or an error. A file that came with it is written to `file`.
static int hear(int channel, int *file) {
    int error = 0;
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof *file)];
    } control;
    struct iovec vector = {&error, sizeof error};
    struct msghdr message = {
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = control.space,
        .msg_controllen = sizeof control.space,
    };
    ssize_t count;
    do count = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
    while (count < 0 && errno == EINTR);
    if (count != sizeof error) return EPIPE;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header != NULL) memcpy(file, CMSG_DATA(header), sizeof *file);
    return error;
}

static int mounted(void) {
    int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (device < 0 || unshare(CLONE_NEWNS) != 0) return -1;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return -1;
    char options[96];
    snprintf(
        options, sizeof options, "fd=%d,rootmode=100600,user_id=%u,group_id=%u", device, getuid(),
        getgid());
    return mount("stalled", place, "fuse", MS_NOSUID | MS_NODEV, options) == 0 ? device : -1;
}

// A process of its own: each of its calls waits for the server.
static void open_file(void) {
    int file = open(place, O_RDWR | O_CLOEXEC);
    tell(maker, file < 0 ? errno : 0, file);
}

static void answer(int device, unsigned long unique, int error, const void *body, size_t length) {
    struct {
        struct fuse_out_header header;
        char body[sizeof(struct fuse_init_out)];
    } reply = {.header = {sizeof reply.header + length, -error, unique}};
    memcpy(reply.body, body, length);
    (void)!write(device, &reply, reply.header.len);
}

static void serve_one(int device) {
    // The least that the kernel reads into.
    static char request[FUSE_MIN_READ_BUFFER];
    struct pollfd ready = {device, POLLIN, 0};
    if (poll(&ready, 1, 1) <= 0 || read(device, request, sizeof request) <= 0) return;
    struct fuse_in_header header;
    memcpy(&header, request, sizeof header);
    struct fuse_init_out settings = {
        .major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096, .time_gran = 1};
    struct fuse_open_out opened = {0};
    switch (header.opcode) {
    case FUSE_INIT: return answer(device, header.unique, 0, &settings, sizeof settings);
    case FUSE_OPEN: return answer(device, header.unique, 0, &opened, sizeof opened);
    // Of the opener. To say that there is no such request would end them all.
    case FUSE_FLUSH: return answer(device, header.unique, 0, "", 0);
    default: return answer(device, header.unique, ENOSYS, "", 0);
    }
}

static void serve(void) {
    int device = mounted();
    if (device < 0) return tell(maker, errno, -1);
    pid_t opener = fork();
    if (opener == 0) {
        close(device);
        open_file();
        _exit(0);
    }
    while (opener > 0 && waitpid(opener, NULL, WNOHANG) == 0) serve_one(device);
    tell(maker, opener < 0 ? errno : 0, -1);
    // Nothing is answered any more. The maker says nothing: this is its end.
    char byte;
    (void)!read(maker, &byte, 1);
}

static void start_server(int channel) {
    signal(SIGALRM, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    alarm(longest_life);
    dup2(channel, maker);
    close_range(maker + 1, ~0U, 0);
    serve();
    _exit(0);
}

int stalled_file(int *server) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return -1;
    pid_t process = fork();
    if (process == 0) start_server(ends[1]);
    close(ends[1]);
    int file = -1;
    int error = process < 0 ? EAGAIN : hear(ends[0], &file);
    if (error == 0) error = hear(ends[0], &file);
    *server = ends[0];
    if (error == 0) return file;
    close(ends[0]);
    errno = error;
    return -1;
}
