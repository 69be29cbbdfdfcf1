/* SPDX-License-Identifier: ISC */
#include "lib/proc/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/parallel.h"
#include "lib/blob/blob.h"
#include "lib/crypto/random.h"
#include "lib/crypto/secmem.h"
#include "lib/ledger/journal.h"
#include "lib/proc/frame.h"
#include "lib/proc/plog.h"
#include "lib/proc/socket.h"
#include "tests/unit/tmpdir.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* What becomes of an attempt: 0, an errno, or this. */
#define KILLED 1000
#define ODD    1001 /* something else that must not be */

static const enum sandbox_profile profiles[] = {SANDBOX_FRONT, SANDBOX_SIGNER,
    SANDBOX_KEEPER, SANDBOX_NOTIFY, SANDBOX_DIALLER, SANDBOX_COURIER};
static const char *const profile_names[] = {
    "front", "signer", "keeper", "notify", "dialler", "courier"};

/* dir/in may be written, dir/out not; both hold a file "f". */
static char dir[TMPDIR_MAX], in[TMPDIR_MAX + 8], out[TMPDIR_MAX + 8];
static char listening[TMPDIR_MAX + 16];
static int listener = -1;
static bool has_landlock;

static int
group_setup(void **state)
{
	char path[TMPDIR_MAX + 16];

	(void)state;
	tmpdir_make(dir, "box");
	snprintf(in, sizeof(in), "%s/in", dir);
	snprintf(out, sizeof(out), "%s/out", dir);
	snprintf(listening, sizeof(listening), "%s/sock", dir);
	if (mkdir(in, 0700) != 0 || mkdir(out, 0700) != 0 ||
	    socket_listen(listening, &listener, NULL) != 0)
		return -1;
	snprintf(path, sizeof(path), "%s/f", in);
	if (file_write(path, "in", 2, 0600, FILE_NOSYNC, NULL) != 0)
		return -1;
	snprintf(path, sizeof(path), "%s/f", out);
	if (file_write(path, "out", 3, 0600, FILE_NOSYNC, NULL) != 0)
		return -1;
	has_landlock = syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0;
	if (!has_landlock)
		print_message("this kernel has no Landlock\n");
	return 0;
}

static int
group_teardown(void **state)
{
	char path[TMPDIR_MAX + 16];
	static const char *const left[] = {"in/f", "out/f", "sock", "in/db",
	    "in/journal", "in/objects/a", "in/objects/b"};

	(void)state;
	close(listener);
	for (size_t i = 0; i < LEN(left); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, left[i]);
		(void)unlink(path);
	}
	snprintf(path, sizeof(path), "%s/objects", in);
	return rmdir(path) != 0 || rmdir(in) != 0 || rmdir(out) != 0
	    ? -1
	    : rmdir(dir);
}

/* What a process of that kind is given. */
static int
seal(enum sandbox_profile p)
{
	const char *const below[] = {in, NULL};
	const char *const names[] = {"/etc", "/no/such/place", NULL};
	const bool reads = p == SANDBOX_NOTIFY || p == SANDBOX_COURIER;
	const struct sandbox s = {.profile = p,
	    .write_below = p == SANDBOX_FRONT || reads ? NULL : below,
	    .read_below = p == SANDBOX_KEEPER ? names
		: reads                       ? below
					      : NULL};

	return sandbox_enter(&s, NULL);
}

/* In a child that is sealed as p: what becomes of try. */
static int
attempt(enum sandbox_profile p, int (*try)(void), int *sig)
{
	const struct rlimit none = {0, 0};
	int status, pair[2], got = ODD;
	pid_t pid;

	*sig = 0;
	assert_int_equal(pipe(pair), 0);
	if ((pid = fork()) == 0) {
		setrlimit(RLIMIT_CORE, &none);
		alarm(60);
		(void)signal(SIGSEGV, SIG_DFL);
		if (seal(p) != 0)
			_exit(1);
		got = try();
		_exit(write(pair[1], &got, sizeof(got)) == sizeof(got) ? 0 : 1);
	}
	close(pair[1]);
	if (read(pair[0], &got, sizeof(got)) != sizeof(got))
		got = ODD;
	close(pair[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		*sig = WTERMSIG(status);
		return *sig == SIGSYS ? KILLED : ODD;
	}
	return WEXITSTATUS(status) == 0 ? got : ODD;
}

/* --- what each must be able to do ------------------------------------------- */

static void
count(void *ctx, size_t i)
{
	((unsigned char *)ctx)[i]++;
}

static int
try_threads(void)
{
	unsigned char seen[64] = {0};

	parallel_for(sizeof(seen), count, seen);
	for (size_t i = 0; i < sizeof(seen); i++)
		if (seen[i] != 1)
			return ODD;
	return 0;
}

static void *
nothing(void *arg)
{
	return arg;
}

static int
try_pthread(void)
{
	pthread_t t;
	void *back;
	int r;

	if ((r = pthread_create(&t, NULL, nothing, dir)) != 0)
		return r;
	return pthread_join(t, &back) == 0 && back == dir ? 0 : ODD;
}

static int
try_memory(void)
{
	uint8_t random[16];
	void *p = malloc(10 << 20), *secret = NULL;
	struct stat st;

	random_bytes(random, sizeof(random));
	if (p == NULL || secmem_alloc(100, &secret) != 0) {
		free(p);
		return ODD;
	}
	memset(p, 1, 10 << 20);
	free(p);
	secmem_free(secret);
	if (fstat(0, &st) != 0 || isatty(99) != 0)
		return ODD;
	(void)clock_now();
	(void)clock_mono_ms();
	(void)sysconf(_SC_NPROCESSORS_ONLN);
	return 0;
}

/* Over a connection it was given, as descriptor 8, that waits at a listener. */
static int
try_frames(void)
{
	struct chan *a = NULL;
	struct frame f;
	char byte = 'x';
	int fd = 8, peer = -1;

	if (chan_new(fd, &a, NULL) != 0 ||
	    chan_send(a, 1, 2, slice_str("hello"), NULL) != 0 ||
	    chan_wait(a, 1, &f, NULL) != ERR_NET ||
	    socket_accept(listener, &peer, NULL) != 0 ||
	    socket_check_peer(peer, geteuid(), NULL) != 0 ||
	    write(peer, &byte, 1) != 1 || chan_read(a, NULL) != 0)
		return ODD;
	chan_free(a);
	plog(PLOG_WARN, "a sealed process can say so", "who", "it", NULL);
	service_notify("STATUS=sealed");
	return 0;
}

static void
on_signal(int sig)
{
	(void)sig;
}

static int
try_signals(void)
{
	struct sigaction act = {.sa_handler = on_signal};
	const struct timespec soon = {0, 1000000};
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	if (sigaction(SIGTERM, &act, NULL) != 0 || raise(SIGTERM) != 0 ||
	    sigprocmask(SIG_BLOCK, &set, NULL) != 0 ||
	    (fd = signalfd(-1, &set, SFD_CLOEXEC)) == -1)
		return errno;
	nanosleep(&soon, NULL);
	return poll(&(struct pollfd){fd, POLLIN, 0}, 1, 1) == 0 ? 0 : ODD;
}

static void
every_profile_lets_its_process_work(void **state)
{
	static int (*const tries[])(void) = {
	    try_threads, try_pthread, try_memory, try_frames, try_signals};

	(void)state;
	for (size_t p = 0; p < LEN(profiles); p++)
		for (size_t i = 0; i < LEN(tries); i++) {
			int sig, got, fd = -1, none;

			assert_int_equal(socket_connect(listening, &fd, NULL),
			    0);
			assert_int_equal(dup2(fd, 8), 8);
			close(fd);
			got = attempt(profiles[p], tries[i], &sig);
			close(8);
			while (socket_accept(listener, &none, NULL) == 0)
				close(none);

			if (got != 0)
				fail_msg("%s, %zu: %d, signal %d",
				    profile_names[p], i, got, sig);
		}
}

/* --- what each may do, or not ------------------------------------------------ */

static int
open_at(const char *where, const char *name, int flags)
{
	char path[TMPDIR_MAX + 16];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", where, name);
	fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd == -1)
		return errno;
	close(fd);
	return 0;
}

static int
read_inside(void)
{
	return open_at(in, "f", O_RDONLY);
}

static int
write_inside(void)
{
	char a[TMPDIR_MAX + 16], b[TMPDIR_MAX + 16];
	int r;

	if ((r = open_at(in, "new", O_RDWR | O_CREAT | O_EXCL)) != 0)
		return r;
	snprintf(a, sizeof(a), "%s/new", in);
	snprintf(b, sizeof(b), "%s/newer", in);
	return rename(a, b) != 0 || unlink(b) != 0 ? errno : 0;
}

static int
change_inside(void)
{
	return open_at(in, "f", O_RDWR);
}

static int
truncate_inside(void)
{
	return open_at(in, "f", O_RDONLY | O_TRUNC);
}

static int
read_outside(void)
{
	return has_landlock ? open_at(out, "f", O_RDONLY) : EACCES;
}

static int
write_outside(void)
{
	return has_landlock ? open_at(out, "new", O_WRONLY | O_CREAT) : EACCES;
}

static int
rename_outside(void)
{
	char a[TMPDIR_MAX + 16], b[TMPDIR_MAX + 16];

	if (!has_landlock)
		return EACCES;
	snprintf(a, sizeof(a), "%s/f", in);
	snprintf(b, sizeof(b), "%s/f", out);
	return rename(a, b) != 0 ? errno : 0;
}

static int
read_names(void)
{
	return has_landlock ? open_at("/etc", "passwd", O_RDONLY) : EACCES;
}

static int
stat_path(void)
{
	struct stat st;

	return stat(in, &st) != 0 ? errno : 0;
}

static int
exec_program(void)
{
	char *const argv[] = {(char[]){"true"}, NULL};

	(void)execv("/bin/true", argv);
	return errno;
}

static int
fork_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid == -1 ? errno : 0;
}

static int
vfork_process(void)
{
	long pid = syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0);

	return pid == -1 ? errno : 0;
}

static int
make_socket(int family, int type)
{
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return errno;
	close(fd);
	return 0;
}

static int
local(void)
{
	return make_socket(AF_UNIX, SOCK_STREAM);
}

static int
connect_local(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};

	memcpy(to.sun_path, listening, strlen(listening));
	return connect(9, (const struct sockaddr *)&to, sizeof(to)) == -1
	    ? errno
	    : 0;
}

static int
tcp(void)
{
	return make_socket(AF_INET, SOCK_STREAM);
}

static int
tcp6(void)
{
	int r = make_socket(AF_INET6, SOCK_STREAM);

	return r == EAFNOSUPPORT ? 0 : r;
}

static int
udp(void)
{
	return make_socket(AF_INET, SOCK_DGRAM);
}

static int
netlink(void)
{
	return make_socket(AF_NETLINK, SOCK_RAW);
}

static int
packet(void)
{
	return make_socket(AF_PACKET, SOCK_RAW);
}

static int
vsock(void)
{
	return make_socket(AF_VSOCK, SOCK_STREAM);
}

static int
family_of_none(void)
{
	return make_socket(4711, SOCK_STREAM);
}

static int
code_made(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int
code_from_data(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_EXEC) != 0 ? errno : 0;
}

static int
memfd(void)
{
	return syscall(SYS_memfd_create, "x", 0) == -1 ? errno : 0;
}

static int
wait_child(void)
{
	int status;

	return waitpid(-1, &status, WNOHANG) == -1 && errno == ECHILD ? 0 : ODD;
}

static int
name_host(void)
{
	const struct addrinfo hint = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *a = NULL;

	if (getaddrinfo("127.0.0.1", "443", &hint, &a) != 0)
		return ODD;
	freeaddrinfo(a);
	/* Nobody answers for it; that it comes back is what counts. */
	if (getaddrinfo("localhost", "443", &hint, &a) == 0)
		freeaddrinfo(a);
	return 0;
}

static int
sync_all(void)
{
	return syncfs(0) != 0 ? errno : 0;
}

static void
a_profile_allows_what_its_row_says(void **state)
{
	enum { A = EACCES, K = KILLED };
	static const struct {
		const char *name;
		int (*try)(void);
		/* front signer keeper notify dialler courier */
		int want[6];
	} cases[] = {
	    {"read inside", read_inside, {A, 0, 0, 0, A, 0}},
	    {"write inside", write_inside, {A, 0, 0, A, A, A}},
	    {"change inside", change_inside, {A, 0, 0, A, A, A}},
	    {"truncate inside", truncate_inside, {A, 0, 0, A, A, A}},
	    {"read outside", read_outside, {A, A, A, A, A, A}},
	    {"write outside", write_outside, {A, A, A, A, A, A}},
	    {"rename outside", rename_outside, {A, A, A, A, A, A}},
	    {"stat a path", stat_path, {A, 0, 0, 0, A, 0}},
	    {"execve", exec_program, {A, A, A, A, A, A}},
	    {"fork", fork_process, {A, A, A, A, A, A}},
	    {"vfork", vfork_process, {A, A, A, A, A, A}},
	    {"local", local, {A, 0, 0, 0, 0, 0}},
	    {"connect", connect_local, {A, 0, 0, 0, 0, 0}},
	    {"tcp", tcp, {A, A, 0, 0, A, 0}},
	    {"tcp6", tcp6, {A, A, 0, 0, A, 0}},
	    {"udp", udp, {A, A, 0, 0, A, 0}},
	    {"netlink", netlink, {A, A, 0, 0, A, 0}},
	    {"packet", packet, {A, A, A, A, A, A}},
	    {"vsock", vsock, {A, A, A, A, A, A}},
	    {"no family", family_of_none, {A, A, A, A, A, A}},
	    {"code made", code_made, {A, A, 0, 0, A, 0}},
	    {"code from data", code_from_data, {A, A, 0, 0, A, 0}},
	    {"memfd", memfd, {A, A, A, A, A, A}},
	    {"wait", wait_child, {K, K, K, 0, K, K}},
	    {"sync all", sync_all, {K, K, 0, K, K, K}},
	    {"names of hosts", name_host, {ODD, ODD, 0, 0, ODD, 0}},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++)
		for (size_t p = 0; p < LEN(profiles); p++) {
			int sig, want = cases[i].want[p], got, none;
			int fd = socket(AF_UNIX, SOCK_STREAM, 0);

			if (want == ODD) {
				close(fd);
				continue;
			}
			/* A socket it was given, for those that try that. */
			assert_int_equal(dup2(fd, 9), 9);
			close(fd);
			got = attempt(profiles[p], cases[i].try, &sig);
			close(9);
			while (socket_accept(listener, &none, NULL) == 0)
				close(none);
			if (got != want)
				fail_msg("%s, %s: %d, expected %d (signal %d)",
				    cases[i].name, profile_names[p], got, want,
				    sig);
		}
}

static void
the_keeper_may_read_names_of_hosts(void **state)
{
	int sig;

	(void)state;
	if (!has_landlock)
		skip();
	assert_int_equal(attempt(SANDBOX_KEEPER, read_names, &sig), 0);
	assert_int_equal(attempt(SANDBOX_SIGNER, read_names, &sig), EACCES);
	assert_int_equal(attempt(SANDBOX_NOTIFY, read_names, &sig), EACCES);
}

/* --- what none may do ---------------------------------------------------------- */

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
	struct iovec v = {dir, 1};

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
		for (size_t p = 0; p < LEN(profiles); p++) {
			int sig, got = attempt(profiles[p], cases[i].try, &sig);

			if (got != KILLED)
				fail_msg("%s, %s: %d", cases[i].name,
				    profile_names[p], got);
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
	got = attempt(SANDBOX_KEEPER, do_other_architecture, &sig);
	/* A kernel built without that door kills by another signal. */
	assert_true(got == KILLED || sig == SIGSEGV);
}

/* --- the libraries that work in a sealed process -------------------------------- */

static int
use_sqlite(void)
{
	char path[TMPDIR_MAX + 16], wal[TMPDIR_MAX + 24];
	sqlite3 *db = NULL;
	int r;

	snprintf(path, sizeof(path), "%s/db", in);
	r = sqlite3_open(path, &db);
	if (r == SQLITE_OK)
		r = sqlite3_exec(db,
		    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
		    "CREATE TABLE t(a PRIMARY KEY, b); BEGIN;"
		    "INSERT INTO t VALUES(1, randomblob(100000)); COMMIT;"
		    "PRAGMA wal_checkpoint(TRUNCATE); VACUUM;"
		    "SELECT * FROM t ORDER BY b",
		    NULL, NULL, NULL);
	if (sqlite3_close(db) != SQLITE_OK)
		r = ODD;
	snprintf(wal, sizeof(wal), "%s-wal", path);
	return r == SQLITE_OK && access(wal, F_OK) != 0 ? 0 : ODD;
}

static int
use_journal(void)
{
	const struct slice rec = slice_str("record");
	struct journal *j = NULL;
	char path[TMPDIR_MAX + 16];
	struct err e = {0};

	snprintf(path, sizeof(path), "%s/journal", in);
	if (journal_open(path, 4096, false, NULL, NULL, &j, &e) != 0 ||
	    journal_append(j, &rec, 1, &e) != 0 ||
	    journal_restart(j, 1, &rec, 1, &e) != 0 ||
	    journal_append(j, &rec, 1, &e) != 0) {
		print_message("%s\n", e.msg);
		return ODD;
	}
	journal_close(j);
	return 0;
}

static int
use_objects(void)
{
	struct blob_store *s = NULL;
	const struct blob_config none = {0};
	uint8_t *p = NULL;
	struct err e = {0};
	char url[TMPDIR_MAX + 16];
	size_t n;

	snprintf(url, sizeof(url), "dir:%s", in);
	if (blob_open(url, &none, &s, &e) != 0 ||
	    blob_put(s, "objects/a", slice_str("one"), 0, &e) != 0 ||
	    blob_put(s, "objects/b", slice_str("two"), BLOB_MUTABLE, &e) != 0 ||
	    blob_put(s, "objects/b", slice_str("more"), BLOB_MUTABLE, &e) !=
		0 ||
	    blob_get(s, "objects/b", 100, &p, &n, &e) != 0 || n != 4 ||
	    blob_exists(s, "objects/c", &e) != 1) {
		print_message("%s\n", e.msg);
		return ODD;
	}
	free(p);
	blob_close(s);
	return 0;
}

static void
libraries_work_where_they_are_needed(void **state)
{
	int sig;

	(void)state;
	assert_int_equal(attempt(SANDBOX_KEEPER, use_sqlite, &sig), 0);
	assert_int_equal(attempt(SANDBOX_KEEPER, use_journal, &sig), 0);
	assert_int_equal(attempt(SANDBOX_KEEPER, use_objects, &sig), 0);
	assert_int_equal(attempt(SANDBOX_SIGNER, use_journal, &sig), 0);
}

/* A socket it was given must not become one that goes out. */
static int
connect_tcp(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET};

	to.sin_port = htons(1);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return connect(9, (const struct sockaddr *)&to, sizeof(to)) == -1
	    ? errno
	    : 0;
}

static void
tcp_sockets_at_hand_do_not_go_out(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), sig;

	(void)state;
	assert_int_equal(dup2(fd, 9), 9);
	close(fd);
	assert_int_equal(attempt(SANDBOX_FRONT, connect_tcp, &sig), EACCES);
	assert_int_equal(attempt(SANDBOX_KEEPER, connect_tcp, &sig),
	    ECONNREFUSED);
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 4)
		assert_int_equal(attempt(SANDBOX_SIGNER, connect_tcp, &sig),
		    EACCES);
	close(9);
}

static void
a_directory_to_write_must_be_there(void **state)
{
	static const char *const none[] = {"/no/such/place", NULL};
	const struct sandbox s = {
	    .profile = SANDBOX_KEEPER, .write_below = none};
	struct err e = {0};
	int status;
	pid_t pid;

	(void)state;
	if (!has_landlock)
		skip();
	if ((pid = fork()) == 0)
		_exit(sandbox_enter(&s, &e) == ERR_SYS &&
			    strstr(e.msg, "'/no/such/place'") != NULL
			? 0
			: 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* By a path, and by a name that Landlock keeps new connections from. */
static void
systemd_is_told_from_inside(void **state)
{
	char path[TMPDIR_MAX + 16], got[16] = "";

	(void)state;
	snprintf(path, sizeof(path), "%s/told", dir);
	for (int abstract = 0; abstract < 2; abstract++) {
		struct sockaddr_un at = {.sun_family = AF_UNIX};
		int s = socket(AF_UNIX, SOCK_DGRAM, 0), status;
		pid_t pid;

		memcpy(at.sun_path, path, strlen(path));
		if (abstract)
			at.sun_path[0] = '\0';
		assert_int_equal(bind(s, (const struct sockaddr *)&at,
				     (socklen_t)(offsetof(struct sockaddr_un,
						     sun_path) +
					 strlen(path))),
		    0);
		if ((pid = fork()) == 0) {
			path[0] = abstract ? '@' : '/';
			setenv("NOTIFY_SOCKET", path, 1);
			if (seal(SANDBOX_FRONT) != 0)
				_exit(1);
			service_notify("READY=1");
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		assert_int_equal(recv(s, got, sizeof(got), MSG_DONTWAIT), 7);
		assert_memory_equal(got, "READY=1", 7);
		close(s);
	}
	assert_int_equal(unlink(path), 0);
}

/* --- privileges ------------------------------------------------------------------ */

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

/* As somebody who is not root, too: the sandbox asks for no rights. */
static void
the_sandbox_needs_no_root(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	if ((pid = fork()) == 0) {
		const struct sandbox s = {.profile = SANDBOX_SIGNER};

		if (privileges_drop("nobody", NULL) != 0 ||
		    sandbox_enter(&s, NULL) != 0)
			_exit(1);
		_exit(open("/etc/passwd", O_RDONLY) == -1 && errno == EACCES &&
			    tcp() == EACCES
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
	    cmocka_unit_test(every_profile_lets_its_process_work),
	    cmocka_unit_test(a_profile_allows_what_its_row_says),
	    cmocka_unit_test(the_keeper_may_read_names_of_hosts),
	    cmocka_unit_test(what_no_process_may_do_ends_it),
	    cmocka_unit_test(calls_of_another_architecture_end_it),
	    cmocka_unit_test(libraries_work_where_they_are_needed),
	    cmocka_unit_test(tcp_sockets_at_hand_do_not_go_out),
	    cmocka_unit_test(a_directory_to_write_must_be_there),
	    cmocka_unit_test(systemd_is_told_from_inside),
	    cmocka_unit_test(root_becomes_a_user_for_good),
	    cmocka_unit_test(whoever_is_to_die_with_his_parent_still_does),
	    cmocka_unit_test(the_sandbox_needs_no_root),
	    cmocka_unit_test(memory_is_locked_or_the_limit_named),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
