/* SPDX-License-Identifier: ISC */
/*
 * writ-master-courier: dials the CA, see courier.h.
 *
 * Reads master.yaml and the transport key, takes its socket, becomes its user,
 * seals itself; from there on it reads the files that names of hosts need, and
 * makes outgoing connections.
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "agent/master/config.h"
#include "agent/master/courier.h"
#include "lib/base/file.h"
#include "lib/cli/daemon.h"
#include "lib/key/key.h"
#include "lib/proc/plog.h"
#include "lib/proc/sandbox.h"
#include "lib/proc/service.h"
#include "lib/proc/socket.h"

struct program {
	struct master_config config;
	struct str host_key; /* the CA's, as a line */
	char *key;           /* the text of ours */
	size_t n_key;
	uid_t keeper;
	int listen_fd, signals;
	bool stop;
};

static int
load_key(struct program *p, struct err *e)
{
	const char *path = p->config.transport;
	struct key *key = NULL;
	int r;

	/* As keys are read, for its mode and for what is wrong with it in words;
	   then as the text that libssh takes. */
	if ((r = key_load_file(path, NULL, &key, e)) != 0) {
		if (r == ERR_NOTFOUND)
			err_hint(e, "writ-master init makes it");
		return r;
	}
	key_free(key);
	return file_read(path, KEY_FILE_MAX, &p->key, &p->n_key, e);
}

static int
seal(const struct program *p, struct err *e)
{
	/* What the resolver wants. */
	static const char *const readable[] = {
	    "/etc", "/usr", "/lib", "/lib64", "/run/systemd/resolve", NULL};
	const struct sandbox s = {
	    .profile = SANDBOX_COURIER, .read_below = readable};
	const char *user = p->config.users.courier;
	int r;

	if (geteuid() == 0 &&
	    (r = privileges_drop(user != NULL ? user : "nobody", e)) != 0)
		return r;
	return sandbox_enter(&s, e);
}

static void
on_signal(void *ctx, uint32_t events)
{
	struct program *p = ctx;

	(void)events;
	p->stop = true;
}

static int
serve(struct program *p, struct err *e)
{
	const struct courier_setup s = {.host = p->config.ca.host,
	    .port = p->config.ca.port,
	    .host_key = p->host_key.p,
	    .key = p->key,
	    .listen_fd = p->listen_fd,
	    .keeper = p->keeper};
	struct courier *c = NULL;
	struct loop *l = NULL;
	struct watch *w = NULL;
	int r;

	if ((r = loop_new(&l, e)) != 0 ||
	    (r = loop_add(l, p->signals, EPOLLIN, on_signal, p, &w, e)) != 0 ||
	    (r = courier_new(l, &s, &c, e)) != 0 || (r = seal(p, e)) != 0)
		goto out;
	service_notify("READY=1");
	plog(PLOG_INFO, "ready", NULL);
	while (!p->stop && r == 0)
		r = loop_turn(l, courier_turn(c), e);
	service_notify("STOPPING=1");
	plog(PLOG_INFO, "stopped", NULL);
out:
	courier_free(c);
	watch_free(w, false);
	loop_free(l);
	return r;
}

static int
go_on(struct program *p, const char *dir, struct err *e)
{
	const struct master_config *c = &p->config;
	int r;

	if ((r = master_config_load(dir, &p->config, e)) != 0)
		return r;
	plog_json(c->log_json);
	if (p->config.ca.host == NULL)
		return err_set(e, ERR_USAGE,
		    "%s/master.yaml: names no CA, expected 'ca'",
		    p->config.dir);
	pubkey_add_line(&p->host_key, p->config.ca.key, NULL);
	if (str_check(&p->host_key) != 0)
		return err_nomem(e);
	if ((r = load_key(p, e)) != 0 ||
	    (r = service_user("master.yaml", c->users.keeper, &p->keeper, e)) !=
		0 ||
	    (r = service_listen(c->runtime, "courier", &p->listen_fd, e)) !=
		0 ||
	    (r = service_signals(false, &p->signals, e)) != 0)
		return r;
	return serve(p, e);
}

static void
program_clear(struct program *p)
{
	if (p->listen_fd >= 0)
		(void)close(p->listen_fd);
	if (p->signals >= 0)
		(void)close(p->signals);
	if (p->key != NULL)
		mem_wipe(p->key, p->n_key);
	free(p->key);
	str_clear(&p->host_key);
	master_config_clear(&p->config);
}

static int
run(const char *dir, struct err *e)
{
	struct program p = {
	    .host_key = STR_INIT, .listen_fd = -1, .signals = -1};
	int r;

	master_config_init(&p.config);
	r = go_on(&p, dir, e);
	program_clear(&p);
	return r;
}

int
main(int argc, char **argv)
{
	static const struct daemon d = {"writ-master-courier", 077, run};

	return daemon_main(&d, argc, argv);
}
