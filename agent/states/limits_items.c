/* SPDX-License-Identifier: ISC */
#include "agent/states/limits_items.h"

#include <string.h>

#include "agent/states/words.h"

#define NUMBER_MAX INT64_C(1000000000000)

/* limits.conf(5); units as pam_limits.c multiplies them. */
static const struct limit_item items[] = {
    {"as", "AS", 1024, 0, NUMBER_MAX, true, true},
    {"core", "CORE", 1024, 0, NUMBER_MAX, true, false},
    {"cpu", "CPU", 60, 0, NUMBER_MAX, true, true},
    {"data", "DATA", 1024, 0, NUMBER_MAX, true, true},
    {"fsize", "FSIZE", 1024, 0, NUMBER_MAX, true, true},
    {"locks", "LOCKS", 1, 0, NUMBER_MAX, true, false},
    {"maxlogins", NULL, 1, 0, 100000, true, true},
    {"maxsyslogins", NULL, 1, 0, 100000, true, true},
    {"memlock", "MEMLOCK", 1024, 0, NUMBER_MAX, true, false},
    {"msgqueue", "MSGQUEUE", 1, 0, NUMBER_MAX, true, false},
    {"nice", NULL, 1, -20, 19, false, false},
    {"nofile", "NOFILE", 1, 0, NUMBER_MAX, true, true},
    {"nproc", "NPROC", 1, 0, NUMBER_MAX, true, true},
    {"priority", NULL, 1, -20, 19, false, false},
    {"rss", "RSS", 1024, 0, NUMBER_MAX, true, false},
    {"rtprio", "RTPRIO", 1, 0, 99, true, false},
    {"sigpending", "SIGPENDING", 1, 0, NUMBER_MAX, true, false},
    {"stack", "STACK", 1024, 0, NUMBER_MAX, true, true},
};
#define N_ITEMS (sizeof(items) / sizeof(items[0]))

const struct limit_item *
limit_item(const char *name)
{
	for (size_t i = 0; i < N_ITEMS; i++)
		if (strcmp(items[i].name, name) == 0)
			return &items[i];
	return NULL;
}

void
limit_items_add(struct str *out)
{
	for (size_t i = 0; i < N_ITEMS; i++)
		str_addf(out, "%s%s", i > 0 ? ", " : "", items[i].name);
}

static bool
read_type(struct slice word, enum limit_type *out)
{
	static const struct {
		const char *word;
		enum limit_type type;
	} types[] = {
	    {"soft", LIMIT_SOFT},
	    {"hard", LIMIT_HARD},
	    {"-", LIMIT_BOTH},
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (slice_is(word, types[i].word)) {
			*out = types[i].type;
			return true;
		}
	return false;
}

bool
limit_next(struct slice *text, unsigned *line, struct limit_line *out)
{
	struct slice l, type;
	const uint8_t *comment;

	while (state_next_line(text, &l)) {
		(*line)++;
		if ((comment = memchr(l.p, '#', l.n)) != NULL)
			l.n = (size_t)(comment - l.p);
		if (!state_next_word(&l, &out->domain) ||
		    !state_next_word(&l, &type) ||
		    !state_next_word(&l, &out->item) ||
		    !state_next_word(&l, &out->value) ||
		    !read_type(type, &out->type))
			continue;
		out->line = *line;
		return true;
	}
	return false;
}

int
limit_value(const struct limit_item *item, const char *text, int64_t *out)
{
	const bool minus = text[0] == '-';
	uint64_t n;

	if (item->unlimited &&
	    (strcmp(text, "unlimited") == 0 || strcmp(text, "infinity") == 0 ||
		strcmp(text, "-1") == 0)) {
		*out = -1;
		return 0;
	}
	if (parse_u64(text + minus, 0, (uint64_t)NUMBER_MAX, &n) != 0)
		return ERR_PARSE;
	if ((minus ? -(int64_t)n : (int64_t)n) < item->min ||
	    (minus ? -(int64_t)n : (int64_t)n) > item->max)
		return ERR_PARSE;
	*out = minus ? -(int64_t)n : (int64_t)n;
	return 0;
}

uint64_t
limit_in_kernel(const struct limit_item *item, int64_t value)
{
	if (value < 0)
		return LIMIT_UNLIMITED;
	return (uint64_t)value * item->unit;
}

int
limit_rank(struct slice domain)
{
	if (slice_is(domain, "*"))
		return 0;
	return domain.n > 0 && (domain.p[0] == '@' || domain.p[0] == '%') ? 1
									  : 2;
}
