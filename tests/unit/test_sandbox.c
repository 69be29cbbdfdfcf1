/* SPDX-License-Identifier: ISC */
/* The sandbox: what each profile allows, and what it answers with an error. */
#include "lib/proc/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/proc/socket.h"
#include "tests/unit/sandboxcase.h"
#include "tests/unit/tmpdir.h"

/* --- what each may do, or not --------------------------------------------- */

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
	return open_at(sb_in, "f", O_RDONLY);
}

static int
write_inside(void)
{
	char a[TMPDIR_MAX + 16], b[TMPDIR_MAX + 16];
	int r;

	if ((r = open_at(sb_in, "new", O_RDWR | O_CREAT | O_EXCL)) != 0)
		return r;
	snprintf(a, sizeof(a), "%s/new", sb_in);
	snprintf(b, sizeof(b), "%s/newer", sb_in);
	return rename(a, b) != 0 || unlink(b) != 0 ? errno : 0;
}

static int
change_inside(void)
{
	return open_at(sb_in, "f", O_RDWR);
}

static int
truncate_inside(void)
{
	return open_at(sb_in, "f", O_RDONLY | O_TRUNC);
}

static int
read_outside(void)
{
	return sb_has_landlock ? open_at(sb_out, "f", O_RDONLY) : EACCES;
}

static int
write_outside(void)
{
	return sb_has_landlock ? open_at(sb_out, "new", O_WRONLY | O_CREAT)
			       : EACCES;
}

static int
rename_outside(void)
{
	char a[TMPDIR_MAX + 16], b[TMPDIR_MAX + 16];

	if (!sb_has_landlock)
		return EACCES;
	snprintf(a, sizeof(a), "%s/f", sb_in);
	snprintf(b, sizeof(b), "%s/f", sb_out);
	return rename(a, b) != 0 ? errno : 0;
}

static int
read_names(void)
{
	return sb_has_landlock ? open_at("/etc", "passwd", O_RDONLY) : EACCES;
}

static int
stat_path(void)
{
	struct stat st;

	return stat(sb_in, &st) != 0 ? errno : 0;
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

	memcpy(to.sun_path, sb_listening, strlen(sb_listening));
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
		for (size_t p = 0; p < N_SB_PROFILES; p++) {
			int sig, want = cases[i].want[p], got, none;
			int fd = socket(AF_UNIX, SOCK_STREAM, 0);

			if (want == ODD) {
				close(fd);
				continue;
			}
			/* A socket it was given, for those that try that. */
			assert_int_equal(dup2(fd, 9), 9);
			close(fd);
			got = sb_attempt(sb_profiles[p], cases[i].try, &sig);
			close(9);
			while (socket_accept(sb_listener, &none, NULL) == 0)
				close(none);
			if (got != want)
				fail_msg("%s, %s: %d, expected %d (signal %d)",
				    cases[i].name, sb_profile_names[p], got,
				    want, sig);
		}
}

static void
the_keeper_may_read_names_of_hosts(void **state)
{
	int sig;

	(void)state;
	if (!sb_has_landlock)
		skip();
	assert_int_equal(sb_attempt(SANDBOX_KEEPER, read_names, &sig), 0);
	assert_int_equal(sb_attempt(SANDBOX_SIGNER, read_names, &sig), EACCES);
	assert_int_equal(sb_attempt(SANDBOX_NOTIFY, read_names, &sig), EACCES);
}

/* --- what it is given ----------------------------------------------------- */

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
	assert_int_equal(sb_attempt(SANDBOX_FRONT, connect_tcp, &sig), EACCES);
	assert_int_equal(sb_attempt(SANDBOX_KEEPER, connect_tcp, &sig),
	    ECONNREFUSED);
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 4)
		assert_int_equal(sb_attempt(SANDBOX_SIGNER, connect_tcp, &sig),
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
	if (!sb_has_landlock)
		skip();
	if ((pid = fork()) == 0)
		_exit(sandbox_enter(&s, &e) == ERR_SYS &&
			    strstr(e.msg, "'/no/such/place'") != NULL
			? 0
			: 1);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_profile_allows_what_its_row_says),
	    cmocka_unit_test(the_keeper_may_read_names_of_hosts),
	    cmocka_unit_test(tcp_sockets_at_hand_do_not_go_out),
	    cmocka_unit_test(a_directory_to_write_must_be_there),
	    cmocka_unit_test(the_sandbox_needs_no_root),
	};

	return cmocka_run_group_tests(tests, sb_setup, sb_teardown);
}
