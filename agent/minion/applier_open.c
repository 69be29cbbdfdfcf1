/* SPDX-License-Identifier: ISC */
/* What this host holds, read from STATE and verified once more. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fsuid.h>

#include "agent/minion/applier.h"
#include "agent/minion/spool.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"

int
applier_read(const struct applier *a, const char *name, size_t max, char **out,
    size_t *n, struct err *e)
{
	char *path = NULL;
	int r;

	if (path_join(a->state_dir, name, &path) != 0)
		return err_nomem(e);
	r = file_read(path, max, out, n, e);
	free(path);
	return r;
}

int
applier_write(const struct applier *a, const char *name, struct slice text,
    struct err *e)
{
	char *path = NULL;
	int r;

	if (path_join(a->state_dir, name, &path) != 0)
		return err_nomem(e);
	r = file_write(path, text.p, text.n, 0600, 0, e);
	free(path);
	return r;
}

static int
next_path(const struct applier *a, const char *name, char **path, char **next)
{
	*next = NULL;
	if (path_join(a->state_dir, name, path) != 0)
		return ERR_NOMEM;
	return path_joinf(next, "%s.next", *path);
}

int
applier_write_next(const struct applier *a, const char *name, struct slice text,
    struct err *e)
{
	char *path = NULL, *next = NULL;
	int r;

	if (next_path(a, name, &path, &next) != 0)
		r = err_nomem(e);
	else
		r = file_write(next, text.p, text.n, 0600, 0, e);
	free(path);
	free(next);
	return r;
}

void
applier_take_next(const struct applier *a, const char *name)
{
	char *path = NULL, *next = NULL;

	/* Where that fails, whoever reads it next finds it. */
	if (next_path(a, name, &path, &next) == 0)
		(void)rename(next, path);
	free(path);
	free(next);
}

/*
 * A link that somebody else is in could put a symbolic link there to a file that
 * root alone can read, and see in the words of an error what stands in it.
 */
void
applier_as_link(const struct applier *a, bool on)
{
	(void)setfsgid(on ? a->link_gid : 0);
	(void)setfsuid(on ? a->link_uid : 0);
}

int
applier_read_spool(const struct applier *a, const char *name, size_t max,
    char **out, size_t *n, struct err *e)
{
	char *path = NULL;
	int r;

	if (path_join(a->spool, name, &path) != 0)
		return err_nomem(e);
	applier_as_link(a, true);
	r = file_read(path, max, out, n, e);
	applier_as_link(a, false);
	free(path);
	return r;
}

int
applier_save(struct applier *a, struct err *e)
{
	return held_write(a->state_dir, &a->held, e);
}

const struct pubkey *
applier_host_key(const struct applier *a)
{
	return key_public(a->host_key);
}

int
applier_is_accepted(const struct applier *a, struct err *e)
{
	if (a->held.have && a->held.host[0] != '\0')
		return 0;
	return err_set(e, ERR_DENIED,
	    "this host is not accepted, so nobody can order it anything");
}

/* Where there is no such user, the spool is root's. */
static void
find_link_user(struct applier *a)
{
	const char *user = a->config.user != NULL ? a->config.user : AGENT_USER;
	const struct passwd *pw = getpwnam(user);

	a->link_uid = pw != NULL ? pw->pw_uid : 0;
	a->link_gid = pw != NULL ? pw->pw_gid : 0;
}

/* Past its expiry too: what was accepted is enforced. */
static int
read_policy(struct applier *a, struct err *e)
{
	struct held h = a->held;
	int r;

	if (!h.have)
		return 0;
	if ((r = agent_policy_load(a->state_dir, NULL, 0, &h, &a->trust, e)) !=
	    0)
		return r;
	/* A newer one that is there, after a crash, was good as well. */
	a->held = h;
	return 0;
}

static int
accept_from(struct applier *a, const char *name, struct err *e)
{
	char *text = NULL;
	size_t n;
	int r;

	statement_clear(&a->accept);
	statement_init(&a->accept, ST_ACCEPT);
	if ((r = applier_read(a, name, STATEMENT_MAX, &text, &n, e)) == 0 &&
	    (r = statement_parse("the acceptance that is held",
		 slice_of(text, n), &a->accept, e)) == 0 &&
	    (a->accept.type != ST_ACCEPT ||
		!hash_equal(&a->accept.hash, &a->held.accept)))
		r = err_set(e, ERR_CORRUPT,
		    "%s/accept is not the acceptance that is held",
		    a->state_dir);
	free(text);
	return r;
}

int
applier_read_accept(struct applier *a, struct err *e)
{
	int r;

	if (a->held.host[0] == '\0')
		return 0;
	/* A crash may have come when `held` named the next one already. */
	if ((r = accept_from(a, "accept.next", NULL)) == 0)
		applier_take_next(a, "accept");
	return r == 0 ? 0 : accept_from(a, "accept", e);
}

int
applier_open(struct applier *a, struct err *e)
{
	const char *key;
	int r;

	a->now = clock_now();
	trust_init(&a->trust);
	statement_init(&a->accept, ST_ACCEPT);
	statement_init(&a->rename, ST_RENAME);
	if ((r = agent_config_read(a->config_path, &a->config, e)) != 0)
		return r;
	find_link_user(a);
	key = a->config.host_key != NULL ? a->config.host_key : HOST_KEY_PATH;
	if (path_join(a->state_dir, SPOOL_DIR, &a->spool) != 0)
		return err_nomem(e);
	if ((r = host_open(&a->host, e)) != 0 ||
	    (r = key_load_file(key, NULL, &a->host_key, e)) != 0 ||
	    (r = held_read(a->state_dir, &a->held, e)) != 0 ||
	    (r = report_state_read(a->state_dir, &a->reports, e)) != 0 ||
	    (r = read_policy(a, e)) != 0 ||
	    (r = applier_read_accept(a, e)) != 0 ||
	    (r = applier_read_rename(a, e)) != 0)
		return r;
	return 0;
}

void
applier_close(struct applier *a)
{
	const char *config = a->config_path, *state = a->state_dir;

	json_decref(a->args);
	strs_clear(&a->made);
	str_clear(&a->answer);
	statement_clear(&a->accept);
	statement_clear(&a->rename);
	trust_clear(&a->trust);
	key_free(a->host_key);
	host_close(a->host);
	agent_config_clear(&a->config);
	free(a->spool);
	*a = (struct applier){
	    .config_path = config, .state_dir = state, .answer = STR_INIT};
}
