/* SPDX-License-Identifier: ISC */
#include "lib/front/program.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/cli/cli.h"
#include "lib/crypto/secmem.h"
#include "lib/key/key.h"
#include "lib/net/dest.h"
#include "lib/proc/plog.h"
#include "lib/proc/sandbox.h"
#include "lib/proc/service.h"
#include "lib/proc/socket.h"

struct setup {
	const struct front_program *program;
	struct front_config config;
	int listeners[FRONT_LISTEN_MAX];
	size_t n_listeners;
	int metrics, dialler, signals;
	char *key; /* the transport key's file */
	size_t n_key;
};

static int
start_dialler(struct setup *s, struct err *e)
{
	char *path = NULL;
	int r;

	if (path_join(s->config.runtime, "keeper.sock", &path) != 0)
		return err_nomem(e);
	r = dialler_start(path, s->config.user, &s->dialler, e);
	free(path);
	return r;
}

static int
listen_at(const char *address, int *fd, struct err *e)
{
	char *host = NULL;
	uint16_t port = 0;
	int r;

	if (dest_listen(address, &host, &port) != 0)
		return err_set(e, ERR_PARSE, "no address: %s", address);
	r = net_listen(host, port, fd, e);
	free(host);
	return r;
}

static int
open_sockets(struct setup *s, struct err *e)
{
	const struct front_config *c = &s->config;
	int r = socket_passed_all("listen", s->listeners, FRONT_LISTEN_MAX,
	    &s->n_listeners, e);

	if (r != 0 && r != ERR_NOTFOUND)
		return r;
	for (size_t i = 0; r != 0 && i < c->listen->n; i++) {
		int failed = listen_at(c->listen->v[i],
		    &s->listeners[s->n_listeners], e);

		if (failed != 0)
			return failed;
		s->n_listeners++;
	}
	if (c->metrics == NULL)
		return 0;
	r = socket_passed("metrics", &s->metrics, e);
	return r == ERR_NOTFOUND ? listen_at(c->metrics, &s->metrics, e) : r;
}

static int
load_key(struct setup *s, struct err *e)
{
	const char *path = s->config.transport;
	struct key *key = NULL;
	int r;

	/* Read twice: once as keys are, for its mode and for what is wrong with
	   it in words, and once as the text that libssh takes. */
	if ((r = key_load_file(path, NULL, &key, e)) != 0) {
		if (r == ERR_NOTFOUND)
			err_hint(e,
			    "make one: ssh-keygen -t ed25519 -N '' -f "
			    "%s",
			    path);
		return r;
	}
	if (pubkey_type(key_public(key)) != PUBKEY_ED25519)
		r = err_set(e, ERR_PARSE,
		    "%s: the transport key must be an Ed25519 key", path);
	key_free(key);
	return r != 0 ? r
		      : file_read(path, KEY_FILE_MAX, &s->key, &s->n_key, e);
}

static int
open_signals(struct setup *s, struct err *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 ||
	    (s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) == -1)
		return err_sys(e, "take signals");
	return 0;
}

/* A connection is a descriptor; as many as we may have. */
static void
raise_files(const struct setup *s)
{
	const struct front_limits *l = s->config.limits;
	rlim_t want = (rlim_t)l->sessions + l->waiting + 64;
	struct rlimit r;
	char have[24];

	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= want)
		return;
	r.rlim_cur = r.rlim_max < want ? r.rlim_max : want;
	if (setrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= want)
		return;
	(void)snprintf(have, sizeof(have), "%llu",
	    (unsigned long long)r.rlim_cur);
	plog(PLOG_WARN,
	    "fewer descriptors than the limits allow connections; going on",
	    "file", s->program->config_name, "descriptors", have, NULL);
}

static int
seal(const struct setup *s, struct err *e)
{
	const struct sandbox box = {.profile = SANDBOX_FRONT};
	const char *user = s->config.user;
	int r;

	if (geteuid() == 0 &&
	    (r = privileges_drop(user != NULL ? user : "nobody", e)) != 0)
		return r;
	return sandbox_enter(&box, e);
}

static int
serve(struct setup *s, struct err *e)
{
	const struct front_setup fs = {.words = s->program->words,
	    .calls = s->program->calls,
	    .limits = s->config.limits,
	    .key = s->key,
	    .listeners = s->listeners,
	    .n_listeners = s->n_listeners,
	    .metrics = s->metrics,
	    .dialler = s->dialler,
	    .signals = s->signals};
	struct front *f = NULL;
	int r;

	r = front_new(&fs, &f, e);
	mem_wipe(s->key, s->n_key);
	if (r != 0 || (r = seal(s, e)) != 0)
		goto out;
	plog(PLOG_INFO, "ready", NULL);
	service_notify("READY=1");
	r = front_run(f, e);
	service_notify("STOPPING=1");
out:
	front_free(f);
	return r;
}

static int
run(const char *dir, struct setup *s, struct err *e)
{
	int r;

	if ((r = s->program->load(dir, &s->config, e)) != 0)
		return r;
	plog_json(s->config.log_json);
	/* The dialler first: it is to hold nothing that we hold later. */
	if ((r = open_signals(s, e)) != 0 || (r = start_dialler(s, e)) != 0 ||
	    (r = open_sockets(s, e)) != 0 || (r = load_key(s, e)) != 0)
		return r;
	raise_files(s);
	return serve(s, e);
}

static int
usage(const struct front_program *p)
{
	fprintf(stderr, "usage: %s [-C DIR]\n", p->name);
	return EXIT_USAGE;
}

int
front_main(const struct front_program *p, int argc, char **argv)
{
	struct setup s = {
	    .program = p, .metrics = -1, .dialler = -1, .signals = -1};
	struct err e = {0};
	const char *dir = ".";
	int64_t began = clock_mono_ms();
	int c, r;

	if ((r = fd_keep_standard(&e)) != 0)
		return cli_exit_status(r);
	while ((c = getopt(argc, argv, "C:")) != -1) {
		if (c != 'C')
			return usage(p);
		dir = optarg;
	}
	if (optind != argc)
		return usage(p);
	secmem_harden_process();
	(void)umask(077);
	plog_init(p->name, PLOG_INFO);
	if ((r = run(dir, &s, &e)) != 0)
		plog_err(PLOG_ERR, &e, "stopped", NULL);
	free(s.key);
	if (r != 0)
		service_stand(began);
	return r == 0 ? 0 : cli_exit_status(e.code);
}
