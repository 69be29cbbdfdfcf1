/* SPDX-License-Identifier: ISC */
/* What writ sign reads before anything is done: files, and what lies beside. */
#include <stdlib.h>
#include <string.h>

#include "ca/cli/sign.h"
#include "ca/issue/issue.h"
#include "lib/base/file.h"
#include "lib/base/parallel.h"

/* What lies beside all of them.  Where that cannot be told, the file itself may
 * have more to say about it. */
static void
list_all(struct signing *g)
{
	bool names = cli_all(g->a, "decision")->n == 0;
	bool keys = cli_get(g->a, "o") == NULL;
	int r = 0;

	for (size_t i = 0; i < g->n && r == 0 && (names || keys); i++)
		r = beside_list(&g->beside, g->jobs[i].path, keys, NULL);
	g->listed = r == 0;
}

static void
read_nth(void *ctx, size_t i)
{
	struct signing *g = ctx;
	struct job *j;

	/* While others read. */
	if (i == 0) {
		list_all(g);
		return;
	}
	j = &g->jobs[i - 1];
	if ((j->r = cli_read_statement(j->path, &j->s, j->e)) == 0 &&
	    (j->r = statement_verify(&j->s, j->e)) != 0)
		err_prefix(j->e, "%s", j->path);
}

/* The files of the decisions: beside the file, or those named. */
static int
find_decisions(struct signing *g, struct job *j, struct err *e)
{
	const struct strs *named = cli_all(g->a, "decision");

	if (named->n == 0)
		return beside_decisions(&g->beside, j->path, &j->decisions,
		    &j->ids, e);
	return strs_dup(named, &j->decisions) != 0 ? err_nomem(e) : 0;
}

static int
pass_over(struct job *j, const char *path, const char *why)
{
	struct str s = STR_INIT;
	int r;

	str_addf(&s, "%s: passed over: %s", path, why);
	if ((r = str_check(&s)) == 0)
		r = strs_add(&j->passed_over, s.p);
	str_clear(&s);
	return r;
}

/* With what a host says goes what is said of hosts, and decisions with all
 * else. */
static int
check_goes_with(const struct job *j, const char *path,
    const struct statement *s, struct err *e)
{
	bool host = j->s.type == ST_RENEW || standing_is_about_host(j->s.type);

	if (standing_is_about_host(s->type) == host)
		return 0;
	return err_set(e, ERR_PARSE, "%s: is a %s, expected %s", path,
	    statement_type_name(s->type),
	    host ? "a statement about a host" : "a decision");
}

/*
 * One that cannot be read is to be named, and is passed over; but what the call
 * names has to be there.
 */
static void
read_decisions(struct signing *g, struct job *j)
{
	bool named = cli_all(g->a, "decision")->n > 0;
	int r = 0;

	j->given = calloc(j->decisions.n + 1, sizeof(*j->given));
	if (j->given == NULL)
		r = ERR_NOMEM;
	for (size_t k = 0; k < j->decisions.n && r == 0; k++) {
		const char *path = j->decisions.v[k];
		struct statement *s = NULL;
		struct err why = {0};
		int not_read = beside_read(&g->beside, path,
		    j->ids != NULL ? &j->ids[k] : NULL, &s, &why);

		if (not_read == 0 && check_goes_with(j, path, s, &why) == 0) {
			j->given[j->n_given++] = s;
		} else if (named &&
		    (not_read == ERR_NOTFOUND || not_read == ERR_SYS)) {
			j->r = not_read;
			*j->e = why;
			return;
		} else {
			r = pass_over(j, path, why.msg);
		}
	}
	if (r != 0)
		j->r = err_nomem(j->e);
}

static const struct pubkey *
subject_of(const struct statement *s)
{
	return s->type == ST_RENEW ? s->u.renew.key : s->u.r.subject;
}

/*
 * KEY-cert.pub beside the subject's KEY.pub where that lies in the same
 * directory, as ssh(1) looks for it; else FILE-cert.pub.
 */
static int
choose_output(struct signing *g, struct job *j, struct err *e)
{
	const char *o = cli_get(g->a, "o");
	char *pub = NULL;
	int r;

	if (o == NULL && strcmp(j->path, "-") == 0)
		o = "-";
	if (o != NULL)
		return (j->out = str_dup(o)) != NULL ? 0 : err_nomem(e);
	if ((r = beside_key(&g->beside, j->path, subject_of(&j->s), &pub, e)) !=
	    0)
		return r;
	if (pub != NULL)
		r = path_joinf(&j->out, "%.*s-cert.pub", (int)strlen(pub) - 4,
		    pub);
	else
		r = path_joinf(&j->out, "%s-cert.pub", j->path);
	free(pub);
	return r == 0 ? 0 : err_nomem(e);
}

/* What goes with it. */
static int
find_nth(void *ctx, size_t i, struct err *e)
{
	struct signing *g = ctx;
	struct job *j = &g->jobs[i];
	int r;

	if (j->r != 0)
		return 0;
	if ((r = find_decisions(g, j, e)) != 0 ||
	    (issue_is_request(&j->s) && (r = choose_output(g, j, e)) != 0))
		return r;
	read_decisions(g, j);
	return 0;
}

int
sign_read(struct signing *g, struct err *e)
{
	int r = 0;

	parallel_for(g->n + 1, read_nth, g);
	if (g->listed)
		return parallel_try(g->n, find_nth, g, e);
	for (size_t i = 0; i < g->n && r == 0; i++)
		r = find_nth(g, i, e);
	return r;
}
