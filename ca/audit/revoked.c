/* SPDX-License-Identifier: ISC */
#include "ca/audit/revoked.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/statement/statement.h"

#define KINDS 5

void
revocations_clear(struct revocations *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].by);
		free(r->v[i].reason);
		free(r->v[i].log);
	}
	for (size_t i = 0; i < r->n_names; i++)
		free(r->names[i].name);
	free(r->v);
	free(r->names);
	*r = (struct revocations){0};
}

/* --- added ---------------------------------------------------------------- */

static int PRINTF_LIKE(2, 3)
    add_name(struct revocations *r, const char *fmt, ...)
{
	struct revoked_name *x;
	struct str s = STR_INIT;
	va_list ap;
	int rc;

	if ((rc = vec_grow(&r->names, r->n_names, &r->cap_names,
		 REVOKED_MAX)) != 0)
		return rc;
	x = &r->names[r->n_names];
	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	if ((rc = str_take(&s, &x->name)) != 0)
		return rc;
	x->of = r->n - 1;
	r->n_names++;
	r->sorted = false;
	return 0;
}

static int
add_names(struct revocations *r, const struct revoke *v)
{
	char print[FINGERPRINT_MAX];
	int rc = 0;

	for (size_t i = 0; i < v->n_serials && rc == 0; i++)
		rc = add_name(r, "serial %llu",
		    (unsigned long long)v->serials[i]);
	if (rc == 0 && v->key_id != NULL)
		rc = add_name(r, "key_id %s", v->key_id);
	if (rc == 0 && v->person != NULL)
		rc = add_name(r, "person %s", v->person);
	if (rc == 0 && v->key != NULL) {
		pubkey_fingerprint(v->key, print);
		rc = add_name(r, "key %s", print);
	}
	return rc;
}

static int
add_statement(struct revocations *r, const struct statement *s, uint64_t index,
    const char *log)
{
	struct revocation *x;
	int rc;

	if ((rc = vec_grow(&r->v, r->n, &r->cap, REVOKED_MAX)) != 0)
		return rc;
	x = &r->v[r->n++];
	*x = (struct revocation){.at = s->at, .hash = s->hash, .index = index};
	if ((x->by = str_dup(s->by)) == NULL ||
	    (x->log = str_dup(log)) == NULL ||
	    (s->u.v.reason != NULL &&
		(x->reason = str_dup(s->u.v.reason)) == NULL))
		return ERR_NOMEM;
	return add_names(r, &s->u.v);
}

int
revocations_add(struct revocations *r, struct slice leaf, uint64_t index,
    const char *log, struct err *e)
{
	struct statement s;
	int rc;

	statement_init(&s, ST_REVOKE);
	if ((rc = statement_parse("revocation", leaf, &s, e)) != 0 ||
	    (rc = statement_verify(&s, e)) != 0)
		goto out;
	if (s.type != ST_REVOKE)
		rc = err_set(e, ERR_PARSE, "revocation: it is another one");
	else if ((rc = add_statement(r, &s, index, log)) != 0)
		rc = err_set(e, rc, "revocations: %s", err_text(rc));
out:
	statement_clear(&s);
	return rc;
}

/* --- found ---------------------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
	const struct revoked_name *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Names of a certificate, as revoked names have them, and what they are. */
static void
names_of(const struct revocable *c, struct str names[KINDS],
    const char *what[KINDS])
{
	char print[FINGERPRINT_MAX];

	str_addf(&names[0], "serial %llu", (unsigned long long)c->serial);
	what[0] = "the certificate";
	str_addf(&names[1], "key_id %s", c->key_id != NULL ? c->key_id : "");
	what[1] = "the certificate";
	hash_fingerprint(c->key, print);
	str_addf(&names[2], "key %s", print);
	what[2] = "its key";
	str_addf(&names[3], "person %s", c->person);
	what[3] = c->person;
	hash_fingerprint(c->ca, print);
	str_addf(&names[4], "key %s", print);
	what[4] = "its CA";
}

static int
each_named(struct revocations *r, const char *name, const char *what,
    int (*each)(void *ctx, const struct revocation *v, const char *what),
    void *ctx)
{
	struct revoked_name key = {.name = (char *)(uintptr_t)name};
	const struct revoked_name *x;
	int rc = 0;

	x = bsearch(&key, r->names, r->n_names, sizeof(key), compare);
	if (x == NULL)
		return 0;
	while (x > r->names && strcmp(x[-1].name, name) == 0)
		x--;
	for (; x < r->names + r->n_names && strcmp(x->name, name) == 0; x++)
		if ((rc = each(ctx, &r->v[x->of], what)) != 0)
			break;
	return rc;
}

int
revocations_each(struct revocations *r, const struct revocable *c,
    int (*each)(void *ctx, const struct revocation *v, const char *what),
    void *ctx)
{
	struct str names[KINDS] = {
	    STR_INIT, STR_INIT, STR_INIT, STR_INIT, STR_INIT};
	const char *what[KINDS];
	int rc = 0;

	if (r->n_names == 0)
		return 0;
	if (!r->sorted)
		qsort(r->names, r->n_names, sizeof(*r->names), compare);
	r->sorted = true;
	names_of(c, names, what);
	for (size_t i = 0; i < KINDS; i++) {
		if (rc == 0 && (rc = str_check(&names[i])) == 0)
			rc = each_named(r, names[i].p, what[i], each, ctx);
		str_clear(&names[i]);
	}
	return rc;
}

struct first {
	const struct revocation *v;
	const char *what;
};

static int
take_first(void *ctx, const struct revocation *v, const char *what)
{
	struct first *f = ctx;

	if (f->v == NULL || v->at < f->v->at)
		*f = (struct first){v, what};
	return 0;
}

int
revocations_find(struct revocations *r, const struct revocable *c,
    const struct revocation **out, const char **what)
{
	struct first f = {0};
	int rc = revocations_each(r, c, take_first, &f);

	*out = f.v;
	*what = f.what;
	return rc;
}

void
revocation_text(const struct revocation *v, const char *what, struct str *out)
{
	char at[CLOCK_TEXT];

	clock_format(v->at, at);
	str_addf(out, "%s was revoked at %s by %s%s%s", what, at, v->by,
	    v->reason != NULL ? ": " : "", v->reason != NULL ? v->reason : "");
}
