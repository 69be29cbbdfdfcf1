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
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/proc/sandbox_calls.h"
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
		bool ok = (sets & SET_LOCAL) != 0 && family == AF_UNIX;

		for (size_t i = 0; i < LEN(inet); i++)
			ok =
			    ok || ((sets & SET_INET) != 0 && family == inet[i]);
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

	if ((sets & SET_WRITE) != 0) {
		rule(f, SCMP_ACT_ALLOW, call);
		return;
	}
	if ((sets & SET_READ) == 0) {
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
		if ((sets & SET_INET) != 0) {
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
	const struct sandbox_calls *c = &sandbox_calls;

	for (size_t i = 0; i < c->n_allowed; i++)
		if ((c->allowed[i].has & sets) != 0)
			rule(f, SCMP_ACT_ALLOW, c->allowed[i].call);
	for (size_t i = 0; i < c->n_refused; i++)
		rule(f,
		    (c->refused[i].has & sets) != 0 ? SCMP_ACT_ALLOW
						    : SCMP_ACT_ERRNO(EACCES),
		    c->refused[i].call);
	for (size_t i = 0; i < c->n_exactly; i++)
		rule_if(f, SCMP_ACT_ALLOW, c->exactly[i].call,
		    compare(c->exactly[i].arg, SCMP_CMP_EQ,
			c->exactly[i].value));
	/* abort() and raise(); to itself alone. */
	rule_if(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill),
	    compare(0, SCMP_CMP_EQ, (uint64_t)getpid()));
	/* fstat() is this call with an empty path. */
	if ((sets & (SET_READ | SET_WRITE)) != 0) {
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
	unsigned sets = sandbox_sets(s);
	int r;

	service_notify_open();
	prepare();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_sys(e, "give up new privileges");
	if ((r = landlock_enter(s, (sets & SET_INET) != 0, e)) != 0 ||
	    (r = seccomp_enter(sets, e)) != 0)
		return r;
	NOTE_SEALED();
	return 0;
}
