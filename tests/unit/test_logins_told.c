/* SPDX-License-Identifier: ISC */
/* What a master tells of logins: read field by field, in order, or refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "agent/client/logins.h"
#include "tests/unit/alloc.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define HEX    "0707070707070707070707070707070707070707070707070707070707070707"
#define FP     "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"

/* An event of host H, number N of the report in leaf I, at 09:M. */
#define AT(h, i, n, m)                                                      \
	"{\"host\":\"" h "\",\"seq\":\"4\",\"number\":" n ",\"index\":\"" i \
	"\",\"came\":\"2026-03-02T10:00:00Z\",\"report\":\"" HEX            \
	"\",\"source\":\"journal\",\"at\":\"2026-03-02T09:" m ":00Z\","
#define OUT "\"what\":\"end\",\"account\":\"a\"}"
#define IN                                                               \
	"\"what\":\"login\",\"account\":\"a\",\"method\":\"publickey\"," \
	"\"ca\":\"" FP "\",\"serial\":\"41\",\"key_id\":\"alice\"}"
#define PAGE(list) "{\"events\":[" list "]}"

static struct err err;

static json_t *
json(const char *text)
{
	json_t *o = NULL;

	if (json_read(slice_str(text), 1 << 20, &o, &err) != 0)
		fail_msg("%s: %s", err.msg, text);
	return o;
}

static int
parse(const char *text, struct logins_told *out, char **next)
{
	json_t *o = json(text);
	int r;

	err = (struct err){0};
	r = logins_told_parse(o, out, next, &err);
	json_decref(o);
	return r;
}

static void
pages_are_put_together(void **state)
{
	struct logins_told l = {0};
	char *next = NULL;

	(void)state;
	assert_int_equal(parse("{\"events\":[],\"next\":\"x\"}", &l, &next), 0);
	assert_int_equal(l.n, 0);
	assert_string_equal(next, "x");
	free(next);
	next = NULL;
	assert_int_equal(parse(PAGE(AT("b", "9", "0", "00") IN
				   "," AT("a", "9", "1", "01") OUT),
			     &l, &next),
	    0);
	assert_null(next);
	assert_int_equal(parse(PAGE(AT("a", "9", "2",
				   "01") "\"clock\":-10800," OUT),
			     &l, &next),
	    0);
	assert_int_equal(l.n, 3);
	assert_int_equal(l.v[1].clock, 0);
	assert_int_equal(l.v[2].clock, -10800);
	assert_string_equal(l.v[0].host, "b");
	assert_int_equal(l.v[0].seq, 4);
	assert_int_equal(l.v[0].index, 9);
	assert_int_equal(l.v[0].report.b[31], 7);
	assert_int_equal(l.v[0].event.what, LOGIN_IN);
	assert_int_equal(l.v[0].event.serial, 41);
	assert_int_equal(l.v[2].number, 2);
	logins_told_clear(&l);
}

/* What stands before the second one, so that it may not come there. */
static void
none_is_told_twice(void **state)
{
	static const char *const after[] = {
	    AT("b", "9", "1", "05") OUT, /* the same */
	    AT("b", "9", "0", "05") OUT,
	    AT("b", "8", "2", "05") OUT,
	    AT("a", "9", "2", "05") OUT,
	    AT("c", "9", "2", "04") OUT,
	};

	(void)state;
	for (size_t i = 0; i < LEN(after); i++) {
		struct logins_told l = {0};
		struct str s = STR_INIT;
		char *next = NULL;

		str_addf(&s, PAGE("%s,%s"), AT("b", "9", "1", "05") OUT,
		    after[i]);
		if (parse(s.p, &l, &next) != ERR_PARSE ||
		    strstr(err.msg, "event 2: it does not come after") == NULL)
			fail_msg("%s: %s", after[i], err.msg);
		assert_null(next);
		logins_told_clear(&l);
		str_clear(&s);
	}
}

static const struct {
	const char *text, *want;
} bad[] = {
    {"{}", "'events'"},
    {"{\"events\":{}}", "'events'"},
    {PAGE("7"), "event 1: not an object"},
    {PAGE("{}"), "event 1: field 'host'"},
    {PAGE(AT("A", "9", "0", "00") OUT), "event 1: field 'host' is no id"},
    {PAGE(AT("a", "-9", "0", "00") OUT), "event 1: field 'index'"},
    {PAGE(AT("a", "9", "-1", "00") OUT), "'number'"},
    {PAGE(AT("a", "9", "200", "00") OUT), "'number'"},
    {PAGE(AT("a", "9", "0", "60") OUT), "event 1: field 'at'"},
    {PAGE(AT("a", "9", "0", "00") "\"clock\":\"61\"," OUT),
	"event 1: field 'clock'"},
    {PAGE(AT("a", "9", "0", "00") "\"clock\":4000000001," OUT), "'clock'"},
    {PAGE(AT("a", "9", "0", "00") "\"what\":\"end\"}"), "'account'"},
    {PAGE(AT("a", "9", "0", "00") "\"what\":\"x\"}"), "'what'"},
    {PAGE(AT("a", "9", "0", "00") "\"what\":\"end\",\"account\":"
				  "\"a\\u001b[2J\"}"),
	"'account'"},
    {"{\"events\":[],\"next\":7}", "'next'"},
    {"{\"events\":[],\"next\":\"\"}", "'next'"},
};

static void
what_is_malformed_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(bad); i++) {
		struct logins_told l = {0};
		char *next = NULL;
		int r = parse(bad[i].text, &l, &next);

		if ((r != ERR_PARSE && r != ERR_LIMIT) ||
		    strstr(err.msg, bad[i].want) == NULL)
			fail_msg("%s: %d %s", bad[i].text, r, err.msg);
		assert_null(next);
		assert_int_equal(l.n, 0);
		logins_told_clear(&l);
	}
}

static void
there_is_an_end_to_them(void **state)
{
	struct logins_told l = {0};
	char *next = NULL;
	struct str s = STR_INIT;

	(void)state;
	str_add(&s, "{\"events\":[");
	for (int i = 0; i <= LOGINS_PAGE_MAX; i++)
		str_addf(&s, "%s{}", i > 0 ? "," : "");
	str_add(&s, "]}");
	assert_int_equal(parse(s.p, &l, &next), ERR_LIMIT);
	str_clear(&s);
	/* So many are there already. */
	l.v = calloc(LOGINS_MAX, sizeof(*l.v));
	assert_non_null(l.v);
	l.n = l.cap = LOGINS_MAX;
	l.v[LOGINS_MAX - 1].host = str_dup("a");
	assert_int_equal(parse(PAGE(AT("a", "9", "0", "00") OUT), &l, &next),
	    ERR_LIMIT);
	assert_non_null(strstr(err.msg, "more than 100000"));
	assert_int_equal(l.n, LOGINS_MAX);
	logins_told_clear(&l);
}

static int
parse_two(void *arg)
{
	struct logins_told l = {0};
	struct err e = {0};
	char *next = NULL;
	int r = logins_told_parse(arg, &l, &next, &e);

	logins_told_clear(&l);
	free(next);
	return r;
}

static void
memory_may_run_out(void **state)
{
	json_t *o = json("{\"events\":[" AT("a", "9", "0", "00") IN
	    "," AT("a", "9", "1", "00") OUT "],\"next\":\"x\"}");

	(void)state;
	assert_true(alloc_each(parse_two, o) > 5);
	json_decref(o);
}

/* --- in words ------------------------------------------------------------- */

static const struct {
	const char *event, *want;
} words[] = {
    {IN, "publickey certificate 41 'alice'"},
    {"\"what\":\"login\",\"account\":\"a\",\"method\":\"publickey\","
     "\"key\":\"" FP "\"}",
	"publickey " FP},
    /* A key's owner says what its certificate is called. */
    {"\"what\":\"refused\",\"why\":\"x\",\"ca\":\"" FP
     "\",\"serial\":\"1\",\"key_id\":\"' certificate 2 'b\"}",
	"certificate 1 '\\' certificate 2 \\'b' refused: 'x'"},
    {"\"what\":\"login\",\"account\":\"a\",\"method\":\"password\"}",
	"password"},
    {OUT, ""},
    {"\"what\":\"sudo\",\"account\":\"a\",\"command\":\"id\",\"as\":\"b\","
     "\"why\":\"no\"}",
	"as b refused: 'no' id"},
    {"\"what\":\"sudo\",\"account\":\"a\",\"command\":\"id\",\"as\":\"b\","
     "\"why\":\"perhaps: it had ended\"}",
	"as b 'perhaps: it had ended' id"},
    {"\"what\":\"refused\",\"why\":\"revoked\",\"ca\":\"" FP
     "\",\"serial\":\"0\",\"key_id\":\"\"}",
	"certificate 0 '' refused: 'revoked'"},
    {"\"what\":\"failed\",\"until\":\"2026-03-02T09:30:00Z\",\"count\":\"3\"}",
	"3 until 2026-03-02T09:30:00Z"},
};

static void
each_is_told_in_a_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(words); i++) {
		struct logins_told l = {0};
		struct str page = STR_INIT, s = STR_INIT;
		char *next = NULL;

		str_addf(&page, PAGE("%s%s"), AT("a", "9", "0", "00"),
		    words[i].event);
		if (parse(page.p, &l, &next) != 0)
			fail_msg("%s: %s", page.p, err.msg);
		login_told_words(&l.v[0].event, &s);
		assert_string_equal(s.p, words[i].want);
		str_clear(&s);
		str_clear(&page);
		logins_told_clear(&l);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pages_are_put_together),
	    cmocka_unit_test(none_is_told_twice),
	    cmocka_unit_test(what_is_malformed_is_named),
	    cmocka_unit_test(there_is_an_end_to_them),
	    cmocka_unit_test(memory_may_run_out),
	    cmocka_unit_test(each_is_told_in_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
