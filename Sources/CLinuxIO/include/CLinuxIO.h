// The parts of Linux's C interface that Swift's Glibc import lacks.
//
// Conventions: every function here begins with `clinuxio_`; one that can fail returns -1 and leaves
// the reason in errno, as the call it wraps does. Nothing here decides anything.
#ifndef CLINUXIO_H
#define CLINUXIO_H

#include <spawn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/un.h>
#include <stddef.h>
#include <stdint.h>

/// Credentials of a socket's peer: `struct ucred` needs _GNU_SOURCE.
typedef struct {
    int32_t process;
    uint32_t user;
    uint32_t group;
} clinuxio_credentials;

/// memfd_create with MFD_CLOEXEC | MFD_ALLOW_SEALING, and pages of 2 MiB where asked: needs _GNU_SOURCE.
int clinuxio_memfd_create(const char *name, int huge_pages);

/// F_ADD_SEALS and F_GET_SEALS need _GNU_SOURCE. The seals are those of <linux/fcntl.h>.
int clinuxio_add_seals(int descriptor, int seals);
int clinuxio_get_seals(int descriptor);
extern const int clinuxio_seal_seal;
extern const int clinuxio_seal_shrink;
extern const int clinuxio_seal_grow;
extern const int clinuxio_seal_write;

/// Faults every page in, writable. EFAULT where the file ends early, and no SIGBUS: MADV_POPULATE_WRITE.
int clinuxio_populate(void *address, size_t length);

/// open with O_PATH | O_DIRECTORY | O_CLOEXEC: needs _GNU_SOURCE.
int clinuxio_open_directory(const char *path);

/// fstatfs: the number of the file system's kind; Swift's Glibc has no fstatfs.
long long clinuxio_file_system_type(int descriptor);

/// renameat2 within a directory to where nothing stands (RENAME_NOREPLACE): needs _GNU_SOURCE.
int clinuxio_rename_to_absent(int directory, const char *from, const char *to);

/// openat of a file to lock, made where it is missing with mode 0600: openat is variadic.
int clinuxio_open_lock(int directory, const char *name);

/// open with O_PATH | O_NOFOLLOW | O_CLOEXEC, of a file or link itself: needs _GNU_SOURCE.
int clinuxio_open_file_itself(const char *path);

/// lgetxattr, lsetxattr and lremovexattr of system.posix_acl_access: Swift's Glibc lacks <sys/xattr.h>.
ssize_t clinuxio_read_access_list(const char *path, void *bytes, size_t capacity);
int clinuxio_set_access_list(const char *path, const void *bytes, size_t length);
int clinuxio_remove_access_list(const char *path);

/// mallopt of M_MMAP_THRESHOLD: from <malloc.h>, which the import lacks.
void clinuxio_return_large_blocks(int byte_count);

/// pidfd_open: a descriptor, close-on-exec, that is readable once the process has ended.
int clinuxio_open_process(int process);

/// setns of the calling thread into a network namespace: needs _GNU_SOURCE.
int clinuxio_enter_network(int descriptor);

/// accept4 with SOCK_CLOEXEC | SOCK_NONBLOCK: needs _GNU_SOURCE.
int clinuxio_accept(int descriptor);

/// SO_PEERCRED.
int clinuxio_peer_credentials(int descriptor, clinuxio_credentials *result);

/// sendmsg of two buffers, as if they were one, with `count` descriptors as one SCM_RIGHTS message:
/// CMSG_* are macros. Never raises SIGPIPE. Returns the bytes sent.
ssize_t clinuxio_send(
    int descriptor, const void *bytes, size_t length, const void *more, size_t more_length,
    const int *descriptors, size_t count);

/// recvmsg into one buffer. Descriptors that arrive are stored, close-on-exec, at most `capacity`;
/// those beyond it are closed here. `*count` is how many were stored; `*flags` is msg_flags
/// (MSG_TRUNC, MSG_CTRUNC), with MSG_CTRUNC also set when a descriptor was closed for want of room.
ssize_t clinuxio_receive(
    int descriptor, void *bytes, size_t length, int *descriptors, size_t capacity, size_t *count,
    int *flags);

/// Whether the next message that a UNIX socket has received passes descriptors: 1 where it does, or where
/// that cannot be known, and -1 when there is none yet. A look takes none.
int clinuxio_next_passes_descriptors(int descriptor);

/// Throws away the messages that a UNIX socket which takes no more has received, up to one with descriptors:
/// the last close of one may take any time. Returns 1 when nothing is left. Never waits.
int clinuxio_discard_messages(int descriptor);

/// SO_PASSRIGHTS (Linux 6.16): whether the other end may pass descriptors; else its send fails with EPERM.
/// Those that a listener brings are as it was when they connected.
int clinuxio_pass_descriptors(int descriptor, int may_pass);

/// preadv2 of eight bytes with RWF_NOWAIT: an eventfd whose O_NONBLOCK a peer cleared cannot block us.
ssize_t clinuxio_read_eventfd(int descriptor, uint64_t *value);

/// io_setup: a context for up to `count` reads at a time, written to `context`.
int clinuxio_setup_completions(unsigned count, uint64_t *context);

/// io_submit of a read of no bytes of `file`, at whose end the kernel itself adds one to `eventfd`
/// (IOCB_FLAG_RESFD): unlike a write, that never waits, however full the counter is. Returns 1, or -1 with
/// EAGAIN while the context is full of ends that nobody has taken out.
int clinuxio_complete_to_eventfd(uint64_t context, int file, int eventfd);

/// io_getevents without waiting: takes out up to 64 ends, and returns how many.
int clinuxio_take_completions(uint64_t context);

/// pthread_setaffinity_np for the calling thread and one CPU. Returns an errno value, as pthreads do.
int clinuxio_pin_thread(int cpu);

/// PR_SET_NAME for the calling thread; the kernel keeps the first 15 bytes.
void clinuxio_name_thread(const char *name);

// Has a program that is about to be spawned close all descriptors but its first three, and `kept` more.
void clinuxio_close_others(posix_spawn_file_actions_t *actions, int kept);

/// gettid: Swift's optimiser hoists pthread_self() across suspension points, this it cannot.
int clinuxio_thread_id(void);

/// Makes each of the signals write its number, one byte, into a pipe, and returns the pipe's end to
/// read. To be called once: handlers find the pipe in a variable of this file. A handler, and not a
/// blocked signal with sigwait or signalfd, for libdispatch parks the main thread with all signals open.
int clinuxio_catch_signals(const int *signals, size_t count);

/// statx-free file identity helpers: S_ISSOCK is a macro.
int clinuxio_is_socket(uint32_t mode);

/// lseek's ways to find data and holes, which <unistd.h> hides without _GNU_SOURCE.
enum { CLINUXIO_SEEK_DATA = 3, CLINUXIO_SEEK_HOLE = 4 };

/// The processor's spin-wait hint.
static inline void clinuxio_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/// Fetch a cache line to be read, or to be written. They never fault.
static inline void clinuxio_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }
static inline void clinuxio_prefetch_to_write(const void *address) {
#if defined(__x86_64__)
    // Without -mprfchw the compiler would fetch it to be read; processors without it take it as a hint.
    __asm__ volatile("prefetchw %0" : : "m"(*(const char *)address));
#else
    __builtin_prefetch(address, 1, 3);
#endif
}

/// Opens a TAP device, made if it is not there, and writes its name (16 bytes) to `actual`. Returns the
/// descriptor, non-blocking and close-on-exec, or -1 with errno.
int clinuxio_open_tap(const char *name, char *actual);

#endif
