/* SPDX-License-Identifier: ISC */
#include "ca/audit/propose.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/plural.h"

#define ACCOUNT_MAX 64 /* characters, as the schema has it */

/* An unexplained login. */
struct row {
	const struct use *u;
	enum use_kind kind;
	bool fits; /* an exception can be for it */
};

/* --- gathered ------------------------------------------------------------- */

/* What has to be quoted in no file is good enough for accounts. */
static bool
is_account(const char *s)
{
	size_t n = s != NULL ? strlen(s) : 0;

	return n > 0 && n <= ACCOUNT_MAX && s[0] != '-' &&
	    strspn(s,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789._-$") == n;
}

static bool
fits(const struct use *u, enum use_kind kind)
{
	if (!is_account(u->event.account) || !id_is_valid(u->host))
		return false;
	return kind == USE_ELSEWHERE || (kind == USE_BARE && u->event.has_key);
}

struct gathered {
	struct row *v; /* room for all logins */
	size_t n;
};

static int
gather(void *ctx, const struct use *u, const struct judged *j, char *why)
{
	struct gathered *x = ctx;

	(void)why;
	if (j->kind != USE_ISSUED && j->known == NULL)
		x->v[x->n++] = (struct row){u, j->kind, fits(u, j->kind)};
	return 0;
}

static const struct hash *
by(const struct row *x)
{
	return x->kind == USE_BARE ? &x->u->event.key : &x->u->event.ca;
}

static int
compare_texts(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "");
}

/* Of one exception, or of one line of the others? */
static int
compare_groups(const struct row *x, const struct row *y)
{
	int r;

	if (x->fits != y->fits)
		return x->fits ? -1 : 1;
	if ((r = compare_texts(x->u->event.account, y->u->event.account)) != 0)
		return r;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->fits)
		return memcmp(by(x)->b, by(y)->b, HASH_LEN);
	r = compare_texts(x->u->event.method, y->u->event.method);
	return r != 0 ? r : strcmp(x->u->host, y->u->host);
}

static int
compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int r = compare_groups(x, y);

	return r != 0 ? r : strcmp(x->u->host, y->u->host);
}

/* --- written -------------------------------------------------------------- */

static void
add_time(struct str *out, const char *before, int64_t at)
{
	char text[CLOCK_TEXT];

	clock_format(at, text);
	str_addf(out, "%s%s", before, text);
}

static void
add_head(struct str *out, int64_t since, int64_t now)
{
	add_time(out, "# Logins that no certificate of the log explains, from ",
	    since);
	add_time(out, "\n# to ", now);
	str_add(out,
	    ".  They are here because they happened, not because\n"
	    "# they may.  Give what somebody answers for its reason and its "
	    "owner, a\n"
	    "# person, and take out the rest: as long as one of them is empty, "
	    "the policy\n"
	    "# is refused.\n"
	    "exceptions:\n");
}

/* "# 3 logins, the last at ...": n of one group. */
static void
add_seen(struct str *out, const char *before, const struct row *v, size_t n)
{
	int64_t last = v[0].u->event.at;

	for (size_t i = 1; i < n; i++)
		if (v[i].u->event.at > last)
			last = v[i].u->event.at;
	str_addf(out, "%s# %zu %s, the last ", before, n,
	    text_plural(n, "login", "logins"));
	add_time(out, "at ", last);
}

/* As many as one exception may name; returns how many rows these are of. */
static size_t
add_hosts(struct str *out, const struct row *v, size_t n)
{
	size_t i = 0;

	for (size_t hosts = 0; i < n; i++) {
		if (i > 0 && strcmp(v[i - 1].u->host, v[i].u->host) == 0)
			continue;
		if (hosts++ == POLICY_LIST_MAX)
			break;
		str_addf(out, "      - \"%s\"\n", v[i].u->host);
	}
	return i;
}

static void
add_exceptions(struct str *out, const struct row *v, size_t n, int64_t now,
    struct proposed *count)
{
	char print[FINGERPRINT_MAX], expires[CLOCK_TEXT];
	struct str hosts = STR_INIT;
	size_t of;

	hash_fingerprint(by(v), print);
	clock_format(now + PROPOSE_DAYS * INT64_C(86400), expires);
	for (size_t i = 0; i < n; i += of) {
		of = add_hosts(&hosts, v + i, n - i);
		add_seen(out, "  ", v + i, of);
		str_addf(out,
		    "\n  - account: \"%s\"\n    %s: \"%s\"\n    hosts:\n%s"
		    "    reason: \"\"\n    owner: \"\"\n    expires: %.10s\n",
		    v->u->event.account, v->kind == USE_BARE ? "key" : "ca",
		    print, hosts.p, expires);
		out->failed = out->failed || hosts.failed;
		str_clear(&hosts);
		count->n_exceptions++;
		count->n_logins += of;
	}
}

static void
add_other(struct str *out, const struct row *v, size_t n,
    struct proposed *count)
{
	char account[QUOTE_MAX], host[QUOTE_MAX], method[QUOTE_MAX];
	const struct login_event *ev = &v->u->event;

	if (count->n_others == 0)
		str_add(out, "# No exception could be for these:\n");
	count->n_others += n;
	add_seen(out, "", v, n);
	str_addf(out, ": %s, as %s on %s by %s\n", use_kind_name(v->kind),
	    str_quote(account, ev->account != NULL ? ev->account : ""),
	    str_quote(host, v->u->host),
	    str_quote(method, ev->method != NULL ? ev->method : ""));
}

int
propose_write(const struct uses *u, struct issued *s, const struct policy *p,
    int64_t since, int64_t now, struct str *out, struct proposed *n)
{
	struct gathered x = {0};
	struct row *v;
	size_t of;
	int r;

	*n = (struct proposed){0};
	if ((v = x.v = calloc(u->n + 1, sizeof(*v))) == NULL)
		return ERR_NOMEM;
	r = known_each_login(u, s, p, now, gather, &x);
	qsort(v, x.n, sizeof(*v), compare);
	add_head(out, since, now);
	for (size_t i = 0; i < x.n && r == 0; i += of) {
		for (of = 1;
		     i + of < x.n && compare_groups(&v[i], &v[i + of]) == 0;
		     of++)
			;
		if (v[i].fits)
			add_exceptions(out, v + i, of, now, n);
		else
			add_other(out, v + i, of, n);
	}
	free(v);
	return r != 0 ? r : str_check(out) == 0 ? 0 : ERR_NOMEM;
}
