/* SPDX-License-Identifier: ISC */
/* The sandbox: what ends a process, whichever profile it has; and privileges. */
#include "lib/proc/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/crypto/secmem.h"
#include "tests/unit/sandboxcase.h"

/* --- what none may do ----------------------------------------------------- */

static int
do_ptrace(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == -1 ? errno : 0;
}

static int
do_kill(void)
{
	return kill(getppid(), 0) == -1 ? errno : 0;
}

static int
do_tgkill(void)
{
	return syscall(SYS_tgkill, getppid(), getppid(), 0) == -1 ? errno : 0;
}

static int
do_own(void)
{
	return fcntl(0, F_SETOWN, getppid()) == -1 ? errno : 0;
}

static int
do_dumpable(void)
{
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == -1 ? errno : 0;
}

static int
do_limits(void)
{
	const struct rlimit l = {RLIM_INFINITY, RLIM_INFINITY};

	return setrlimit(RLIMIT_CORE, &l) == -1 ? errno : 0;
}

static int
do_tty(void)
{
	return ioctl(0, 0x5412 /* TIOCSTI */, "x") == -1 ? errno : 0;
}

static int
do_vm(void)
{
	struct iovec v = {sb_dir, 1};

	return process_vm_readv(getppid(), &v, 1, &v, 1, 0) == -1 ? errno : 0;
}

#define BARE(name)                                                         \
	static int do_##name(void)                                         \
	{                                                                  \
		return syscall(SYS_##name, 0, 0, 0, 0, 0, 0) == -1 ? errno \
								   : 0;    \
	}
BARE(process_vm_writev)
BARE(io_uring_setup)
BARE(io_uring_enter)
BARE(bpf)
BARE(keyctl)
BARE(add_key)
BARE(mount)
BARE(umount2)
BARE(pivot_root)
BARE(chroot)
BARE(unshare)
BARE(setns)
BARE(pidfd_open)
BARE(pidfd_getfd)
BARE(pidfd_send_signal)
BARE(perf_event_open)
BARE(userfaultfd)
BARE(init_module)
BARE(kexec_load)
BARE(reboot)
BARE(setuid)
BARE(setgroups)
BARE(capset)
BARE(personality)
BARE(modify_ldt)
BARE(seccomp)
BARE(splice)
BARE(sendfile)
BARE(listen)
BARE(acct)
BARE(swapon)
BARE(settimeofday)
BARE(clock_settime)
BARE(open_by_handle_at)
BARE(move_mount)
BARE(fsopen)

static void
what_no_process_may_do_ends_it(void **state)
{
	static const struct {
		const char *name;
		int (*try)(void);
	} cases[] = {
	    {"ptrace", do_ptrace},
	    {"kill", do_kill},
	    {"tgkill", do_tgkill},
	    {"fcntl F_SETOWN", do_own},
	    {"prctl PR_SET_DUMPABLE", do_dumpable},
	    {"setrlimit", do_limits},
	    {"ioctl TIOCSTI", do_tty},
	    {"process_vm_readv", do_vm},
#define ROW(name) {#name, do_##name}
	    ROW(process_vm_writev),
	    ROW(io_uring_setup),
	    ROW(io_uring_enter),
	    ROW(bpf),
	    ROW(keyctl),
	    ROW(add_key),
	    ROW(mount),
	    ROW(umount2),
	    ROW(pivot_root),
	    ROW(chroot),
	    ROW(unshare),
	    ROW(setns),
	    ROW(pidfd_open),
	    ROW(pidfd_getfd),
	    ROW(pidfd_send_signal),
	    ROW(perf_event_open),
	    ROW(userfaultfd),
	    ROW(init_module),
	    ROW(kexec_load),
	    ROW(reboot),
	    ROW(setuid),
	    ROW(setgroups),
	    ROW(capset),
	    ROW(personality),
	    ROW(modify_ldt),
	    ROW(seccomp),
	    ROW(splice),
	    ROW(sendfile),
	    ROW(listen),
	    ROW(acct),
	    ROW(swapon),
	    ROW(settimeofday),
	    ROW(clock_settime),
	    ROW(open_by_handle_at),
	    ROW(move_mount),
	    ROW(fsopen),
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++)
		for (size_t p = 0; p < N_SB_PROFILES; p++) {
			int sig,
			    got =
				sb_attempt(sb_profiles[p], cases[i].try, &sig);

			if (got != KILLED)
				fail_msg("%s, %s: %d", cases[i].name,
				    sb_profile_names[p], got);
		}
}

/* Through 32-bit's door the same numbers mean other calls. */
static int
do_other_architecture(void)
{
#ifdef __x86_64__
	long r = 0;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(20L /* getpid */)
			 : "memory");
	return r < 0 ? (int)-r : 0;
#else
	return KILLED;
#endif
}

static void
calls_of_another_architecture_end_it(void **state)
{
	int sig, got;

	(void)state;
	got = sb_attempt(SANDBOX_KEEPER, do_other_architecture, &sig);
	/* A kernel built without that door kills by another signal. */
	assert_true(got == KILLED || sig == SIGSEGV);
}

/* --- privileges ----------------------------------------------------------- */

static int
become(const char *user, int want)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		gid_t groups[8];
		int r;

		secmem_harden_process();
		r = privileges_drop(user, NULL);
		/* Where fs.suid_dumpable says otherwise, too. */
		if (prctl(PR_GET_DUMPABLE) != 0)
			_exit(4);
		if (r == 0 && want == 0 &&
		    (getgroups(8, groups) != 0 || setuid(0) == 0 ||
			getuid() != geteuid() || getuid() == 0))
			_exit(2);
		/* Again is no failure. */
		if (r == 0 && privileges_drop(user, NULL) != 0)
			_exit(3);
		_exit(r == want ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
root_becomes_a_user_for_good(void **state)
{
	(void)state;
	assert_int_equal(become("no-such-user-here", ERR_NOTFOUND), 0);
	if (geteuid() == 0)
		assert_int_equal(become("nobody", 0), 0);
	else
		assert_int_equal(become("root", ERR_SYS), 0);
}

static void
whoever_is_to_die_with_his_parent_still_does(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	if ((pid = fork()) == 0) {
		int death = 0;

		(void)prctl(PR_SET_PDEATHSIG, SIGUSR1);
		if (privileges_drop("nobody", NULL) != 0)
			_exit(1);
		_exit(prctl(PR_GET_PDEATHSIG, &death) == 0 && death == SIGUSR1
			? 0
			: 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
memory_is_locked_or_the_limit_named(void **state)
{
	const struct rlimit low = {64 * 1024, 64 * 1024};
	struct err e = {0};
	int status;
	pid_t pid;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	skip(); /* its mlockall() does nothing */
#endif
	if ((pid = fork()) == 0) {
		if (geteuid() == 0 && memory_lock(&e) != 0)
			_exit(1);
		(void)munlockall();
		if (geteuid() == 0 && privileges_drop("nobody", &e) != 0)
			_exit(2);
		if (setrlimit(RLIMIT_MEMLOCK, &low) != 0)
			_exit(3);
		if (memory_lock(&e) != ERR_SYS ||
		    strstr(e.msg, "64 KiB (RLIMIT_MEMLOCK)") == NULL)
			_exit(4);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_no_process_may_do_ends_it),
	    cmocka_unit_test(calls_of_another_architecture_end_it),
	    cmocka_unit_test(root_becomes_a_user_for_good),
	    cmocka_unit_test(whoever_is_to_die_with_his_parent_still_does),
	    cmocka_unit_test(memory_is_locked_or_the_limit_named),
	};

	return cmocka_run_group_tests(tests, sb_setup, sb_teardown);
}
