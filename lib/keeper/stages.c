/* SPDX-License-Identifier: ISC */
#include "lib/keeper/stages.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/front/messages.h"

void
stages_init(struct stages *s, size_t owners, size_t files, size_t bytes)
{
	*s = (struct stages){.owners = owners, .files = files, .bytes = bytes};
}

static void
stage_clear(struct stage *s)
{
	for (size_t i = 0; i < s->n; i++)
		free((void *)(uintptr_t)s->v[i].p);
	free(s->v);
	free(s->owner);
	*s = (struct stage){0};
}

void
stages_clear(struct stages *s)
{
	for (size_t i = 0; i < STAGES_MAX; i++)
		stage_clear(&s->v[i]);
}

/* NULL: none. */
static struct stage *
of_owner(const struct stages *s, const char *owner)
{
	for (size_t i = 0; i < STAGES_MAX; i++)
		if (s->v[i].owner != NULL && strcmp(s->v[i].owner, owner) == 0)
			return (struct stage *)(uintptr_t)&s->v[i];
	return NULL;
}

static int
begin(struct stages *s, const char *owner, int64_t now, struct stage **out,
    struct err *e)
{
	struct stage *own = NULL;

	for (size_t i = 0; i < s->owners; i++) {
		if (s->v[i].owner != NULL && now - s->v[i].at > STAGES_SECS)
			stage_clear(&s->v[i]);
		if (own == NULL && s->v[i].owner == NULL)
			own = &s->v[i];
	}
	if (own == NULL)
		return err_set(e, ERR_BUSY,
		    "%zu others put files for a push, try again later",
		    s->owners);
	if ((own->owner = str_dup(owner)) == NULL)
		return err_nomem(e);
	*out = own;
	return 0;
}

static int
add(const struct stages *all, struct stage *s, struct buf *b, struct hash *h,
    struct err *e)
{
	struct slice data = buf_slice(b);
	uint8_t *p = NULL;
	size_t n;

	hash_sha256(data.p, data.n, h);
	for (size_t i = 0; i < s->n; i++)
		if (slice_equal(s->v[i], data))
			return 0;
	if (s->n >= all->files || s->bytes + data.n > all->bytes)
		return err_set(e, ERR_LIMIT,
		    "more than %zu files or %zu bytes put for one push",
		    all->files, all->bytes);
	if (vec_grow(&s->v, s->n, &s->cap, all->files) != 0)
		return err_nomem(e);
	buf_take(b, &p, &n);
	s->v[s->n++] = slice_of(p, n);
	s->bytes += n;
	return 0;
}

int
stages_put(struct stages *s, const char *owner, const json_t *args, int64_t now,
    struct hash *h, struct err *e)
{
	const json_t *t = json_object_get(args, "data");
	struct stage *own = of_owner(s, owner);
	struct buf *b = NULL;
	int r;

	if (!json_is_string(t))
		return err_set(e, ERR_PARSE, "'data' is missing, or no text");
	if (buf_new(&b, CALL_MAX) != 0)
		return err_nomem(e);
	if ((r = base64_decode(json_string_value(t), json_string_length(t),
		 b)) != 0)
		r = err_set(e, r, "'data' is not base64");
	else if (own != NULL || (r = begin(s, owner, now, &own, e)) == 0) {
		own->at = now;
		r = add(s, own, b, h, e);
	}
	buf_free(b);
	return r;
}

struct slice
stages_find(const struct stages *s, const char *owner, const struct hash *h)
{
	const struct stage *own = of_owner(s, owner);
	struct hash is;

	for (size_t i = 0; own != NULL && i < own->n; i++) {
		hash_sha256(own->v[i].p, own->v[i].n, &is);
		if (hash_equal(&is, h))
			return own->v[i];
	}
	return slice_of(NULL, 0);
}

void
stages_drop(struct stages *s, const char *owner)
{
	struct stage *own = of_owner(s, owner);

	if (own != NULL)
		stage_clear(own);
}
