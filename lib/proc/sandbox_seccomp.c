/* SPDX-License-Identifier: ISC */
#include "lib/proc/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/proc/sandbox_impl.h"
#include "lib/proc/socket.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

/* What a profile may do; a set of these. */
enum {
	BASE = 1,
	READ = 2,  /* look at files and open them for reading */
	WRITE = 4, /* make, write and remove files too */
	LOCAL = 8, /* sockets of this machine, to siblings and agents */
	INET = 16, /* those of the internet, and libraries that come late */
	WAIT = 32, /* for children there are */
	SYNC = 64, /* all of a file system onto its disk, as a log does */
};

/* Allowed, whatever the arguments, to profiles that have one of the sets. */
static const struct {
	int call;
	unsigned has;
} allowed[] = {
    /* Descriptors there are. */
    {SCMP_SYS(read), BASE},
    {SCMP_SYS(readv), BASE},
    {SCMP_SYS(write), BASE},
    {SCMP_SYS(writev), BASE},
    {SCMP_SYS(pread64), BASE},
    {SCMP_SYS(preadv), BASE},
    {SCMP_SYS(pwrite64), BASE},
    {SCMP_SYS(pwritev), BASE},
    {SCMP_SYS(lseek), BASE},
    {SCMP_SYS(fstat), BASE},
    {SCMP_SYS(fstatfs), BASE},
    {SCMP_SYS(ftruncate), BASE},
    {SCMP_SYS(fallocate), BASE},
    {SCMP_SYS(fadvise64), BASE},
    {SCMP_SYS(fsync), BASE},
    {SCMP_SYS(fdatasync), BASE},
    {SCMP_SYS(flock), BASE},
    {SCMP_SYS(close), BASE},
    {SCMP_SYS(close_range), BASE},
    {SCMP_SYS(dup), BASE},
    {SCMP_SYS(dup2), BASE},
    {SCMP_SYS(dup3), BASE},
    {SCMP_SYS(pipe), BASE},
    {SCMP_SYS(pipe2), BASE},
    {SCMP_SYS(poll), BASE},
    {SCMP_SYS(ppoll), BASE},
    {SCMP_SYS(select), BASE},
    {SCMP_SYS(pselect6), BASE},
    {SCMP_SYS(epoll_create1), BASE},
    {SCMP_SYS(epoll_ctl), BASE},
    {SCMP_SYS(epoll_wait), BASE},
    {SCMP_SYS(epoll_pwait), BASE},
    {SCMP_SYS(epoll_pwait2), BASE},
    {SCMP_SYS(eventfd2), BASE},
    {SCMP_SYS(signalfd4), BASE},
    {SCMP_SYS(timerfd_create), BASE},
    {SCMP_SYS(timerfd_settime), BASE},
    {SCMP_SYS(timerfd_gettime), BASE},
    /* Sockets: socket() itself stands below. */
    {SCMP_SYS(accept), BASE},
    {SCMP_SYS(accept4), BASE},
    {SCMP_SYS(shutdown), BASE},
    {SCMP_SYS(recvfrom), BASE},
    {SCMP_SYS(recvmsg), BASE},
    {SCMP_SYS(recvmmsg), BASE},
    {SCMP_SYS(sendto), BASE},
    {SCMP_SYS(sendmsg), BASE},
    {SCMP_SYS(sendmmsg), BASE},
    {SCMP_SYS(getsockopt), BASE},
    {SCMP_SYS(setsockopt), BASE},
    {SCMP_SYS(getsockname), BASE},
    {SCMP_SYS(getpeername), BASE},
    {SCMP_SYS(bind), INET},
    /* Memory; mmap and mprotect stand below. */
    {SCMP_SYS(brk), BASE},
    {SCMP_SYS(munmap), BASE},
    {SCMP_SYS(mremap), BASE},
    {SCMP_SYS(madvise), BASE},
    {SCMP_SYS(mlock), BASE},
    {SCMP_SYS(mlock2), BASE},
    {SCMP_SYS(munlock), BASE},
    {SCMP_SYS(mincore), BASE},
    {SCMP_SYS(msync), BASE},
    /* Threads; clone stands below. */
    {SCMP_SYS(futex), BASE},
    {SCMP_SYS(set_robust_list), BASE},
    {SCMP_SYS(get_robust_list), BASE},
    {SCMP_SYS(rseq), BASE},
    {SCMP_SYS(membarrier), BASE},
    {SCMP_SYS(sched_yield), BASE},
    {SCMP_SYS(sched_getaffinity), BASE},
    {SCMP_SYS(sched_getparam), BASE},
    {SCMP_SYS(sched_getscheduler), BASE},
    {SCMP_SYS(getcpu), BASE},
    {SCMP_SYS(exit), BASE},
    {SCMP_SYS(exit_group), BASE},
    /* Signals, taken; those sent stand below. */
    {SCMP_SYS(rt_sigaction), BASE},
    {SCMP_SYS(rt_sigprocmask), BASE},
    {SCMP_SYS(rt_sigpending), BASE},
    {SCMP_SYS(rt_sigsuspend), BASE},
    {SCMP_SYS(rt_sigtimedwait), BASE},
    {SCMP_SYS(rt_sigreturn), BASE},
    {SCMP_SYS(sigaltstack), BASE},
    {SCMP_SYS(restart_syscall), BASE},
    /* Time, chance, and who we are. */
    {SCMP_SYS(clock_gettime), BASE},
    {SCMP_SYS(clock_getres), BASE},
    {SCMP_SYS(clock_nanosleep), BASE},
    {SCMP_SYS(nanosleep), BASE},
    {SCMP_SYS(gettimeofday), BASE},
    {SCMP_SYS(time), BASE},
    {SCMP_SYS(times), BASE},
    {SCMP_SYS(alarm), BASE},
    {SCMP_SYS(setitimer), BASE},
    {SCMP_SYS(getrandom), BASE},
    {SCMP_SYS(getrusage), BASE},
    {SCMP_SYS(getrlimit), BASE},
    {SCMP_SYS(sysinfo), BASE},
    {SCMP_SYS(uname), BASE},
    {SCMP_SYS(getpid), BASE},
    {SCMP_SYS(getppid), BASE},
    {SCMP_SYS(gettid), BASE},
    {SCMP_SYS(getuid), BASE},
    {SCMP_SYS(geteuid), BASE},
    {SCMP_SYS(getgid), BASE},
    {SCMP_SYS(getegid), BASE},
    {SCMP_SYS(getresuid), BASE},
    {SCMP_SYS(getresgid), BASE},
    {SCMP_SYS(syncfs), SYNC},
    {SCMP_SYS(wait4), WAIT},
    {SCMP_SYS(waitid), WAIT},
};

/*
 * What names files, begets or reaches out: allowed to profiles that have one of
 * the sets, EACCES for the others.
 */
static const struct {
	int call;
	unsigned has;
} refused[] = {
    {SCMP_SYS(stat), READ | WRITE},
    {SCMP_SYS(lstat), READ | WRITE},
    {SCMP_SYS(statx), READ | WRITE},
    {SCMP_SYS(statfs), READ | WRITE},
    {SCMP_SYS(access), READ | WRITE},
    {SCMP_SYS(faccessat), READ | WRITE},
    {SCMP_SYS(faccessat2), READ | WRITE},
    {SCMP_SYS(readlink), READ | WRITE},
    {SCMP_SYS(readlinkat), READ | WRITE},
    {SCMP_SYS(getdents64), READ | WRITE},
    {SCMP_SYS(getcwd), READ | WRITE},
    {SCMP_SYS(creat), WRITE},
    {SCMP_SYS(truncate), WRITE},
    {SCMP_SYS(unlink), WRITE},
    {SCMP_SYS(unlinkat), WRITE},
    {SCMP_SYS(rename), WRITE},
    {SCMP_SYS(renameat), WRITE},
    {SCMP_SYS(renameat2), WRITE},
    {SCMP_SYS(link), WRITE},
    {SCMP_SYS(linkat), WRITE},
    {SCMP_SYS(mkdir), WRITE},
    {SCMP_SYS(mkdirat), WRITE},
    {SCMP_SYS(rmdir), WRITE},
    {SCMP_SYS(chmod), WRITE},
    {SCMP_SYS(fchmod), WRITE},
    {SCMP_SYS(fchmodat), WRITE},
    {SCMP_SYS(fchown), WRITE},
    {SCMP_SYS(utimensat), WRITE},
    {SCMP_SYS(umask), WRITE},
    {SCMP_SYS(openat2), WRITE}, /* its flags are out of a filter's sight */
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
    {SCMP_SYS(socketpair), INET},
    {SCMP_SYS(connect), LOCAL},
};

/* One value, of one argument, that is allowed; others kill. */
static const struct {
	int call;
	unsigned arg;
	uint64_t value;
} exactly[] = {
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

static unsigned
sets_of(const struct sandbox *s)
{
	bool files = s->write_below != NULL || s->read_below != NULL;

	switch (s->profile) {
	case SANDBOX_FRONT:
		return BASE;
	case SANDBOX_DIALLER:
		return BASE | LOCAL;
	case SANDBOX_SIGNER:
		return BASE | LOCAL | (files ? READ | WRITE : 0);
	case SANDBOX_KEEPER:
		return BASE | READ | WRITE | LOCAL | INET | SYNC;
	case SANDBOX_COURIER:
		return BASE | READ | LOCAL | INET;
	case SANDBOX_NOTIFY:
		return BASE | READ | LOCAL | INET | WAIT;
	}
	return BASE;
}

/*
 * The first failure is kept; which rule it was is of no use to anybody.  Calls
 * that this architecture does not have are passed over (EDOM).
 */
struct filter {
	scmp_filter_ctx ctx;
	int r;
};

static void
rule(struct filter *f, uint32_t action, int call)
{
	int r = seccomp_rule_add(f->ctx, action, call, 0);

	if (f->r == 0 && r != 0 && r != -EDOM)
		f->r = r;
}

static void
rule_if(struct filter *f, uint32_t action, int call, struct scmp_arg_cmp cmp)
{
	int r = seccomp_rule_add_array(f->ctx, action, call, 1, &cmp);

	if (f->r == 0 && r != 0 && r != -EDOM)
		f->r = r;
}

static struct scmp_arg_cmp
has_bits(unsigned arg, uint64_t mask, uint64_t bits)
{
	return (struct scmp_arg_cmp){.arg = arg,
	    .op = SCMP_CMP_MASKED_EQ,
	    .datum_a = mask,
	    .datum_b = bits};
}

static struct scmp_arg_cmp
compare(unsigned arg, enum scmp_compare op, uint64_t value)
{
	return (struct scmp_arg_cmp){.arg = arg, .op = op, .datum_a = value};
}

/* Families one by one: what is not allowed must fail, and not kill. */
static void
add_sockets(struct filter *f, unsigned sets)
{
	static const int inet[] = {AF_INET, AF_INET6, AF_NETLINK};

	for (int family = 0; family < AF_MAX; family++) {
		bool ok = (sets & LOCAL) != 0 && family == AF_UNIX;

		for (size_t i = 0; i < LEN(inet); i++)
			ok = ok || ((sets & INET) != 0 && family == inet[i]);
		rule_if(f, ok ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EACCES),
		    SCMP_SYS(socket),
		    compare(0, SCMP_CMP_EQ, (uint64_t)family));
	}
	rule_if(f, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket),
	    compare(0, SCMP_CMP_GE, AF_MAX));
}

static void
add_open(struct filter *f, unsigned sets, int call, unsigned flags_at)
{
	static const int writing[] = {O_WRONLY, O_RDWR, O_CREAT, O_TRUNC};
	uint64_t all = 0;

	if ((sets & WRITE) != 0) {
		rule(f, SCMP_ACT_ALLOW, call);
		return;
	}
	if ((sets & READ) == 0) {
		rule(f, SCMP_ACT_ERRNO(EACCES), call);
		return;
	}
	for (size_t i = 0; i < LEN(writing); i++) {
		uint64_t bit = (uint64_t)writing[i];

		all |= bit;
		rule_if(f, SCMP_ACT_ERRNO(EACCES), call,
		    has_bits(flags_at, bit, bit));
	}
	rule_if(f, SCMP_ACT_ALLOW, call, has_bits(flags_at, all, 0));
}

/*
 * Threads, and no processes.  clone3() has its flags in memory, where a filter
 * cannot look; without it glibc takes clone().
 */
static void
add_threads(struct filter *f)
{
	uint64_t apart = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
	    CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

	rule(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
	rule_if(f, SCMP_ACT_ALLOW, SCMP_SYS(clone),
	    has_bits(0, CLONE_THREAD | apart, CLONE_THREAD));
	rule_if(f, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(clone),
	    has_bits(0, CLONE_THREAD, 0));
}

/* No new code, but for profiles whose libraries load others late. */
static void
add_memory(struct filter *f, unsigned sets)
{
	static const int calls[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};

	for (size_t i = 0; i < LEN(calls); i++) {
		if ((sets & INET) != 0) {
			rule(f, SCMP_ACT_ALLOW, calls[i]);
			continue;
		}
		rule_if(f, SCMP_ACT_ALLOW, calls[i], has_bits(2, PROT_EXEC, 0));
		rule_if(f, SCMP_ACT_ERRNO(EACCES), calls[i],
		    has_bits(2, PROT_EXEC, PROT_EXEC));
	}
}

static void
add_rules(struct filter *f, unsigned sets)
{
	for (size_t i = 0; i < LEN(allowed); i++)
		if ((allowed[i].has & sets) != 0)
			rule(f, SCMP_ACT_ALLOW, allowed[i].call);
	for (size_t i = 0; i < LEN(refused); i++)
		rule(f,
		    (refused[i].has & sets) != 0 ? SCMP_ACT_ALLOW
						 : SCMP_ACT_ERRNO(EACCES),
		    refused[i].call);
	for (size_t i = 0; i < LEN(exactly); i++)
		rule_if(f, SCMP_ACT_ALLOW, exactly[i].call,
		    compare(exactly[i].arg, SCMP_CMP_EQ, exactly[i].value));
	/* abort() and raise(); to itself alone. */
	rule_if(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill),
	    compare(0, SCMP_CMP_EQ, (uint64_t)getpid()));
	/* fstat() is this call with an empty path. */
	if ((sets & (READ | WRITE)) != 0) {
		rule(f, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat));
	} else {
		rule_if(f, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat),
		    has_bits(3, AT_EMPTY_PATH, AT_EMPTY_PATH));
		rule_if(f, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(newfstatat),
		    has_bits(3, AT_EMPTY_PATH, 0));
	}
	add_open(f, sets, SCMP_SYS(open), 1);
	add_open(f, sets, SCMP_SYS(openat), 2);
	add_sockets(f, sets);
	add_threads(f);
	add_memory(f, sets);
}

#ifdef SANDBOX_DEBUG
#define NOT_LISTED SCMP_ACT_TRAP

/* Not made for signal handlers, but this process is about to end anyway. */
static void
name_call(int sig, siginfo_t *info, void *context)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE,
	    info->si_syscall);
	char text[80];

	(void)context;
	(void)snprintf(text, sizeof(text), "sandbox: killed for %s()\n",
	    name != NULL ? name : "?");
	(void)signal(sig, SIG_DFL);
	if (write(STDERR_FILENO, text, strlen(text)) != 0)
		(void)raise(sig); /* said or not */
}

static void
prepare(void)
{
	struct sigaction act = {
	    .sa_sigaction = name_call, .sa_flags = SA_SIGINFO | SA_NODEFER};

	(void)sigaction(SIGSYS, &act, NULL);
}
#else
#define NOT_LISTED SCMP_ACT_KILL_PROCESS

static void
prepare(void)
{
}
#endif

#ifdef SANITIZED
static bool sealed;

int __lsan_is_turned_off(void);

/* It looks for leaks at exit by tracing us from outside, which is over now. */
int
__lsan_is_turned_off(void)
{
	return sealed;
}
#define NOTE_SEALED() (sealed = true)
#else
#define NOTE_SEALED() ((void)0)
#endif

static int
seccomp_enter(unsigned sets, struct err *e)
{
	struct filter f = {.ctx = seccomp_init(NOT_LISTED)};
	int r = 0;

	if (f.ctx == NULL)
		return err_nomem(e);
	(void)seccomp_attr_set(f.ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if ((f.r = seccomp_attr_set(f.ctx, SCMP_FLTATR_ACT_BADARCH,
		 SCMP_ACT_KILL_PROCESS)) == 0)
		f.r = seccomp_attr_set(f.ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	add_rules(&f, sets);
	if (f.r == 0)
		f.r = seccomp_load(f.ctx);
	if (f.r != 0) {
		errno = -f.r;
		r = err_sys(e, "enter the sandbox (seccomp)");
	}
	seccomp_release(f.ctx);
	return r;
}

int
sandbox_enter(const struct sandbox *s, struct err *e)
{
	unsigned sets = sets_of(s);
	int r;

	service_notify_open();
	prepare();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_sys(e, "give up new privileges");
	if ((r = landlock_enter(s, (sets & INET) != 0, e)) != 0 ||
	    (r = seccomp_enter(sets, e)) != 0)
		return r;
	NOTE_SEALED();
	return 0;
}
