/* SPDX-License-Identifier: ISC */
#include "tests/unit/sandboxcase.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "lib/proc/socket.h"
#include "tests/unit/tmpdir.h"

const enum sandbox_profile sb_profiles[N_SB_PROFILES] = {SANDBOX_FRONT,
    SANDBOX_SIGNER, SANDBOX_KEEPER, SANDBOX_NOTIFY, SANDBOX_DIALLER,
    SANDBOX_COURIER};
const char *const sb_profile_names[N_SB_PROFILES] = {
    "front", "signer", "keeper", "notify", "dialler", "courier"};

char sb_dir[TMPDIR_MAX], sb_in[TMPDIR_MAX + 8], sb_out[TMPDIR_MAX + 8];
char sb_listening[TMPDIR_MAX + 16];
int sb_listener = -1;
bool sb_has_landlock;

int
sb_setup(void **state)
{
	char path[TMPDIR_MAX + 16];

	(void)state;
	tmpdir_make(sb_dir, "box");
	snprintf(sb_in, sizeof(sb_in), "%s/in", sb_dir);
	snprintf(sb_out, sizeof(sb_out), "%s/out", sb_dir);
	snprintf(sb_listening, sizeof(sb_listening), "%s/sock", sb_dir);
	if (mkdir(sb_in, 0700) != 0 || mkdir(sb_out, 0700) != 0 ||
	    socket_listen(sb_listening, &sb_listener, NULL) != 0)
		return -1;
	snprintf(path, sizeof(path), "%s/f", sb_in);
	if (file_write(path, "in", 2, 0600, FILE_NOSYNC, NULL) != 0)
		return -1;
	snprintf(path, sizeof(path), "%s/f", sb_out);
	if (file_write(path, "out", 3, 0600, FILE_NOSYNC, NULL) != 0)
		return -1;
	sb_has_landlock = syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0;
	if (!sb_has_landlock)
		print_message("this kernel has no Landlock\n");
	return 0;
}

int
sb_teardown(void **state)
{
	char path[TMPDIR_MAX + 16];
	static const char *const left[] = {"in/f", "out/f", "sock", "in/db",
	    "in/journal", "in/objects/a", "in/objects/b"};

	(void)state;
	close(sb_listener);
	for (size_t i = 0; i < LEN(left); i++) {
		snprintf(path, sizeof(path), "%s/%s", sb_dir, left[i]);
		(void)unlink(path);
	}
	/* Some of the programs make no objects. */
	snprintf(path, sizeof(path), "%s/objects", sb_in);
	(void)rmdir(path);
	return rmdir(sb_in) != 0 || rmdir(sb_out) != 0 || rmdir(sb_dir) != 0
	    ? -1
	    : 0;
}

int
sb_seal(enum sandbox_profile p)
{
	const char *const below[] = {sb_in, NULL};
	const char *const names[] = {"/etc", "/no/such/place", NULL};
	const bool reads = p == SANDBOX_NOTIFY || p == SANDBOX_COURIER;
	const struct sandbox s = {.profile = p,
	    .write_below = p == SANDBOX_FRONT || reads ? NULL : below,
	    .read_below = p == SANDBOX_KEEPER ? names
		: reads                       ? below
					      : NULL};

	return sandbox_enter(&s, NULL);
}

int
sb_attempt(enum sandbox_profile p, int (*try)(void), int *sig)
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
		if (sb_seal(p) != 0)
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
