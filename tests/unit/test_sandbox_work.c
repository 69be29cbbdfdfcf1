/* SPDX-License-Identifier: ISC */
/* The sandbox: what a sealed process and its libraries need works in it. */
#include "lib/proc/sandbox.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/parallel.h"
#include "lib/blob/blob.h"
#include "lib/crypto/random.h"
#include "lib/crypto/secmem.h"
#include "lib/ledger/journal.h"
#include "lib/proc/frame.h"
#include "lib/proc/plog.h"
#include "lib/proc/socket.h"
#include "tests/unit/sandboxcase.h"
#include "tests/unit/tmpdir.h"

/* --- what each must be able to do ----------------------------------------- */

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

	if ((r = pthread_create(&t, NULL, nothing, sb_dir)) != 0)
		return r;
	return pthread_join(t, &back) == 0 && back == sb_dir ? 0 : ODD;
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
	    socket_accept(sb_listener, &peer, NULL) != 0 ||
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
	for (size_t p = 0; p < N_SB_PROFILES; p++)
		for (size_t i = 0; i < LEN(tries); i++) {
			int sig, got, fd = -1, none;

			assert_int_equal(socket_connect(sb_listening, &fd,
					     NULL),
			    0);
			assert_int_equal(dup2(fd, 8), 8);
			close(fd);
			got = sb_attempt(sb_profiles[p], tries[i], &sig);
			close(8);
			while (socket_accept(sb_listener, &none, NULL) == 0)
				close(none);

			if (got != 0)
				fail_msg("%s, %zu: %d, signal %d",
				    sb_profile_names[p], i, got, sig);
		}
}

/* --- the libraries that work in a sealed process -------------------------- */

static int
use_sqlite(void)
{
	char path[TMPDIR_MAX + 16], wal[TMPDIR_MAX + 24];
	sqlite3 *db = NULL;
	int r;

	snprintf(path, sizeof(path), "%s/db", sb_in);
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

	snprintf(path, sizeof(path), "%s/journal", sb_in);
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

	snprintf(url, sizeof(url), "dir:%s", sb_in);
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
	assert_int_equal(sb_attempt(SANDBOX_KEEPER, use_sqlite, &sig), 0);
	assert_int_equal(sb_attempt(SANDBOX_KEEPER, use_journal, &sig), 0);
	assert_int_equal(sb_attempt(SANDBOX_KEEPER, use_objects, &sig), 0);
	assert_int_equal(sb_attempt(SANDBOX_SIGNER, use_journal, &sig), 0);
}

/* By a path, and by a name that Landlock keeps new connections from. */
static void
systemd_is_told_from_inside(void **state)
{
	char path[TMPDIR_MAX + 16], got[16] = "";

	(void)state;
	snprintf(path, sizeof(path), "%s/told", sb_dir);
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
			if (sb_seal(SANDBOX_FRONT) != 0)
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_profile_lets_its_process_work),
	    cmocka_unit_test(libraries_work_where_they_are_needed),
	    cmocka_unit_test(systemd_is_told_from_inside),
	};

	return cmocka_run_group_tests(tests, sb_setup, sb_teardown);
}
