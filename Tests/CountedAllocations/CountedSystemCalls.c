// Has the kernel turn the thread's system calls into signals, and makes them in the handler.
// Source: prctl(2), PR_SET_SYSCALL_USER_DISPATCH.
#define _GNU_SOURCE
#include "CountedSystemCalls.h"

#if defined(__x86_64__) && !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

// Of <linux/prctl.h>, which older systems lack.
enum { SET_DISPATCH = 59, DISPATCH_OFF = 0, DISPATCH_ON = 1, PASS = 0, CATCH = 1 };

static _Thread_local volatile char selector;
static _Thread_local volatile long count;

/// The call itself, from registers to register.
static long make(long number, greg_t *registers) {
    long result;
    register long fourth __asm__("r10") = registers[REG_R10];
    register long fifth __asm__("r8") = registers[REG_R8];
    register long sixth __asm__("r9") = registers[REG_R9];
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(registers[REG_RDI]), "S"(registers[REG_RSI]),
                       "d"(registers[REG_RDX]), "r"(fourth), "r"(fifth), "r"(sixth)
                     : "rcx", "r11", "memory");
    return result;
}

static void handle(int signal, siginfo_t *info, void *context) {
    (void)signal;
    selector = PASS;
    count++;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    registers[REG_RAX] = make(info->si_syscall, registers);
    selector = CATCH;
}

/// The C library's return from a signal handler is a system call too; the kernel knows where it is.
static unsigned long restorer(void) {
    struct {
        void *handler;
        unsigned long flags;
        void *restorer;
        unsigned long mask;
    } kernels;
    memset(&kernels, 0, sizeof kernels);
    syscall(SYS_rt_sigaction, SIGSYS, NULL, &kernels, sizeof kernels.mask);
    return (unsigned long)kernels.restorer;
}

void counted_system_calls_start(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSYS, &action, NULL);
    count = 0;
    selector = PASS;
    if (prctl(SET_DISPATCH, DISPATCH_ON, restorer(), 16UL, &selector) == 0) selector = CATCH;
}

long counted_system_calls_stop(void) {
    selector = PASS;
    prctl(SET_DISPATCH, DISPATCH_OFF, 0UL, 0UL, 0UL);
    return count;
}

#else

void counted_system_calls_start(void) {}

long counted_system_calls_stop(void) { return 0; }

#endif
