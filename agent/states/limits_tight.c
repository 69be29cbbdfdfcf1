/* SPDX-License-Identifier: ISC */
/* pam_limits: which changes may shut somebody out. */
#include <stdlib.h>

#include "agent/states/limits_impl.h"

static struct slice
own_text(const struct observed *o)
{
	return (struct slice){
	    (const uint8_t *)o->text, o->text != NULL ? o->n : 0};
}

static bool
says(const struct limit_line *line, const struct limit *l, enum limit_type type)
{
	return slice_is(line->item, l->item->name) &&
	    slice_is(line->domain, l->domain) && (line->type & type) != 0;
}

/* What a line comes to in the kernel; false: it is none that counts. */
static bool
read_value(const struct limit_item *item, struct slice word, uint64_t *out)
{
	char *text = str_dupn(word.p, word.n);
	int64_t v;
	bool ok = text != NULL && limit_value(item, text, &v) == 0;

	if (ok)
		*out = limit_in_kernel(item, v);
	free(text);
	return ok;
}

/* The last line counts; where memory is out it is taken for a change. */
static bool
is_lower(const struct limit *l, enum limit_type type, const struct observed *o)
{
	const uint64_t want = limit_in_kernel(l->item, l->value);
	struct slice rest = own_text(o);
	struct limit_line line;
	uint64_t had = LIMIT_UNLIMITED;
	unsigned at = 0;
	bool any = false;

	if ((l->type & type) == 0 || want == LIMIT_UNLIMITED)
		return false;
	while (limit_next(&rest, &at, &line))
		if (says(&line, l, type))
			any = read_value(l->item, line.value, &had);
	return !any || want < had;
}

static bool
is_gone(const struct limit_line *line, const struct params *p)
{
	unsigned left = line->type;

	for (size_t i = 0; i < p->n; i++)
		if (says(line, &p->v[i], line->type))
			left &= ~(unsigned)p->v[i].type;
	return left != 0;
}

static bool
shuts(struct slice word)
{
	char *name = str_dupn(word.p, word.n);
	const struct limit_item *item = name != NULL ? limit_item(name) : NULL;
	bool known = name == NULL || (item != NULL && item->shuts);

	free(name);
	return known;
}

bool
limits_are_tighter(const struct params *p, const struct observed *o)
{
	struct slice rest = own_text(o);
	struct limit_line line;
	unsigned at = 0;

	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].item->shuts &&
		    (is_lower(&p->v[i], LIMIT_SOFT, o) ||
			is_lower(&p->v[i], LIMIT_HARD, o)))
			return true;
	while (limit_next(&rest, &at, &line))
		if (shuts(line.item) && is_gone(&line, p))
			return true;
	return false;
}
