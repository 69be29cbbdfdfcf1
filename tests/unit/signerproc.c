/* SPDX-License-Identifier: ISC */
#include "tests/unit/signerproc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/signer/signer_proc.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/key/key_impl.h"
#include "lib/proc/plog.h"
#include "lib/proc/socket.h"

static volatile sig_atomic_t stop;

static void
on_stop(int sig)
{
	(void)sig;
	stop = 1;
}

static struct key *
seed_key(uint8_t n)
{
	struct key *k = NULL;
	uint8_t seed[32];

	memset(seed, n, sizeof(seed));
	return key_ed25519_new(seed, &k, NULL) == 0 ? k : NULL;
}

/* Exits: nothing of the test that forked it runs here. */
static void
run_signer(const struct deployment *d, int fd)
{
	struct sigaction act = {.sa_handler = on_stop};
	struct signer_config c = {.user_ca = seed_key(SEED_USER_CA),
	    .host_ca = seed_key(SEED_HOST_CA),
	    .log = seed_key(SEED_LOG)};
	struct signer_proc_config pc = {.log_name = "ca_log"};
	char dir[TMPDIR_MAX + 8], origin[ORIGIN_MAX];
	struct signer_proc *p = NULL;
	sigset_t waiting;
	struct trust t;
	struct err e = {0};

	/* Above all no lock that the test holds. */
	if (fd != 3 && dup2(fd, 3) != 3)
		_exit(1);
	(void)close_range(4, ~0U, 0);
	(void)sigprocmask(SIG_SETMASK, NULL, &waiting);
	(void)sigaction(SIGTERM, &act, NULL);
	plog_init("signer", PLOG_ERR);
	trust_init(&t);
	snprintf(dir, sizeof(dir), "%s/signer", d->dir);
	c.dir = dir;
	c.origin = origin;
	pc.trust = &t;
	pc.origin = origin;
	pc.user_ca = key_public(c.user_ca);
	pc.host_ca = key_public(c.host_ca);
	pc.log = key_public(c.log);
	if (log_origin(fixture_realm(), "ca_log", origin) != 0 ||
	    bundles_load(d->dir, fixture_realm(), clock_now(), &t, &e) < 0 ||
	    signer_open(&c, &pc.signer, &e) != 0 ||
	    signer_proc_new(&pc, &p, &e) != 0 ||
	    serve(&signer_proc_ops, p, 3, getuid(), &waiting, &stop, &e) != 0) {
		fprintf(stderr, "signer: %s\n", e.msg);
		_exit(1);
	}
	signer_proc_free(p);
	signer_close(pc.signer);
	trust_clear(&t);
	key_free(c.user_ca);
	key_free(c.host_ca);
	key_free(c.log);
	_exit(0);
}

void
signerproc_start(struct signerproc *p, const struct deployment *d)
{
	char run[TMPDIR_MAX + 4];
	struct err e = {0};
	int fd = -1;

	snprintf(run, sizeof(run), "%s/run", d->dir);
	snprintf(p->socket, sizeof(p->socket), "%s/signer.sock", run);
	assert_int_equal(file_mkdirs(run, 0700, NULL), 0);
	if (socket_listen(p->socket, &fd, &e) != 0)
		fail_msg("%s", e.msg);
	p->pid = fork();
	assert_true(p->pid >= 0);
	if (p->pid == 0)
		run_signer(d, fd);
	(void)close(fd);
}

static void
end(struct signerproc *p, int sig, int want)
{
	int status;

	if (p->pid == 0)
		return;
	assert_int_equal(kill(p->pid, sig), 0);
	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	p->pid = 0;
	assert_int_equal(WIFSIGNALED(status) ? WTERMSIG(status)
					     : WEXITSTATUS(status),
	    want);
}

void
signerproc_stop(struct signerproc *p)
{
	end(p, SIGTERM, 0);
}

void
signerproc_kill(struct signerproc *p)
{
	end(p, SIGKILL, SIGKILL);
}
