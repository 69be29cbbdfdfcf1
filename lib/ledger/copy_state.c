/* SPDX-License-Identifier: ISC */
/*
 * What is known of a copy, in DIR/copy.<n>, derived and never fsynced:
 *
 *	size since objects suspect	decimal numbers
 *	URL
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/ledger/ledger_impl.h"
#include "lib/tlog/note.h"

#define STATE_MAX 8192

/* The n numbers of a line, a blank between each two. */
static int
line_numbers(struct slice line, uint64_t *v, size_t n)
{
	char text[96], *word = text;

	if (line.n >= sizeof(text))
		return ERR_PARSE;
	memcpy(text, line.p, line.n);
	text[line.n] = '\0';
	for (size_t i = 0; i < n; i++) {
		char *end = strchr(word, ' ');

		if ((end == NULL) != (i + 1 == n))
			return ERR_PARSE;
		if (end != NULL)
			*end++ = '\0';
		if (parse_u64(word, 0, INT64_MAX, &v[i]) != 0)
			return ERR_PARSE;
		word = end;
	}
	return 0;
}

static void
state_parse(struct copy *c, const char *text, size_t n)
{
	struct view v = view_of(text, n);
	uint64_t number[4] = {0};
	struct slice line, url;

	if (note_line(&v, &line) != 0 || note_line(&v, &url) != 0 ||
	    !slice_is(url, c->url))
		return; /* of another copy: nothing is known */
	if (line_numbers(line, number, 4) != 0)
		return;
	c->size = number[0];
	c->since = (int64_t)number[1];
	c->objects = number[2];
	c->suspect = number[3] != 0;
}

void
copy_state_load(struct copy *c)
{
	char *text = NULL;
	size_t n;

	if (file_read(c->path, STATE_MAX, &text, &n, NULL) == 0)
		state_parse(c, text, n);
	free(text);
}

void
copy_state_save(struct ledger *l, const struct copy *c)
{
	struct str s = STR_INIT;
	struct err e = {0};

	str_addf(&s, "%llu %lld %llu %d\n%s\n", LL(c->size),
	    (long long)c->since, LL(c->objects), c->suspect, c->url);
	if (str_check(&s) != 0 ||
	    file_write(c->path, s.p, s.n, 0600, FILE_NOSYNC, &e) != 0)
		ledger_warn(l, "the state of copy %s is not kept: %s", c->url,
		    e.msg);
	str_clear(&s);
}
