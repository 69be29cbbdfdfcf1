/* SPDX-License-Identifier: ISC */
#include "lib/proc/sandbox_calls.h"

#include <fcntl.h>
#include <seccomp.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static const struct sandbox_call allowed[] = {
    /* Descriptors there are. */
    {SCMP_SYS(read), SET_BASE},
    {SCMP_SYS(readv), SET_BASE},
    {SCMP_SYS(write), SET_BASE},
    {SCMP_SYS(writev), SET_BASE},
    {SCMP_SYS(pread64), SET_BASE},
    {SCMP_SYS(preadv), SET_BASE},
    {SCMP_SYS(pwrite64), SET_BASE},
    {SCMP_SYS(pwritev), SET_BASE},
    {SCMP_SYS(lseek), SET_BASE},
    {SCMP_SYS(fstat), SET_BASE},
    {SCMP_SYS(fstatfs), SET_BASE},
    {SCMP_SYS(ftruncate), SET_BASE},
    {SCMP_SYS(fallocate), SET_BASE},
    {SCMP_SYS(fadvise64), SET_BASE},
    {SCMP_SYS(fsync), SET_BASE},
    {SCMP_SYS(fdatasync), SET_BASE},
    {SCMP_SYS(flock), SET_BASE},
    {SCMP_SYS(close), SET_BASE},
    {SCMP_SYS(close_range), SET_BASE},
    {SCMP_SYS(dup), SET_BASE},
    {SCMP_SYS(dup2), SET_BASE},
    {SCMP_SYS(dup3), SET_BASE},
    {SCMP_SYS(pipe), SET_BASE},
    {SCMP_SYS(pipe2), SET_BASE},
    {SCMP_SYS(poll), SET_BASE},
    {SCMP_SYS(ppoll), SET_BASE},
    {SCMP_SYS(select), SET_BASE},
    {SCMP_SYS(pselect6), SET_BASE},
    {SCMP_SYS(epoll_create1), SET_BASE},
    {SCMP_SYS(epoll_ctl), SET_BASE},
    {SCMP_SYS(epoll_wait), SET_BASE},
    {SCMP_SYS(epoll_pwait), SET_BASE},
    {SCMP_SYS(epoll_pwait2), SET_BASE},
    {SCMP_SYS(eventfd2), SET_BASE},
    {SCMP_SYS(signalfd4), SET_BASE},
    {SCMP_SYS(timerfd_create), SET_BASE},
    {SCMP_SYS(timerfd_settime), SET_BASE},
    {SCMP_SYS(timerfd_gettime), SET_BASE},
    /* Sockets: socket() itself stands below. */
    {SCMP_SYS(accept), SET_BASE},
    {SCMP_SYS(accept4), SET_BASE},
    {SCMP_SYS(shutdown), SET_BASE},
    {SCMP_SYS(recvfrom), SET_BASE},
    {SCMP_SYS(recvmsg), SET_BASE},
    {SCMP_SYS(recvmmsg), SET_BASE},
    {SCMP_SYS(sendto), SET_BASE},
    {SCMP_SYS(sendmsg), SET_BASE},
    {SCMP_SYS(sendmmsg), SET_BASE},
    {SCMP_SYS(getsockopt), SET_BASE},
    {SCMP_SYS(setsockopt), SET_BASE},
    {SCMP_SYS(getsockname), SET_BASE},
    {SCMP_SYS(getpeername), SET_BASE},
    {SCMP_SYS(bind), SET_INET},
    /* Memory; mmap and mprotect stand below. */
    {SCMP_SYS(brk), SET_BASE},
    {SCMP_SYS(munmap), SET_BASE},
    {SCMP_SYS(mremap), SET_BASE},
    {SCMP_SYS(madvise), SET_BASE},
    {SCMP_SYS(mlock), SET_BASE},
    {SCMP_SYS(mlock2), SET_BASE},
    {SCMP_SYS(munlock), SET_BASE},
    {SCMP_SYS(mincore), SET_BASE},
    {SCMP_SYS(msync), SET_BASE},
    /* Threads; clone stands below. */
    {SCMP_SYS(futex), SET_BASE},
    {SCMP_SYS(set_robust_list), SET_BASE},
    {SCMP_SYS(get_robust_list), SET_BASE},
    {SCMP_SYS(rseq), SET_BASE},
    {SCMP_SYS(membarrier), SET_BASE},
    {SCMP_SYS(sched_yield), SET_BASE},
    {SCMP_SYS(sched_getaffinity), SET_BASE},
    {SCMP_SYS(sched_getparam), SET_BASE},
    {SCMP_SYS(sched_getscheduler), SET_BASE},
    {SCMP_SYS(getcpu), SET_BASE},
    {SCMP_SYS(exit), SET_BASE},
    {SCMP_SYS(exit_group), SET_BASE},
    /* Signals, taken; those sent stand below. */
    {SCMP_SYS(rt_sigaction), SET_BASE},
    {SCMP_SYS(rt_sigprocmask), SET_BASE},
    {SCMP_SYS(rt_sigpending), SET_BASE},
    {SCMP_SYS(rt_sigsuspend), SET_BASE},
    {SCMP_SYS(rt_sigtimedwait), SET_BASE},
    {SCMP_SYS(rt_sigreturn), SET_BASE},
    {SCMP_SYS(sigaltstack), SET_BASE},
    {SCMP_SYS(restart_syscall), SET_BASE},
    /* Time, chance, and who we are. */
    {SCMP_SYS(clock_gettime), SET_BASE},
    {SCMP_SYS(clock_getres), SET_BASE},
    {SCMP_SYS(clock_nanosleep), SET_BASE},
    {SCMP_SYS(nanosleep), SET_BASE},
    {SCMP_SYS(gettimeofday), SET_BASE},
    {SCMP_SYS(time), SET_BASE},
    {SCMP_SYS(times), SET_BASE},
    {SCMP_SYS(alarm), SET_BASE},
    {SCMP_SYS(setitimer), SET_BASE},
    {SCMP_SYS(getrandom), SET_BASE},
    {SCMP_SYS(getrusage), SET_BASE},
    {SCMP_SYS(getrlimit), SET_BASE},
    {SCMP_SYS(sysinfo), SET_BASE},
    {SCMP_SYS(uname), SET_BASE},
    {SCMP_SYS(getpid), SET_BASE},
    {SCMP_SYS(getppid), SET_BASE},
    {SCMP_SYS(gettid), SET_BASE},
    {SCMP_SYS(getuid), SET_BASE},
    {SCMP_SYS(geteuid), SET_BASE},
    {SCMP_SYS(getgid), SET_BASE},
    {SCMP_SYS(getegid), SET_BASE},
    {SCMP_SYS(getresuid), SET_BASE},
    {SCMP_SYS(getresgid), SET_BASE},
    {SCMP_SYS(syncfs), SET_SYNC},
    {SCMP_SYS(wait4), SET_WAIT},
    {SCMP_SYS(waitid), SET_WAIT},
};

/* What names files, begets or reaches out. */
static const struct sandbox_call refused[] = {
    {SCMP_SYS(stat), SET_READ | SET_WRITE},
    {SCMP_SYS(lstat), SET_READ | SET_WRITE},
    {SCMP_SYS(statx), SET_READ | SET_WRITE},
    {SCMP_SYS(statfs), SET_READ | SET_WRITE},
    {SCMP_SYS(access), SET_READ | SET_WRITE},
    {SCMP_SYS(faccessat), SET_READ | SET_WRITE},
    {SCMP_SYS(faccessat2), SET_READ | SET_WRITE},
    {SCMP_SYS(readlink), SET_READ | SET_WRITE},
    {SCMP_SYS(readlinkat), SET_READ | SET_WRITE},
    {SCMP_SYS(getdents64), SET_READ | SET_WRITE},
    {SCMP_SYS(getcwd), SET_READ | SET_WRITE},
    {SCMP_SYS(creat), SET_WRITE},
    {SCMP_SYS(truncate), SET_WRITE},
    {SCMP_SYS(unlink), SET_WRITE},
    {SCMP_SYS(unlinkat), SET_WRITE},
    {SCMP_SYS(rename), SET_WRITE},
    {SCMP_SYS(renameat), SET_WRITE},
    {SCMP_SYS(renameat2), SET_WRITE},
    {SCMP_SYS(link), SET_WRITE},
    {SCMP_SYS(linkat), SET_WRITE},
    {SCMP_SYS(mkdir), SET_WRITE},
    {SCMP_SYS(mkdirat), SET_WRITE},
    {SCMP_SYS(rmdir), SET_WRITE},
    {SCMP_SYS(chmod), SET_WRITE},
    {SCMP_SYS(fchmod), SET_WRITE},
    {SCMP_SYS(fchmodat), SET_WRITE},
    {SCMP_SYS(fchown), SET_WRITE},
    {SCMP_SYS(utimensat), SET_WRITE},
    {SCMP_SYS(umask), SET_WRITE},
    {SCMP_SYS(openat2), SET_WRITE}, /* its flags are out of a filter's sight */
    {SCMP_SYS(name_to_handle_at), 0},
    {SCMP_SYS(symlink), 0},
    {SCMP_SYS(symlinkat), 0},
    {SCMP_SYS(mknod), 0},
    {SCMP_SYS(mknodat), 0},
    {SCMP_SYS(chown), 0},
    {SCMP_SYS(lchown), 0},
    {SCMP_SYS(fchownat), 0},
    {SCMP_SYS(memfd_create), 0},
    {SCMP_SYS(fork), 0},
    {SCMP_SYS(vfork), 0},
    {SCMP_SYS(execve), 0},
    {SCMP_SYS(execveat), 0},
    {SCMP_SYS(socketpair), SET_INET},
    {SCMP_SYS(connect), SET_LOCAL},
};

static const struct sandbox_value exactly[] = {
    /* Not F_SETOWN and F_SETSIG: the kernel would send signals for us. */
    {SCMP_SYS(fcntl), 1, F_DUPFD}, {SCMP_SYS(fcntl), 1, F_DUPFD_CLOEXEC},
    {SCMP_SYS(fcntl), 1, F_GETFD}, {SCMP_SYS(fcntl), 1, F_SETFD},
    {SCMP_SYS(fcntl), 1, F_GETFL}, {SCMP_SYS(fcntl), 1, F_SETFL},
    {SCMP_SYS(fcntl), 1, F_GETLK}, {SCMP_SYS(fcntl), 1, F_SETLK},
    {SCMP_SYS(fcntl), 1, F_SETLKW}, {SCMP_SYS(fcntl), 1, F_OFD_GETLK},
    {SCMP_SYS(fcntl), 1, F_OFD_SETLK}, {SCMP_SYS(fcntl), 1, F_OFD_SETLKW},
    {SCMP_SYS(ioctl), 1, FIONBIO}, {SCMP_SYS(ioctl), 1, FIONREAD},
    {SCMP_SYS(ioctl), 1, TCGETS}, /* isatty() */
    {SCMP_SYS(prctl), 0, PR_SET_NAME}, {SCMP_SYS(prctl), 0, PR_GET_NAME},
    {SCMP_SYS(prctl), 0, PR_GET_DUMPABLE},
    {SCMP_SYS(prctl), 0, PR_GET_NO_NEW_PRIVS},
    {SCMP_SYS(prctl), 0, 0x53564d41}, /* PR_SET_VMA: malloc names memory */
    {SCMP_SYS(prlimit64), 2, 0},      /* asks, and sets nothing */
};

const struct sandbox_calls sandbox_calls = {.allowed = allowed,
    .n_allowed = LEN(allowed),
    .refused = refused,
    .n_refused = LEN(refused),
    .exactly = exactly,
    .n_exactly = LEN(exactly)};

unsigned
sandbox_sets(const struct sandbox *s)
{
	bool files = s->write_below != NULL || s->read_below != NULL;

	switch (s->profile) {
	case SANDBOX_FRONT:
		return SET_BASE;
	case SANDBOX_DIALLER:
		return SET_BASE | SET_LOCAL;
	case SANDBOX_SIGNER:
		return SET_BASE | SET_LOCAL |
		    (files ? SET_READ | SET_WRITE : 0);
	case SANDBOX_KEEPER:
		return SET_BASE | SET_READ | SET_WRITE | SET_LOCAL | SET_INET |
		    SET_SYNC;
	case SANDBOX_COURIER:
		return SET_BASE | SET_READ | SET_LOCAL | SET_INET;
	case SANDBOX_NOTIFY:
		return SET_BASE | SET_READ | SET_LOCAL | SET_INET | SET_WAIT;
	}
	return SET_BASE;
}
