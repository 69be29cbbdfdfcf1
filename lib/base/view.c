/* SPDX-License-Identifier: ISC */
#include "lib/base/buf.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"

struct view
view_of(const void *p, size_t n)
{
	return (struct view){.p = p, .n = n};
}

struct view
view_slice(struct slice s)
{
	return view_of(s.p, s.n);
}

/* n <= v->n was checked.  Nothing is added to a NULL that an empty view has. */
static void
eat(struct view *v, size_t n)
{
	if (n > 0)
		v->p += n;
	v->n -= n;
}

int
view_get(struct view *v, size_t n, struct slice *out)
{
	if (n > v->n)
		return ERR_PARSE;
	*out = slice_of(v->p, n);
	eat(v, n);
	return 0;
}

static int
get_be(struct view *v, size_t n, uint64_t *out)
{
	uint64_t x = 0;

	if (n > v->n)
		return ERR_PARSE;
	for (size_t i = 0; i < n; i++)
		x = x << 8 | v->p[i];
	eat(v, n);
	*out = x;
	return 0;
}

int
view_get_u8(struct view *v, uint8_t *out)
{
	uint64_t x;

	if (get_be(v, 1, &x) != 0)
		return ERR_PARSE;
	*out = (uint8_t)x;
	return 0;
}

int
view_get_u16(struct view *v, uint16_t *out)
{
	uint64_t x;

	if (get_be(v, 2, &x) != 0)
		return ERR_PARSE;
	*out = (uint16_t)x;
	return 0;
}

int
view_get_u32(struct view *v, uint32_t *out)
{
	uint64_t x;

	if (get_be(v, 4, &x) != 0)
		return ERR_PARSE;
	*out = (uint32_t)x;
	return 0;
}

int
view_get_u64(struct view *v, uint64_t *out)
{
	return get_be(v, 8, out);
}

int
view_get_string(struct view *v, struct slice *out)
{
	struct view ahead = *v;
	uint64_t n;

	if (get_be(&ahead, 4, &n) != 0 || view_get(&ahead, n, out) != 0)
		return ERR_PARSE;
	*v = ahead;
	return 0;
}

int
view_get_view(struct view *v, struct view *out)
{
	struct slice s;

	if (view_get_string(v, &s) != 0)
		return ERR_PARSE;
	*out = view_slice(s);
	return 0;
}

int
view_get_cstring(struct view *v, char **out)
{
	struct view ahead = *v;
	struct slice s;
	char *copy;

	if (view_get_string(&ahead, &s) != 0 ||
	    (s.n > 0 && memchr(s.p, '\0', s.n) != NULL))
		return ERR_PARSE;
	if ((copy = str_dupn(s.p, s.n)) == NULL)
		return ERR_NOMEM;
	*v = ahead;
	*out = copy;
	return 0;
}

int
view_get_mpint(struct view *v, struct slice *out)
{
	struct view ahead = *v;
	struct slice s;

	if (view_get_string(&ahead, &s) != 0)
		return ERR_PARSE;
	if (s.n > 0) {
		if ((s.p[0] & 0x80) != 0)
			return ERR_PARSE; /* negative */
		if (s.p[0] == 0 && (s.n == 1 || (s.p[1] & 0x80) == 0))
			return ERR_PARSE; /* a zero byte that says nothing */
		if (s.p[0] == 0)
			s = slice_of(s.p + 1, s.n - 1);
	}
	*v = ahead;
	*out = s;
	return 0;
}

int
view_end(const struct view *v)
{
	return v->n == 0 ? 0 : ERR_PARSE;
}
