/* SPDX-License-Identifier: ISC */
/* What a master's signer lets pass of acceptances by a token, by its own clock. */
#include "agent/master/log_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "agent/master/log_signer.h"
#include "agent/master/scribe_impl.h"
#include "lib/base/clock.h"
#include "lib/statement/leaf.h"
#include "tests/unit/alloc.h"
#include "tests/unit/hostcase.h"
#include "tests/unit/ledgercase.h"
#include "tests/unit/tmpdir.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

enum { TOKEN_1, ENROLS, BY_TOKEN_1, BY_HAND, OTHER_TOKEN, N_SAID };

/* A token that expires at NOW, and what is said with it. */
static const struct hoststep said[N_SAID] = {
    [TOKEN_1] = {.type = ST_TOKEN, .at = -DAY, .expires = -1},
    [ENROLS] = {.type = ST_ENROL, .at = -60},
    [BY_TOKEN_1] = {.type = ST_ACCEPT, .at = -60, .ref = ENROLS, .token = 1},
    [BY_HAND] = {.type = ST_ACCEPT, .ref = ENROLS},
    [OTHER_TOKEN] = {.type = ST_TOKEN, .expires = DAY},
};
#define END (NOW - 1)

static struct hostrun run;

static int
setup(void **state)
{
	(void)state;
	hostcase_open(&run);
	for (size_t i = 0; i < N_SAID; i++)
		hostcase_make(&run, &said[i], &run.s[i]);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	hostcase_close(&run);
	return 0;
}

static struct log_leaf
leaf_of(size_t which, int token)
{
	struct log_leaf l = {.bytes = statement_bytes(&run.s[which])};

	if (token >= 0)
		l.token = statement_bytes(&run.s[token]);
	return l;
}

/* --- one leaf ------------------------------------------------------------- */

#define NO_TOKEN (-1)

static const struct pass {
	const char *name;
	size_t leaf;
	int token;
	int64_t at; /* after the token's end; 1 - END: none is known */
	int want;
	const char *says;
} passes[] = {
    {"before its end", BY_TOKEN_1, TOKEN_1, -10, 0, NULL},
    {"a minute after its end", BY_TOKEN_1, TOKEN_1, 60, 0, NULL},
    {"more than a minute", BY_TOKEN_1, TOKEN_1, 61, ERR_EXPIRED, "expired at"},
    {"a year after", BY_TOKEN_1, TOKEN_1, 365 * DAY, ERR_EXPIRED, "expired"},
    {"no time is known", BY_TOKEN_1, TOKEN_1, -END, 0, NULL},
    {"another token", BY_TOKEN_1, OTHER_TOKEN, -10, ERR_DENIED,
	"another token than it names"},
    {"no token", BY_TOKEN_1, NO_TOKEN, -10, ERR_DENIED, "without the token"},
    {"no time and no token", BY_TOKEN_1, NO_TOKEN, -END, ERR_DENIED,
	"without the token"},
    {"something else in its place", BY_TOKEN_1, ENROLS, -10, ERR_DENIED,
	"another token than it names"},
    {"by an operator", BY_HAND, NO_TOKEN, DAY, 0, NULL},
    {"by an operator, with a token", BY_HAND, TOKEN_1, DAY, 0, NULL},
    {"no acceptance", ENROLS, NO_TOKEN, DAY, 0, NULL},
    {"the token itself", TOKEN_1, NO_TOKEN, DAY, 0, NULL},
};

static void
which_acceptances_pass(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(passes); i++) {
		const struct pass *c = &passes[i];
		const struct log_leaf l = leaf_of(c->leaf, c->token);
		struct err e = {0};
		int r = log_token_check(&l, END + c->at, &e);

		if (r != c->want || (r != 0 && strstr(e.msg, c->says) == NULL))
			fail_msg("%s: %d '%s'", c->name, r, e.msg);
	}
}

/* Whatever anybody would read as an acceptance by a token is one here. */
static void
the_order_of_fields_hides_none(void **state)
{
	static const char usual[] = "{\"v\":1,\"type\":\"accept\",",
			  other[] = "{\"type\":\"accept\",\"v\":1,",
			  spelt[] = "{\"type\":\"\\u0061ccept\",\"v\":1,";
	struct slice text = statement_bytes(&run.s[BY_TOKEN_1]);
	const char *const begins[] = {usual, other, spelt};
	struct hash token;

	(void)state;
	assert_memory_equal(text.p, usual, sizeof(usual) - 1);
	for (size_t i = 0; i < LEN(begins); i++) {
		struct str s = STR_INIT;

		str_add(&s, begins[i]);
		str_addn(&s, (const char *)text.p + sizeof(usual) - 1,
		    text.n - (sizeof(usual) - 1));
		assert_int_equal(log_token_of(slice_of(s.p, s.n), &token, NULL),
		    1);
		assert_true(hash_equal(&token, &run.s[TOKEN_1].hash));
		/* What nobody can read is none. */
		assert_int_equal(log_token_of(slice_of(s.p, s.n - 1), &token,
				     NULL),
		    0);
		str_clear(&s);
	}
	assert_int_equal(log_token_of(slice_str(""), &token, NULL), 0);
}

static int
check_one(void *arg)
{
	const struct log_leaf l = leaf_of(BY_TOKEN_1, TOKEN_1);

	(void)arg;
	return log_token_check(&l, END, NULL);
}

static void
memory_that_runs_out_lets_none_pass(void **state)
{
	(void)state;
	assert_true(alloc_each(check_one, NULL) > 10);
}

/* --- the signer's clock --------------------------------------------------- */

static int64_t clock_says;

static int64_t
say_clock(void)
{
	return clock_says;
}

enum { HEAD = 1, PART, ACCEPTS, REOPEN };

struct deed {
	int what;
	int64_t now; /* by the signer's clock, after the token's end */
};

static const struct lapse {
	const char *name;
	struct deed deeds[6]; /* the last ends in an acceptance */
	int want;
} lapses[] = {
    {"in time", {{HEAD, -90}, {ACCEPTS, -5}}, 0},
    {"within the minute", {{HEAD, 60}, {ACCEPTS, 70}}, 0},
    {"after it", {{HEAD, 61}, {ACCEPTS, 70}}, ERR_EXPIRED},
    {"by a signer that was away", {{HEAD, -90}, {ACCEPTS, DAY}}, 0},
    {"by one that was away, and again",
	{{HEAD, -90}, {REOPEN, DAY}, {ACCEPTS, DAY}}, 0},
    {"after another start", {{HEAD, 61}, {REOPEN, 62}, {ACCEPTS, 62}},
	ERR_EXPIRED},
    {"in a log that begins", {{ACCEPTS, DAY}}, 0},
    {"as the second part of a head", {{HEAD, -90}, {PART, DAY}, {ACCEPTS, DAY}},
	0},
    {"as the second part, after it", {{HEAD, 61}, {PART, 62}, {ACCEPTS, 63}},
	ERR_EXPIRED},
    {"by a clock that was ahead", {{HEAD, DAY}, {ACCEPTS, -5}}, 0},
    {"by a clock that is behind", {{HEAD, 61}, {ACCEPTS, 61}}, ERR_EXPIRED},
    {"when the last of many heads was after it",
	{{HEAD, -90}, {HEAD, -30}, {HEAD, 30}, {HEAD, 90}, {ACCEPTS, 91}},
	ERR_EXPIRED},
    {"when the last of many heads was before it",
	{{HEAD, -90}, {HEAD, -60}, {HEAD, -30}, {HEAD, -10}, {ACCEPTS, 3600}},
	0},
};

struct world {
	char dir[TMPDIR_MAX];
	struct key *key;
	struct log_signer *s;
	uint64_t size;
};

static void
open_signer(struct world *w)
{
	const struct log_signer_config c = {
	    .dir = w->dir, .log = w->key, .origin = ORIGIN, .now = say_clock};
	struct err e = {0};

	log_signer_close(w->s);
	w->s = NULL;
	if (log_signer_open(&c, &w->s, &e) != 0)
		fail_msg("%s", e.msg);
}

static int
grow_one(struct world *w, const struct log_leaf *l, bool sign)
{
	struct str note = STR_INIT;
	struct err e = {0};
	int r = log_signer_grow(w->s, w->size, l, 1, &e);

	if (r == 0)
		w->size++;
	if (r == 0 && sign)
		r = log_signer_sign(w->s, &note, &e);
	str_clear(&note);
	return r;
}

static int
do_deed(struct world *w, const struct deed *d)
{
	const struct log_leaf other = {.bytes = slice_str("a leaf\n")};
	const struct log_leaf by = leaf_of(BY_TOKEN_1, TOKEN_1);

	clock_says = END + d->now;
	if (d->what == REOPEN) {
		open_signer(w);
		return 0;
	}
	return grow_one(w, d->what == ACCEPTS ? &by : &other, d->what != PART);
}

static void
the_signers_own_clock_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(lapses); i++) {
		const struct lapse *c = &lapses[i];
		struct world w = {0};
		struct checkpoint before, after;
		int r = 0;

		tmpdir_make(w.dir, "logtoken");
		assert_int_equal(key_generate(PUBKEY_ED25519, &w.key, NULL), 0);
		open_signer(&w);
		for (size_t k = 0; k < LEN(c->deeds) && c->deeds[k].what != 0;
		     k++) {
			assert_int_equal(r, 0);
			log_signer_head(w.s, &before);
			r = do_deed(&w, &c->deeds[k]);
		}
		log_signer_head(w.s, &after);
		if (r != c->want || (r != 0 && after.size != before.size) ||
		    (r == 0 && after.size != w.size))
			fail_msg("%s: %d", c->name, r);
		log_signer_close(w.s);
		key_free(w.key);
		lc_remove_tree(w.dir);
	}
}

/* --- the keeper's --------------------------------------------------------- */

/* What comes to the log too late for its token does not come into it. */
static void
a_batch_has_its_time(void **state)
{
	static const struct {
		int64_t until; /* after now; 0: none */
		int want;
	} cases[] = {{0, 0}, {60, 0}, {-60, ERR_RECORD}};
	char dir[TMPDIR_MAX];
	const struct slice leaf = statement_bytes(&run.s[BY_TOKEN_1]);
	uint8_t pk[1][32] = {{0}};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct scribe s = {0};
		uint64_t index = 0;
		struct scribe_batch b = {
		    .leaves = &leaf, .n = 1, .index = &index};
		struct err e = {0};

		tmpdir_make(dir, "scribe");
		s.c.ledger = (struct ledger_config){.dir = dir,
		    .origin = ORIGIN,
		    .pks = pk,
		    .n_pks = 1,
		    .classify = leaf_classify};
		if (ledger_open(&s.c.ledger, &s.ledger, &e) != 0)
			fail_msg("%s", e.msg);
		if (cases[i].until != 0)
			b.until = clock_now() + cases[i].until;
		scribe_work(&s, &b);
		assert_int_equal(b.r, cases[i].want);
		assert_int_equal(ledger_size(s.ledger), b.r == 0);
		/* The log itself has nothing. */
		assert_non_null(s.ledger);
		ledger_close(s.ledger);
		lc_remove_tree(dir);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	    T(which_acceptances_pass),
	    T(the_order_of_fields_hides_none),
	    T(memory_that_runs_out_lets_none_pass),
	    T(the_signers_own_clock_counts),
	    T(a_batch_has_its_time),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
