/* SPDX-License-Identifier: ISC */
/* What a CA tells of a request: read strictly, told in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ca/client/seen.h"
#include "lib/base/json.h"

static const char good[] =
    "{\"id\":\"3f2a3f2a\",\"state\":\"waiting\",\"why\":\"waits\","
    "\"person\":\"alice@example.com\",\"kind\":\"user\",\"grant\":\"deploy\","
    "\"principals\":[\"deploy\",\"viewer\"],\"reason\":\"roll out\","
    "\"ticket\":\"OPS-1\",\"length\":3600,\"at\":\"2026-03-02T10:00:00Z\","
    "\"ends\":\"2026-03-02T22:00:00Z\",\"needs\":[{\"group\":\"approvers\","
    "\"need\":2,\"have\":1,\"who\":[\"olga@example.com\"]},{\"group\":"
    "\"leads\",\"need\":1,\"have\":1,\"who\":[]}],\"told\":[{\"person\":"
    "\"olga@example.com\",\"how\":\"webhook\",\"at\":"
    "\"2026-03-02T10:01:00Z\",\"sent\":false},{\"person\":"
    "\"ivan@example.com\",\"how\":\"none\",\"at\":"
    "\"2026-03-02T10:01:00Z\",\"sent\":false}],\"decisions\":[{\"person\":"
    "\"ivan@example.com\",\"approve\":true,\"comment\":\"fine\",\"at\":"
    "\"2026-03-02T10:02:00Z\"}],\"serial\":\"7\"}";

static json_t *
read_text(const char *text)
{
	json_t *o = NULL;

	assert_int_equal(json_read(slice_str(text), 65536, &o, NULL), 0);
	return o;
}

static void
a_whole_one_is_told_in_words(void **state)
{
	static const char told[] = "olga@example.com by webhook at 10:01Z "
				   "(not sent), ivan@example.com in no way\n";
	static const char *const lines[] = {"waiting: waits\n",
	    "deploy,viewer\n", "deploy for 1h\n", "roll out\n", "OPS-1\n",
	    "1 of approvers (olga@example.com)\n", told,
	    "approved by ivan@example.com, 2026-03-02T10:02:00Z: fine\n",
	    "2026-03-02T22:00:00Z\n", "7\n"};
	json_t *o = read_text(good);
	struct str s = STR_INIT;
	struct seen q;

	(void)state;
	assert_int_equal(seen_parse(o, &q, NULL), 0);
	assert_int_equal(q.state, SEEN_WAITING);
	assert_int_equal(q.serial, 7);
	assert_false(q.host);
	seen_describe(&q, &s);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		print_message("%s", lines[i]);
		assert_non_null(strstr(s.p, lines[i]));
	}
	/* What is met already is needed no more. */
	assert_null(strstr(s.p, "leads"));
	str_clear(&s);
	json_decref(o);
}

/* What the CA adds, and nothing that nobody looked at. */
static void
as_json_it_is_what_the_ca_said(void **state)
{
	static const char *const keys[] = {
	    "state", "why", "needs", "told", "decisions", "ends", "serial"};
	const size_t n = sizeof(keys) / sizeof(keys[0]);
	json_t *o = read_text(good), *back, *seen;
	struct str s = STR_INIT;
	struct seen q;
	struct jw w;

	(void)state;
	assert_int_equal(seen_parse(o, &q, NULL), 0);
	assert_int_equal(json_object_set_new(json_array_get(q.needs, 0), "x",
			     json_string("\033[2J")),
	    0);
	jw_init(&w, &s, true);
	jw_begin(&w, NULL, '{');
	seen_json(&q, &w, "at_ca");
	jw_end(&w, '}');
	back = read_text(s.p);
	assert_int_equal(json_object_del(json_array_get(q.needs, 0), "x"), 0);
	seen = json_object_get(back, "at_ca");
	/* And whether it is revoked, where there is a certificate. */
	assert_int_equal(json_object_size(seen), n + 1);
	assert_true(json_is_false(json_object_get(seen, "revoked")));
	for (size_t i = 0; i < n; i++)
		assert_true(json_equal(json_object_get(o, keys[i]),
		    json_object_get(seen, keys[i])));
	json_decref(back);
	json_decref(o);
	str_clear(&s);
}

/* Each field with a value that it may not have. */
static void
what_is_malformed_is_refused_and_named(void **state)
{
	static const struct {
		const char *key, *value;
	} cases[] = {
	    {"id", "7"},
	    {"state", "\"asleep\""},
	    {"person", "[]"},
	    {"reason", "\"a\\u001b[2J\""},
	    {"reason", "\"\\u202e\""},
	    {"why", "\"\\u0007\""},
	    {"principals", "[]"},
	    {"principals", "[\"a\\u0000\"]"},
	    {"principals", "[1]"},
	    {"length", "\"1h\""},
	    {"length", "-1"},
	    {"at", "\"yesterday\""},
	    {"needs", "[{\"group\":\"g\",\"need\":1}]"},
	    {"needs", "[{\"group\":\"g\",\"need\":1,\"have\":0,\"who\":[1]}]"},
	    {"told", "[{\"person\":\"o\",\"how\":\"\\u001b\"}]"},
	    {"decisions", "[{\"person\":\"o\",\"approve\":1}]"},
	    {"decisions", "[7]"},
	    {"serial", "7"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *o = read_text(good), *v;
		struct seen q = {0};
		struct err e = {0};
		int r;

		v = json_loads(cases[i].value, JSON_DECODE_ANY | JSON_ALLOW_NUL,
		    NULL);
		assert_non_null(v);
		assert_int_equal(json_object_set_new(o, cases[i].key, v), 0);
		r = seen_parse(o, &q, &e);
		print_message("%s: %s: %s\n", cases[i].key, cases[i].value,
		    e.msg);
		assert_true(r == ERR_PARSE || r == ERR_LIMIT);
		assert_null(q.id);
		json_decref(o);
	}
}

static void
what_must_be_there_is_missed(void **state)
{
	static const char *const keys[] = {"id", "state", "person", "kind",
	    "grant", "principals", "reason", "length", "at"};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		json_t *o = read_text(good);
		struct err e = {0};
		struct seen q;

		assert_int_equal(json_object_del(o, keys[i]), 0);
		assert_int_equal(seen_parse(o, &q, &e), ERR_PARSE);
		assert_non_null(strstr(e.msg, keys[i]));
		json_decref(o);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_whole_one_is_told_in_words),
	    cmocka_unit_test(as_json_it_is_what_the_ca_said),
	    cmocka_unit_test(what_is_malformed_is_refused_and_named),
	    cmocka_unit_test(what_must_be_there_is_missed),
	};

	return cmocka_run_group_tests_name("seen", tests, NULL, NULL);
}
