/* SPDX-License-Identifier: ISC */
/*
 * What a person's tool reads of what a CA answers: the object, its error, the
 * requests that it tells of.  Whatever a CA says, what is shown is clean text, in
 * lines that its words cannot begin.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ca/client/seen.h"
#include "lib/base/json.h"
#include "lib/net/link.h"

#define ANSWER_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Every line is clean, and there are no more of them than we have fields and
 * decisions. */
static void
must_be_clean(const struct str *s, size_t most)
{
	const char *line = s->p, *end;
	size_t n, bad, lines = 0;

	if (s->failed)
		abort();
	for (; *line != '\0'; line += n + (end != NULL), lines++) {
		end = strchr(line, '\n');
		n = end != NULL ? (size_t)(end - line) : strlen(line);
		if (!text_is_clean(line, n, &bad))
			abort();
	}
	if (lines > most)
		abort();
}

static void
try_seen(const json_t *o)
{
	struct str s = STR_INIT;
	struct err e = {0};
	struct seen q;

	if (seen_parse(o, &q, &e) != 0) {
		if (e.msg[0] == '\0')
			abort();
		return;
	}
	seen_principals(&q, &s);
	seen_needs(&q, &s);
	must_be_clean(&s, 1);
	str_reset(&s);
	seen_describe(&q, &s);
	must_be_clean(&s, 32 + json_array_size(q.decisions));
	str_clear(&s);
}

static void
try_error(const json_t *o)
{
	struct err e = {0};
	size_t bad;

	if (link_error(o, 1, &e) == 0) {
		/* A call that failed must not look as if it had not. */
		if (json_object_get(o, "error") != NULL)
			abort();
		return;
	}
	if (e.msg[0] == '\0' || !text_is_clean(e.msg, strlen(e.msg), &bad) ||
	    !text_is_clean(e.hint, strlen(e.hint), &bad))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const json_t *requests, *o;
	json_t *body = NULL;
	struct err e = {0};
	size_t i;

	if (json_read(slice_of(data, n), ANSWER_MAX, &body, &e) != 0) {
		if (e.msg[0] == '\0')
			abort();
		return 0;
	}
	try_error(body);
	requests = json_object_get(body, "requests");
	json_array_foreach (requests, i, o)
		if (json_is_object(o))
			try_seen(o);
	json_decref(body);
	return 0;
}
