/* SPDX-License-Identifier: ISC */
#include "agent/states/f2b_dump.h"

#include <string.h>

#include "agent/states/words.h"

/* The next item of a list, without quotes, whatever the nesting; false at the
 * end of the line.  Escapes are left: no name that is looked for has any. */
static bool
next_item(struct slice *line, struct slice *out)
{
	static const char between[] = "[](), \t\r";
	uint8_t quote;

	while (line->n > 0 &&
	    memchr(between, line->p[0], sizeof(between) - 1)) {
		line->p++;
		line->n--;
	}
	if (line->n == 0)
		return false;
	quote = line->p[0] == '\'' || line->p[0] == '"' ? line->p[0] : 0;
	line->p += quote != 0;
	line->n -= quote != 0;
	out->p = line->p;
	out->n = 0;
	while (out->n < line->n) {
		const uint8_t c = line->p[out->n];

		if (quote != 0
			? c == quote
			: memchr(between, c, sizeof(between) - 1) != NULL)
			break;
		out->n +=
		    quote != 0 && c == '\\' && out->n + 1 < line->n ? 2 : 1;
	}
	line->p += out->n;
	line->n -= out->n;
	if (quote != 0 && line->n > 0) {
		line->p++;
		line->n--;
	}
	return true;
}

/* The next line that begins with one of two verbs, the jail and the key (NULL:
 * any); *rest is what follows. */
static bool
next_command(struct slice *text, const char *const verbs[2], const char *jail,
    const char *key, struct slice *rest)
{
	struct slice line, item;

	while (state_next_line(text, &line)) {
		if (!next_item(&line, &item) ||
		    (!slice_is(item, verbs[0]) && !slice_is(item, verbs[1])) ||
		    !next_item(&line, &item) || !slice_is(item, jail))
			continue;
		if (key != NULL &&
		    (!next_item(&line, &item) || !slice_is(item, key)))
			continue;
		*rest = line;
		return true;
	}
	return false;
}

bool
f2b_has_jail(const char *dump, const char *jail, struct slice *backend)
{
	static const char *const verbs[2] = {"add", "add"};
	struct slice text = {(const uint8_t *)dump, strlen(dump)}, rest, item;

	if (!next_command(&text, verbs, jail, NULL, &rest) ||
	    !next_item(&rest, &item))
		return false;
	if (backend != NULL)
		*backend = item;
	return true;
}

bool
f2b_value(const char *dump, const char *jail, const char *key,
    struct slice *out)
{
	static const char *const verbs[2] = {"set", "set"};
	struct slice text = {(const uint8_t *)dump, strlen(dump)}, rest;
	bool found = false;

	/* The last one counts. */
	while (next_command(&text, verbs, jail, key, &rest))
		found = next_item(&rest, out) || found;
	return found;
}

bool
f2b_has_word(const char *dump, const char *jail, const char *key,
    const char *word)
{
	static const char *const verbs[2] = {"set", "multi-set"};
	struct slice text = {(const uint8_t *)dump, strlen(dump)}, rest, item;

	while (next_command(&text, verbs, jail, key, &rest))
		while (next_item(&rest, &item))
			if (slice_is(item, word))
				return true;
	return false;
}

int
f2b_span(struct slice text, int64_t *out)
{
	static const struct {
		char unit;
		int64_t secs;
	} units[] = {
	    {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	char digits[16];
	int64_t scale = 1;
	uint64_t n;

	if (slice_is(text, "-1")) {
		*out = -1;
		return 0;
	}
	for (size_t i = 0; text.n > 0 && i < sizeof(units) / sizeof(units[0]);
	     i++)
		if (text.p[text.n - 1] == (uint8_t)units[i].unit) {
			scale = units[i].secs;
			text.n--;
			break;
		}
	if (text.n == 0 || text.n >= sizeof(digits))
		return ERR_PARSE;
	memcpy(digits, text.p, text.n);
	digits[text.n] = '\0';
	if (parse_u64(digits, 0, INT64_MAX / 604800, &n) != 0)
		return ERR_PARSE;
	*out = (int64_t)n * scale;
	return 0;
}

bool
f2b_is_up(const char *status, const char *jail)
{
	struct slice text = {(const uint8_t *)status, strlen(status)}, line;

	while (state_next_line(&text, &line)) {
		struct slice item;
		bool list = false;

		while (next_item(&line, &item)) {
			if (list && slice_is(item, jail))
				return true;
			list = list || slice_is(item, "list:");
		}
	}
	return false;
}
