/* SPDX-License-Identifier: ISC */
#include "ca/audit/gaps.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"

static void
gap_clear(struct gap *x)
{
	free(x->host);
	free(x->account);
	free(x->person);
	free(x->from);
	free(x->what);
}

void
gaps_clear(struct gaps *g)
{
	for (size_t i = 0; i < g->n; i++)
		gap_clear(&g->v[i]);
	free(g->v);
	*g = (struct gaps){0};
}

static int
copy(const char *s, char **out)
{
	return s == NULL || (*out = str_dup(s)) != NULL ? 0 : ERR_NOMEM;
}

/* x borrows its texts; what is kept are copies. */
static int
add(struct gaps *g, const struct gap *x)
{
	size_t cap = g->cap != 0 ? 2 * g->cap : 16;
	struct gap *more, *to;

	if (g->n == g->cap) {
		if ((more = realloc(g->v, cap * sizeof(*more))) == NULL)
			return ERR_NOMEM;
		g->v = more;
		g->cap = cap;
	}
	to = &g->v[g->n++];
	*to = (struct gap){
	    .kind = x->kind, .alarm = x->alarm, .at = x->at, .count = x->count};
	g->n_alarms += x->alarm;
	if (copy(x->host, &to->host) != 0 ||
	    copy(x->account, &to->account) != 0 ||
	    copy(x->person, &to->person) != 0 || copy(x->from, &to->from) != 0)
		return ERR_NOMEM;
	return copy(x->what, &to->what);
}

/* --- logins --------------------------------------------------------------- */

static int
add_login(void *ctx, const struct use *u, const struct judged *j, char *why)
{
	const struct gap x = {.kind = use_kind_name(j->kind),
	    .alarm = true,
	    .at = u->event.at,
	    .count = 1,
	    .host = u->host,
	    .account = u->event.account,
	    .person = j->of != NULL ? j->of->person : NULL,
	    .from = u->event.from,
	    .what = why};

	return j->kind == USE_ISSUED || j->known != NULL ? 0 : add(ctx, &x);
}

int
gaps_of_logins(struct gaps *g, const struct uses *u, struct issued *s,
    const struct policy *p, int64_t now)
{
	return known_each_login(u, s, p, now, add_login, g);
}

/* --- what is known -------------------------------------------------------- */

struct excepted {
	const struct known_exception *by;
	const struct use *use;
	enum use_kind kind;
};

/* One exception and host after another, each in the order of time. */
static int
compare_excepted(const void *a, const void *b)
{
	const struct excepted *x = a, *y = b;
	int r;

	if (x->by != y->by)
		return x->by < y->by ? -1 : 1;
	if ((r = strcmp(x->use->host, y->use->host)) != 0)
		return r;
	if (x->use->event.at != y->use->event.at)
		return x->use->event.at < y->use->event.at ? -1 : 1;
	return 0;
}

struct gathered {
	struct excepted *v; /* room for all logins */
	size_t n;
};

static int
gather_excepted(void *ctx, const struct use *u, const struct judged *j,
    char *why)
{
	struct gathered *x = ctx;

	(void)why;
	if (j->known != NULL)
		x->v[x->n++] = (struct excepted){j->known, u, j->kind};
	return 0;
}

/* n of one exception on one host. */
static int
add_excepted(struct gaps *g, const struct excepted *v, size_t n)
{
	struct str what = STR_INIT;
	struct gap x = {.kind = "excepted",
	    .at = v[n - 1].use->event.at,
	    .count = n,
	    .host = v[0].use->host,
	    .account = v[0].by->account};
	int r;

	str_addf(&what, "%s: ", use_kind_name(v[0].kind));
	known_text(v[0].by, &what);
	x.what = what.p;
	r = str_check(&what) != 0 ? ERR_NOMEM : add(g, &x);
	str_clear(&what);
	g->n_excepted += n;
	return r;
}

static int
add_expired(struct gaps *g, const struct policy *p, int64_t now)
{
	int r = 0;

	for (size_t i = 0; i < p->n_exceptions && r == 0; i++) {
		const struct known_exception *k = &p->exceptions[i];
		struct gap x = {.kind = "expired", .account = k->account};
		struct str what = STR_INIT;

		if (!known_is_over(k, now))
			continue;
		str_addf(&what, "audit.yaml:%u: ", k->pos.line);
		known_text(k, &what);
		x.what = what.p;
		r = str_check(&what) != 0 ? ERR_NOMEM : add(g, &x);
		str_clear(&what);
	}
	return r;
}

int
gaps_of_known(struct gaps *g, const struct uses *u, struct issued *s,
    const struct policy *p, int64_t now)
{
	struct gathered x = {0};
	struct excepted *v;
	size_t of;
	int r;

	if (p->n_exceptions == 0)
		return 0;
	if ((v = x.v = calloc(u->n + 1, sizeof(*v))) == NULL)
		return ERR_NOMEM;
	r = known_each_login(u, s, p, now, gather_excepted, &x);
	qsort(v, x.n, sizeof(*v), compare_excepted);
	for (size_t i = 0; i < x.n && r == 0; i += of) {
		for (of = 1; i + of < x.n && v[i].by == v[i + of].by &&
		     strcmp(v[i].use->host, v[i + of].use->host) == 0;
		     of++)
			;
		r = add_excepted(g, v + i, of);
	}
	free(v);
	return r == 0 ? add_expired(g, p, now) : r;
}

/* --- hosts ---------------------------------------------------------------- */

static char *
cell(const json_t *row, const char *name)
{
	return (char *)(uintptr_t)json_text(row, name);
}

static int
look_at_host(struct gaps *g, const json_t *row, int64_t now)
{
	struct gap x = {.alarm = true, .host = cell(row, "host")};
	int64_t last = 0;
	int r = 0;

	if (clock_parse(cell(row, "last_contact"), &last) != 0)
		last = 0;
	if (strcmp(cell(row, "connected"), "yes") != 0 &&
	    now - last > GAPS_SILENT_S) {
		x.kind = "silent";
		x.at = last;
		x.what = (char *)(uintptr_t)(last != 0
			? "it has not been heard of since"
			: "it was never heard of");
		r = add(g, &x);
	}
	x.kind = "reports missing";
	x.at = 0;
	x.what = cell(row, "alarms");
	if (r == 0 &&
	    (strstr(x.what, "are missing") != NULL ||
		strstr(x.what, "could not be kept") != NULL))
		r = add(g, &x);
	return r;
}

int
gaps_of_hosts(struct gaps *g, const json_t *rows, int64_t now, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < json_array_size(rows) && r == 0; i++) {
		const json_t *row = json_array_get(rows, i);

		if (cell(row, "host")[0] == '\0')
			return err_set(e, ERR_PARSE,
			    "host %zu: 'host' is missing, expected an id",
			    i + 1);
		if ((r = look_at_host(g, row, now)) != 0)
			(void)err_nomem(e);
	}
	return r;
}

/* --- certificates --------------------------------------------------------- */

/* Nobody logged in by it, and by now nobody will. */
static bool
is_unused(const struct grant_use *v, int64_t since, int64_t now)
{
	return !v->used && v->valid_before <= now && v->valid_after >= since;
}

int
gaps_of_unused(struct gaps *g, const struct issued *s, int64_t since,
    int64_t now)
{
	int r = 0;

	for (size_t i = 0; i < s->n && r == 0; i++) {
		const struct grant_use *v = &s->v[i];
		struct str what = STR_INIT;
		struct gap x = {.kind = "never used",
		    .at = v->valid_after,
		    .person = v->person};

		if (!is_unused(v, since, now))
			continue;
		str_addf(&what, "serial %llu: %s",
		    (unsigned long long)v->serial, v->reason);
		x.what = what.p;
		r = str_check(&what) != 0 ? ERR_NOMEM : add(g, &x);
		str_clear(&what);
	}
	return r;
}
