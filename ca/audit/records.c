/* SPDX-License-Identifier: ISC */
/*
 * Records and certificates as objects, bytewise.  A home that is a bucket
 * answers slowly, so several stores ask at once.
 */
#include <stdlib.h>
#include <string.h>

#include "ca/audit/audit_impl.h"
#include "lib/base/parallel.h"

#define RECORD_MAX (1024 * 1024)

int
audit_certificate_line(const struct cert *c, struct slice blob, struct str *out)
{
	int r;

	if ((r = cert_add_line(out, blob, c->key_id)) != 0)
		return r;
	str_addc(out, '\n');
	return str_check(out);
}

int
audit_expect(struct audit *a, uint64_t index, const char *path,
    struct str *want)
{
	struct audit_compare *c;

	if (vec_grow(&a->compare, a->n_compare, &a->cap_compare,
		SIZE_MAX / 1024) != 0)
		return ERR_NOMEM;
	c = &a->compare[a->n_compare++];
	memset(c, 0, sizeof(*c));
	c->index = index;
	memcpy(c->path, path, strlen(path) + 1);
	c->want = *want;
	str_init(want);
	return 0;
}

static int
compare(struct blob_store *s, struct audit_compare *c)
{
	uint8_t *bytes = NULL;
	size_t n = 0, at = 0;
	int r;

	r = blob_get(s, c->path, RECORD_MAX, &bytes, &n, &c->e);
	if (r != 0)
		return r;
	while (at < n && at < c->want.n && bytes[at] == (uint8_t)c->want.p[at])
		at++;
	if (at < n || at < c->want.n)
		r = err_set(&c->e, ERR_CORRUPT,
		    "differs at byte %zu from what leaf %llu gives", at,
		    (unsigned long long)c->index);
	free(bytes);
	return r;
}

/* Every nth record, by a store of its own. */
static void
compare_share(void *ctx, size_t share)
{
	struct audit *a = ctx;

	for (size_t i = share; i < a->n_compare; i += READERS)
		a->compare[i].r = compare(a->readers[share], &a->compare[i]);
}

static int
open_readers(struct audit *a, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < READERS && r == 0; i++)
		if (a->readers[i] == NULL)
			r = blob_open(a->c->url, a->c->blob, &a->readers[i], e);
	return r;
}

static int
tell(struct audit *a, const struct audit_compare *c, struct err *e)
{
	switch (c->r) {
	case 0:
		a->counts.records++;
		return 0;
	case ERR_NOTFOUND:
		OBJECT_FINDING(a, STAGE_RECORD, "missing", c->path,
		    "is missing, leaf %llu gives it",
		    (unsigned long long)c->index);
		return 0;
	case ERR_CORRUPT:
	case ERR_LIMIT:
		a->counts.records++;
		OBJECT_FINDING(a, STAGE_RECORD, "record", c->path, "%s",
		    c->e.msg);
		return 0;
	default:
		if (e != NULL)
			*e = c->e;
		return c->r;
	}
}

int
audit_compare_records(struct audit *a, struct err *e)
{
	int r = 0;

	if (a->n_compare > 0 && (r = open_readers(a, e)) == 0)
		parallel_for(READERS, compare_share, a);
	for (size_t i = 0; i < a->n_compare; i++) {
		if (r == 0)
			r = tell(a, &a->compare[i], e);
		str_clear(&a->compare[i].want);
	}
	a->n_compare = 0;
	return r;
}
