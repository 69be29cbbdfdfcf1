/* SPDX-License-Identifier: ISC */
/*
 * writ-ca-notify: tells people, see notify.h.  Everything that needs a file or
 * a right comes first: configuration, socket, user, the processes of hooks, the
 * sandbox; then threads, then work.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/common/config.h"
#include "ca/daemon/notify.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/cli/cli.h"
#include "lib/crypto/secmem.h"
#include "lib/notify/deliver.h"
#include "lib/proc/plog.h"
#include "lib/proc/sandbox.h"
#include "lib/proc/self.h"
#include "lib/proc/service.h"
#include "lib/proc/socket.h"

#define NAME "writ-ca-notify"

struct setup {
	const char *dir;
	bool check; /* -n: read notify.yaml, and no more */
	struct config config;
	char *file; /* DIR/notify.yaml */
	struct channels channels;
	struct channel checker; /* runs us with -n */
	int hook;
	bool dropped; /* read as root what we cannot read again */
	int listener, signals;
	uid_t keeper;
};

/* Without the file there is nobody to tell, which is no reason not to run: the
 * keeper gets an answer either way. */
static int
load_channels(struct setup *s, struct err *e)
{
	int r;

	if (path_join(s->dir, "notify.yaml", &s->file) != 0)
		return err_nomem(e);
	r = channels_load(s->file, &s->channels, e);
	if (r == ERR_NOTFOUND && !file_exists(s->file)) {
		if (!s->check)
			plog(PLOG_WARN, "no notify.yaml: nobody is told",
			    "file", s->file, NULL);
		r = 0;
	}
	return r;
}

static int
drop(struct setup *s, struct err *e)
{
	const char *user = s->config.service.users.notify;

	if (geteuid() != 0)
		return 0;
	s->dropped = true;
	return privileges_drop(user != NULL ? user : "nobody", e);
}

/* A sealed process cannot read the file; one that was made before can. */
static int
start_checker(struct setup *s, struct err *e)
{
	char *self = NULL;
	int r;

	if ((r = self_path(&self, e)) != 0)
		return r;
	s->checker.kind = CHANNEL_EXEC;
	if (strs_add(&s->checker.argv, self) != 0 ||
	    strs_add(&s->checker.argv, "-n") != 0 ||
	    strs_add(&s->checker.argv, "-C") != 0 ||
	    strs_add(&s->checker.argv, s->dir) != 0)
		r = err_nomem(e);
	else
		r = hook_start(&s->checker, &s->hook, e);
	free(self);
	return r;
}

static int
reloadable(void *ctx, struct err *e)
{
	const struct setup *s = ctx;
	char kind[] = "check", none[] = "-";
	const struct notice n = {.kind = kind, .id = none, .text = none};
	const struct strs nobody = {0};
	const struct delivery d = {.channel = &s->checker,
	    .notice = &n,
	    .to = &nobody,
	    .hook = s->hook};

	/* Whoever started us as root looked before he sent the signal (run.c). */
	if (s->dropped)
		return 0;
	return deliver_exec(&d, e) == 0 ? 0 : ERR_PARSE;
}

static int
seal(struct err *e)
{
	/* Names of hosts, certificates of authorities, time zones. */
	static const char *const readable[] = {
	    "/etc", "/usr", "/lib", "/lib64", "/run/systemd/resolve", NULL};
	const struct sandbox box = {
	    .profile = SANDBOX_NOTIFY, .read_below = readable};

	return sandbox_enter(&box, e);
}

static int
serve(struct setup *s, struct err *e)
{
	struct notify_service service = {.listener = s->listener,
	    .signals = s->signals,
	    .keeper = s->keeper,
	    .reloadable = reloadable,
	    .ctx = s};
	int r;

	if ((!s->dropped && (r = start_checker(s, e)) != 0) ||
	    (r = sender_new(&s->channels, &service.sender, e)) != 0 ||
	    (r = seal(e)) != 0 || (r = sender_start(service.sender, e)) != 0)
		goto out;
	plog(PLOG_INFO, "ready", NULL);
	service_notify("READY=1");
	r = notify_serve(&service, e);
	service_notify("STOPPING=1");
out:
	sender_free(service.sender);
	return r;
}

static int
run(struct setup *s, struct err *e)
{
	const struct service_config *c = &s->config.service;
	int r;

	if (s->check)
		return load_channels(s, e);
	if ((r = config_load(s->dir, &s->config, e)) != 0)
		return r;
	plog_json(c->log_json);
	if ((r = load_channels(s, e)) != 0 ||
	    (r = service_user("writ.yaml", c->users.keeper, &s->keeper, e)) !=
		0 ||
	    (r = service_listen(c->runtime, "notify", &s->listener, e)) != 0 ||
	    (r = service_signals(true, &s->signals, e)) != 0 ||
	    (r = drop(s, e)) != 0)
		return r;
	return serve(s, e);
}

static int
usage(void)
{
	fputs("usage: " NAME " [-n] [-C DIR]\n", stderr);
	return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	struct setup s = {
	    .dir = ".", .hook = -1, .listener = -1, .signals = -1};
	int64_t began = clock_mono_ms();
	struct err e = {0};
	int c, r;

	if ((r = fd_keep_standard(&e)) != 0)
		return cli_exit_status(r);
	while ((c = getopt(argc, argv, "C:n")) != -1) {
		if (c == 'C')
			s.dir = optarg;
		else if (c == 'n')
			s.check = true;
		else
			return usage();
	}
	if (optind != argc)
		return usage();
	secmem_harden_process();
	(void)umask(077);
	config_init(&s.config);
	plog_init(NAME, PLOG_INFO);
	if ((r = run(&s, &e)) != 0 && s.check)
		fprintf(stderr, NAME ": %s\n", e.msg);
	else if (r != 0)
		plog_err(PLOG_ERR, &e, "stopped", NULL);
	channels_clear(&s.channels);
	strs_clear(&s.checker.argv);
	config_clear(&s.config);
	free(s.file);
	if (r != 0 && !s.check)
		service_stand(began);
	return r == 0 ? 0 : cli_exit_status(e.code);
}
