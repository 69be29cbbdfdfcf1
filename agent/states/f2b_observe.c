/* SPDX-License-Identifier: ISC */
/*
 * fail2ban: what the configuration comes to, and what the server has.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/states/f2b_dump.h"
#include "agent/states/f2b_impl.h"
#include "agent/states/words.h"

#define PYTHON_SYSTEMD "/usr/lib/python3/dist-packages/systemd"

int
f2b_client(struct host *h, const char *const *argv, char **out, char **error,
    struct err *e)
{
	struct child_result res = {0};
	int r;

	*out = NULL;
	if ((r = host_run(h, argv, (struct slice){0}, &res, e)) != 0)
		return r;
	if (res.status == 0)
		*out = strdup(res.out);
	else if (error != NULL)
		*error = strdup(res.err_text);
	if ((res.status == 0 && *out == NULL) ||
	    (res.status != 0 && error != NULL && *error == NULL))
		r = err_nomem(e);
	child_result_clear(&res);
	return r;
}

static int
see_jail(struct host *h, const struct f2b_jail *j, struct f2b_live *l,
    struct err *e)
{
	struct {
		const char *key;
		char **out;
	} const values[] = {{"maxretry", &l->maxretry},
	    {"findtime", &l->findtime}, {"bantime", &l->bantime}};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(values) / sizeof(values[0]);
	     i++) {
		const char *argv[] = {
		    "fail2ban-client", "get", j->name, values[i].key, NULL};

		r = f2b_client(h, argv, values[i].out, NULL, e);
	}
	return r;
}

static int
see_server(struct host *h, const struct f2b_params *p, struct f2b_observed *o,
    struct err *e)
{
	const char *status[] = {"fail2ban-client", "status", NULL};
	int r;

	if ((r = f2b_client(h, status, &o->status, NULL, e)) != 0 ||
	    o->status == NULL)
		return r;
	o->running = true;
	if ((o->live = calloc(p->n + 1, sizeof(*o->live))) == NULL)
		return err_nomem(e);
	o->n_live = p->n;
	for (size_t i = 0; r == 0 && i < p->n; i++)
		if (p->v[i].enabled && f2b_is_up(o->status, p->v[i].name))
			r = see_jail(h, &p->v[i], &o->live[i], e);
	return r;
}

int
f2b_observe(struct host *h, const struct state_env *env, const void *params,
    void *observed, struct err *e)
{
	const char *dump[] = {"fail2ban-client", "-d", NULL};
	const struct f2b_params *p = params;
	struct f2b_observed *o = observed;
	struct str want = STR_INIT;
	struct host_stat st;
	size_t n;
	int r;

	(void)env;
	if ((r = state_read(h, F2B_OWN, &o->text, &n, e)) != 0 ||
	    (o->text != NULL && (r = host_stat(h, F2B_OWN, &o->st, e)) != 0))
		goto out;
	o->missing = !host_has(h, "fail2ban-client");
	if (o->missing || p->absent)
		goto out;
	r = host_stat(h, PYTHON_SYSTEMD, &st, e);
	o->no_journal = r == ERR_NOTFOUND;
	if ((r != 0 && r != ERR_NOTFOUND) || (r = f2b_text(p, &want)) != 0)
		goto out;
	/* What others' files come to is told by ours in its place alone. */
	if (o->text != NULL && strcmp(o->text, want.p) == 0 &&
	    (r = f2b_client(h, dump, &o->dump, &o->dump_error, e)) == 0)
		r = see_server(h, p, o, e);
out:
	str_clear(&want);
	return r;
}

void
f2b_observed_clear(void *observed)
{
	struct f2b_observed *o = observed;

	for (size_t i = 0; i < o->n_live; i++) {
		free(o->live[i].maxretry);
		free(o->live[i].findtime);
		free(o->live[i].bantime);
	}
	free(o->live);
	free(o->text);
	free(o->dump);
	free(o->dump_error);
	free(o->status);
	*o = (struct f2b_observed){0};
}
