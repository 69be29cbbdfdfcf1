/* SPDX-License-Identifier: ISC */
/*
 * Lists of changes, and their name.
 */
#include "agent/states/plan.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void
change_clear(struct change *c)
{
	free(c->what);
	free(c->path);
	free(c->data);
	free(c->verb);
	free(c->arg);
	*c = (struct change){0};
}

void
plan_clear(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		change_clear(&p->v[i]);
	free(p->v);
	free(p->note);
	strs_clear(&p->proofs);
	*p = (struct plan){0};
}

/* c's memory moves into the plan, or is freed. */
static int PRINTF_LIKE(3, 0)
    append(struct plan *p, struct change *c, const char *what, va_list ap)
{
	struct str text = STR_INIT;
	int r;

	str_vaddf(&text, what, ap);
	if ((r = str_take(&text, &c->what)) != 0 ||
	    (r = vec_grow(&p->v, p->n, &p->cap, PLAN_CHANGES_MAX)) != 0) {
		change_clear(c);
		return r;
	}
	p->v[p->n++] = *c;
	return 0;
}

int
plan_file(struct plan *p, const char *path, mode_t mode, uid_t uid, gid_t gid,
    struct slice data, bool way_in, const char *what, ...)
{
	struct change c = {.kind = CHANGE_FILE, .way_in = way_in};
	va_list ap;
	int r;

	c.mode = mode;
	c.uid = uid;
	c.gid = gid;
	c.n = data.n;
	c.path = strdup(path);
	c.data = malloc(data.n + 1);
	if (c.path == NULL || c.data == NULL) {
		change_clear(&c);
		return ERR_NOMEM;
	}
	if (data.n > 0)
		memcpy(c.data, data.p, data.n);
	c.data[data.n] = '\0';
	va_start(ap, what);
	r = append(p, &c, what, ap);
	va_end(ap);
	return r;
}

int
plan_absent(struct plan *p, const char *path, bool way_in, const char *what,
    ...)
{
	struct change c = {
	    .kind = CHANGE_FILE, .absent = true, .way_in = way_in};
	va_list ap;
	int r;

	if ((c.path = strdup(path)) == NULL)
		return ERR_NOMEM;
	va_start(ap, what);
	r = append(p, &c, what, ap);
	va_end(ap);
	return r;
}

int
plan_live(struct plan *p, const char *verb, const char *arg, bool way_in,
    const char *what, ...)
{
	struct change c = {.kind = CHANGE_LIVE, .way_in = way_in};
	va_list ap;
	int r;

	c.verb = strdup(verb);
	c.arg = arg != NULL ? strdup(arg) : NULL;
	if (c.verb == NULL || (arg != NULL && c.arg == NULL)) {
		change_clear(&c);
		return ERR_NOMEM;
	}
	va_start(ap, what);
	r = append(p, &c, what, ap);
	va_end(ap);
	return r;
}

int
plan_note(struct plan *p, enum plan_verdict v, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = str_vset(&p->note, fmt, ap);
	va_end(ap);
	if (r == 0)
		p->verdict = v;
	return r;
}

static void
add_field(struct str *s, const char *text)
{
	str_addf(s, "%zu:", text != NULL ? strlen(text) : 0);
	str_add(s, text != NULL ? text : "");
}

void
plan_hash(const struct plan *p, struct hash *out)
{
	struct str s = STR_INIT;
	struct hash data;

	for (size_t i = 0; i < p->n; i++) {
		const struct change *c = &p->v[i];

		hash_sha256(c->data != NULL ? c->data : "", c->n, &data);
		str_addf(&s, "%d %d %o %u %u ", (int)c->kind, c->absent,
		    (unsigned)c->mode, (unsigned)c->uid, (unsigned)c->gid);
		str_add_hex(&s, data.b, sizeof(data.b));
		add_field(&s, c->path);
		add_field(&s, c->verb);
		add_field(&s, c->arg);
	}
	hash_sha256(s.p, s.n, out);
	str_clear(&s);
}
