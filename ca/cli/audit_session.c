/* SPDX-License-Identifier: ISC */
/* writ audit session: one login, from request to logout. */
#include <string.h>

#include "ca/audit/known.h"
#include "ca/audit/story.h"
#include "ca/cli/audit_uses.h"
#include "lib/base/clock.h"

struct telling {
	struct asked_uses q;
	struct story story;
	const char *session, *host;
	const struct use *login;    /* NULL: before --since */
	const struct grant_use *of; /* NULL: no certificate of ours */
	const char *log;            /* that is being read */
};

/* --- what came before ----------------------------------------------------- */

static int
on_certificate(void *ctx, const struct audit_certificate *c)
{
	struct telling *t = ctx;
	int r;

	if (c->index != t->of->index)
		return 0;
	r = story_add_certificate(&t->story, c, t->log);
	return r != 0 ? r : 1;
}

/* The certificate is the last part. */
static int
look_for_record(struct telling *t, struct audit_log *log, struct err *e)
{
	const struct story_part *p = &t->story.v[t->story.n - 1];
	int r = audit_log_has(log, p->object, e);

	if (r == 1 && (r = story_add_missing(&t->story)) != 0)
		return err_nomem(e);
	return r != 0 ? r : 1;
}

static int
look_in(void *ctx, struct audit_log *log, struct err *e)
{
	struct telling *t = ctx;
	int r;

	t->log = audit_log_name(log);
	if (strcmp(t->log, t->of->log) != 0)
		return 0;
	r = audit_log_select(log,
	    &(struct audit_select){
		.serials = &t->of->serial, .n_serials = 1, .since = INT64_MAX},
	    on_certificate, t, e);
	if (r == 1)
		return look_for_record(t, log, e);
	return r == ERR_NOMEM ? err_nomem(e) : r;
}

static int
on_revocation(void *ctx, const struct revocation *v, const char *what)
{
	struct telling *t = ctx;

	return story_add_revocation(&t->story, v, what);
}

/* Whenever it was: a reader has to know that it was taken away. */
static int
tell_revoked(struct telling *t)
{
	const struct grant_use *g = t->of;

	return revocations_each(&t->q.revoked,
	    &(struct revocable){.serial = g->serial,
		.key_id = g->key_id,
		.person = g->person,
		.key = &g->key,
		.ca = &g->ca},
	    on_revocation, t);
}

static int
tell_login(struct telling *t, struct err *e)
{
	const struct policy *p = t->q.place.trust.policy;
	struct str why = STR_INIT;
	struct judged j;
	int r;

	r = known_judge(t->login, &t->q.issued, p, clock_now(), &j, &why);
	t->of = j.of;
	if (r == 0)
		r = story_add_use(&t->story, t->login);
	if (r == 0 && j.kind != USE_ISSUED)
		r = story_add_unexplained(&t->story, t->login, j.kind, why.p);
	str_clear(&why);
	if (r != 0)
		return err_set(e, r, "%s", err_text(r));
	if (t->of == NULL)
		return 0;
	if ((r = tell_revoked(t)) != 0)
		return err_set(e, r, "%s", err_text(r));
	r = place_each_log(&t->q.place, look_in, t, e);
	return r > 0 ? 0 : r;
}

/* --- what the host saw ---------------------------------------------------- */

static bool
is_of(const struct telling *t, const struct use *u)
{
	return u->event.session != NULL &&
	    strcmp(u->event.session, t->session) == 0 &&
	    strcmp(u->host, t->host) == 0;
}

static int
tell(struct telling *t, const char *wanted, struct err *e)
{
	int r;

	r = story_host(&t->q.uses, t->session, wanted, &t->host, e);
	if (r != 0) {
		if (r == ERR_NOTFOUND)
			err_hint(e, "look further back, with --since");
		return r;
	}
	for (size_t i = 0; i < t->q.uses.n; i++) {
		const struct use *u = &t->q.uses.v[i];

		if (!is_of(t, u))
			continue;
		if (u->event.what == LOGIN_IN && t->login == NULL)
			t->login = u;
		else if ((r = story_add_use(&t->story, u)) != 0)
			return err_set(e, r, "%s", err_text(r));
	}
	return t->login != NULL ? tell_login(t, e) : 0;
}

/* --- told ----------------------------------------------------------------- */

static const char *const columns[] = {
    "at", "event", "who", "text", "hash", "log", "index", "object", "clock"};

static int
print_table(const struct telling *t, const struct cli_args *a, struct err *e)
{
	struct table table;
	int r;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < t->story.n; i++) {
		const struct story_part *p = &t->story.v[i];

		add_when(&table, p->at, a);
		table_add(&table, story_event_name(p->event));
		table_add(&table, p->who);
		table_add(&table, p->text);
		table_add(&table, p->hash);
		table_add(&table, p->log);
		table_addf(&table, "%llu", (unsigned long long)p->index);
		table_add(&table, p->object);
		if (p->clock != 0)
			table_addf(&table, "%lld", (long long)p->clock);
		else
			table_add(&table, NULL);
	}
	r = cli_print_table(&table, cli_format(a), e);
	table_clear(&table);
	return r;
}

/* Where its proof stands. */
static void
add_proof(struct str *s, const struct story_part *p)
{
	str_addf(s, "    %s%s%sleaf %llu of %s%s%s\n",
	    p->hash == NULL      ? ""
		: p->log != NULL ? "statement "
				 : "report ",
	    p->hash != NULL ? p->hash : "", p->hash != NULL ? ", " : "",
	    (unsigned long long)p->index,
	    p->log != NULL ? p->log : "the fleet's log",
	    p->object != NULL ? ", " : "", p->object != NULL ? p->object : "");
}

static int
print_text(const struct telling *t, const struct cli_args *a, struct err *e)
{
	struct str s = STR_INIT;
	char at[WHEN_TEXT];

	for (size_t i = 0; i < t->story.n; i++) {
		const struct story_part *p = &t->story.v[i];

		if (p->event == STORY_UNEXPLAINED) {
			str_addf(&s, "    NOT EXPLAINED, %s\n", p->text);
			continue;
		}
		if (p->event == STORY_MISSING) {
			str_addf(&s, "    MISSING, %s\n", p->text);
			continue;
		}
		str_addf(&s, "%s  %s %s\n", format_when(p->at, a, at), p->who,
		    p->text);
		add_proof(&s, p);
	}
	if (t->login == NULL)
		str_add(&s,
		    "its login lies further back: say so with --since\n");
	return cli_print(&s, e);
}

int
run_audit_session(struct cli_args *a, struct err *e)
{
	struct telling t = {
	    .q = {.ends = true, .sudos = true}, .session = cli_operand(a, 0)};
	int r;

	if ((r = asked_uses_get(a, &t.q, e)) == 0 &&
	    (r = tell(&t, cli_get(a, "host"), e)) == 0) {
		story_sort(&t.story);
		r = cli_format(a) == TABLE_TEXT ? print_text(&t, a, e)
						: print_table(&t, a, e);
	}
	story_clear(&t.story);
	asked_uses_clear(&t.q);
	return r;
}
