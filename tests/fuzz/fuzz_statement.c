/* SPDX-License-Identifier: ISC */
/* A statement: refused with words, or one that can be said again. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/base/json.h"
#include "lib/statement/statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What was read is written, in one spelling, and read again as the same. */
static void
check_spelling(const struct statement *s)
{
	struct str one = STR_INIT, two = STR_INIT;
	struct statement again;
	struct err e;
	int r;

	statement_init(&again, 0);
	r = statement_encode(s, &one, &e);
	/* Escapes may have been shorter than UTF-8 and room for signatures. */
	if (r != 0 && r != ERR_LIMIT)
		abort();
	if (r == 0 &&
	    (statement_parse_message("again", slice_of(one.p, one.n), &again,
		 &e) != 0 ||
		statement_encode(&again, &two, &e) != 0 ||
		!slice_equal(slice_of(one.p, one.n), slice_of(two.p, two.n)) ||
		again.type != s->type || !hash_equal(&again.realm, &s->realm)))
		abort();
	statement_clear(&again);
	str_clear(&one);
	str_clear(&two);
}

static void
tell(const struct statement *s)
{
	struct str text = STR_INIT;
	struct jw w;
	json_t *o = NULL;
	struct err e;

	statement_describe(s, &text);
	str_reset(&text);
	jw_init(&w, &text, false);
	statement_json(s, &w);
	if (json_read(slice_of(text.p, text.n), 1 << 20, &o, &e) != 0)
		abort();
	json_decref(o);
	str_clear(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct statement s;
	struct err e = {0};

	statement_init(&s, 0);
	if (statement_parse("fuzz", slice_of(data, n), &s, &e) == 0) {
		if (s.n_sigs == 0 || s.verified)
			abort();
		(void)!statement_verify(&s, &e);
		check_spelling(&s);
		tell(&s);
	} else if (e.msg[0] == '\0') {
		abort();
	}
	if (statement_parse_message("fuzz", slice_of(data, n), &s, &e) == 0) {
		if (s.n_sigs != 0 || statement_verify(&s, &e) == 0)
			abort();
		check_spelling(&s);
		tell(&s);
	}
	statement_clear(&s);
	return 0;
}
