/* SPDX-License-Identifier: ISC */
/* Match expressions: what they mean, what is wrong with one, and where. */
#include "lib/conf/expr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/alloc.h"
#include "tests/unit/mutate.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* --- hosts ---------------------------------------------------------------- */

static const char *
grain(void *ctx, const char *name)
{
	(void)ctx;
	if (strcmp(name, "os") == 0)
		return "debian";
	if (strcmp(name, "os_version") == 0)
		return "12";
	return NULL;
}

/* web-1.example.com, with the roles db and web. */
static bool
matches(const char *name, const char *text)
{
	char *names[] = {(char[]){"db"}, (char[]){"web"}};
	struct strs roles = {.v = names, .n = 2};
	const struct expr_host h = {
	    .id = "web-1.example.com", .roles = &roles, .grain = grain};
	struct conf_diags d = {0};
	struct expr *x = NULL;
	bool yes;

	if (expr_parse_text(text, (struct conf_pos){.file = "t"}, &x, &d) != 0)
		fail_msg("%s: %s: %s", name, text, d.n > 0 ? d.v[0].text : "");
	assert_string_equal(expr_text(x), text);
	yes = expr_match(x, &h);
	expr_free(x);
	conf_diags_clear(&d);
	return yes;
}

static const struct {
	const char *text;
	bool want;
} meanings[] = {
    {"*", true},
    {"web-1.example.com", true},
    {"web-?.example.com", true},
    {"web-*.example.com", true},
    {"web*", true}, /* dots included */
    {"*.com", true},
    {"*-1*", true},
    {"**w**m**", true},
    {"web-2.example.com", false},
    {"web-??.example.com", false},
    {"eb-1.example.com", false},
    {"web-1.example.co", false},
    {"?", false},
    {"web-*.example.org", false},
    {"id == 'web-1.example.com'", true},
    {"id == \"web-1.example.com\"", true},
    {"id=='web-1.example.com'", true},
    {"id == 'web-1'", false},
    {"id != 'web-1'", true},
    {"id != 'web-1.example.com'", false},
    {"id =~ 'web-*'", true},
    {"id =~ 'db-*'", false},
    {"id in ['a', 'web-1.example.com']", true},
    {"id in ['a']", false},
    {"not id in ['a']", true},
    {"id not in ['a']", true},
    {"id not in ['web-1.example.com']", false},
    /* One of the roles is; none is. */
    {"role == 'web'", true},
    {"role == 'db'", true},
    {"role == 'build'", false},
    {"role != 'web'", false},
    {"role != 'build'", true},
    {"role =~ 'w*'", true},
    {"role in ['build', 'web']", true},
    {"role in ['build']", false},
    {"role == 'web' and role == 'db'", true},
    {"os == 'debian'", true},
    {"os == 'ubuntu'", false},
    {"os =~ 'deb*'", true},
    {"os_version == '12'", true},
    /* A grain that is not there equals nothing. */
    {"virtual == 'none'", false},
    {"virtual != 'none'", true},
    {"virtual =~ '*'", false},
    {"virtual in ['none']", false},
    {"virtual not in ['none']", true},
    /* Strength: or, and, not. */
    {"os == 'x' and os == 'x' or os == 'debian'", true},
    {"os == 'debian' or os == 'x' and os == 'x'", true},
    {"(os == 'debian' or os == 'x') and os == 'x'", false},
    {"not os == 'x' and os == 'debian'", true},
    {"not (os == 'x' or os == 'debian')", false},
    {"not not os == 'debian'", true},
    {"not os == 'debian' or os == 'debian'", true},
    {" \tos == 'debian'\n and\n role == 'web' ", true},
    {"((os == 'debian'))", true},
    /* The contract's. */
    {"os == 'debian' and role == 'web' and not id in ['web-9.example.com']",
	true},
    {"os == 'debian' and role == 'web' and not id in ['web-1.example.com']",
	false},
};

static void
an_expression_means_what_it_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(meanings); i++)
		if (matches("meaning", meanings[i].text) != meanings[i].want)
			fail_msg("%s: expected %d", meanings[i].text,
			    meanings[i].want);
}

static void
a_glob_is_matched_whole(void **state)
{
	static const struct {
		const char *glob, *text;
		bool want;
	} cases[] = {{"", "", true}, {"", "a", false}, {"*", "", true},
	    {"?", "", false}, {"a*", "a", true}, {"*a", "ba", true},
	    {"*a", "ab", false}, {"a*b*c", "abbbcc", true},
	    {"a*b*c", "acb", false}, {"*ab*ab*", "abab", true},
	    {"*ab*ab*", "aba", false}, {"a?c", "abc", true},
	    {"a?c", "ac", false}, {"***", "x", true}};
	char many[101] = {0};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++)
		if (expr_glob(cases[i].glob, cases[i].text) != cases[i].want)
			fail_msg("%s on %s", cases[i].glob, cases[i].text);
	/* Not exponential: it ends. */
	memset(many, 'a', 100);
	assert_false(expr_glob("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", many));
}

/* --- faults --------------------------------------------------------------- */

/* Each at f:1:1 and on, as it stands after `m: ` in a file. */
static const struct {
	const char *yaml, *want;
} faults[] = {
    {"m: \"\"\n", "f:1:5: an empty expression, expected \"*\" for every host"},
    {"m:\n",
	"f:1:3: nothing, expected an expression such as \"*\" or \"role == "
	"'web'\""},
    {"m: [a]\n",
	"f:1:4: a list, expected an expression such as \"*\" or \"role == "
	"'web'\""},
    {"m: Web\n",
	"f:1:4: 'Web', expected id, role or a grain, then == != =~ or in, and "
	"values in quotes"},
    {"m: os == \n",
	"f:1:9: the expression ends, expected a value in quotes, "
	"such as 'debian'"},
    {"m: \"os == debian\"\n",
	"f:1:11: 'debian', expected a value in quotes, such as 'debian'"},
    {"m: os = 'debian'\n",
	"f:1:7: '=', expected id, role or a grain, then == != =~ or in, and "
	"values in quotes"},
    {"m: \"os 'debian'\"\n",
	"f:1:8: the value 'debian', expected an operator: == != =~ in"},
    {"m: \"os == 'debian\"\n",
	"f:1:11: a value without its second quote, expected '"},
    {"m: \"os == ''\"\n", "f:1:11: an empty value, expected text in it"},
    {"m: \"os in []\"\n", "f:1:12: an empty list, expected a value in it"},
    {"m: \"os in 'a'\"\n",
	"f:1:11: the value 'a', expected a list such as ['a', 'b']"},
    {"m: \"os in ['a' 'b']\"\n", "f:1:16: the value 'b', expected ',' or ']'"},
    {"m: \"os in ['a',]\"\n",
	"f:1:16: ']', expected a value in quotes, such as 'debian'"},
    {"m: \"os not == 'a'\"\n", "f:1:12: '==', expected in"},
    {"m: \"(os == 'a'\"\n",
	"f:1:15: the expression ends, expected and, or, or ')'"},
    {"m: \"os == 'a')\"\n", "f:1:14: ')', expected and, or, or the end"},
    {"m: \"os == 'a' os == 'b'\"\n",
	"f:1:15: 'os', expected and, or, or the end"},
    {"m: \"and os == 'a'\"\n",
	"f:1:5: 'and', expected id, role, a grain, not or ("},
    {"m: \"os == 'a' and\"\n",
	"f:1:18: the expression ends, expected id, role, a grain, not or ("},
    {"m: \"not\\t(\"\n",
	"f:1:4: the expression ends, expected id, role, a "
	"grain, not or ( (character 6 of the expression)"},
    {"m: |\n  os ==\n  deb\n",
	"f:1:4: 'deb', expected a value in quotes, such as 'debian' "
	"(character 7 of the expression)"},
    {"m: \"id == 'Web'\"\n",
	"f:1:11: 'Web' is no id of a host, expected [a-z0-9._@+-]"},
    {"m: \"id == 'web-*'\"\n",
	"f:1:11: 'web-*' is no id of a host, expected [a-z0-9._@+-]"},
    {"m: \"id =~ 'Web-*'\"\n",
	"f:1:11: 'Web-*' is no glob over an id of a host, expected "
	"[a-z0-9._@+-]"},
    {"m: \"role == 'we b'\"\n",
	"f:1:13: 'we b' is no name of a role, expected [a-z0-9._-]"},
    {"m: \"os == 'deb*'\"\n",
	"f:1:11: 'deb*' looks like a glob, expected it after =~"},
};

static void
a_fault_says_where_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(faults); i++) {
		struct conf_diags d = {0};
		struct yaml_doc doc = {0};
		struct expr *x = NULL;
		int r;

		assert_int_equal(yaml_parse("f", slice_str(faults[i].yaml),
				     &doc, &d),
		    0);
		r = expr_parse(yaml_get(doc.root, "m"), &x, &d);
		if (r != ERR_PARSE || x != NULL || d.n != 1 ||
		    strcmp(d.v[0].text, faults[i].want) != 0)
			fail_msg("%s: %d, %s\nwanted %s", faults[i].yaml, r,
			    d.n > 0 ? d.v[0].text : "nothing", faults[i].want);
		conf_diags_clear(&d);
		yaml_doc_clear(&doc);
	}
}

static bool
is_taken(const char *text)
{
	struct conf_diags d = {0};
	struct expr *x = NULL;
	int r = expr_parse_text(text, (struct conf_pos){.file = "t"}, &x, &d);

	assert_int_equal(r == 0, d.n_errors == 0);
	assert_int_equal(r == 0, x != NULL);
	expr_free(x);
	conf_diags_clear(&d);
	return r == 0;
}

/* n times piece between head and tail; the caller frees. */
static char *
repeated(const char *head, const char *piece, size_t n, const char *tail)
{
	struct str s = STR_INIT;
	char *out;

	str_add(&s, head);
	for (size_t i = 0; i < n; i++)
		str_add(&s, piece);
	str_add(&s, tail);
	assert_int_equal(str_take(&s, &out), 0);
	return out;
}

static void
each_limit_is_where_it_is_said(void **state)
{
	static const struct {
		const char *head, *piece, *tail;
		size_t most;
	} cases[] = {
	    {"", "(", "os == 'a'", 0}, /* not closed */
	    {"", "not ", "os == 'a'", EXPR_DEPTH_MAX},
	    {"os == 'a'", " or os == 'a'", "", EXPR_TERMS_MAX - 1},
	    {"os in ['a'", ", 'a'", "]", EXPR_TERMS_MAX - 1},
	    {"os == '", "a", "'", EXPR_VALUE_MAX},
	    {"", "o", " == 'a'", EXPR_WORD_MAX},
	    {"", "a", "", ID_MAX},
	    {"os == 'a'", " ", "", EXPR_MAX - 9},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++)
		for (size_t more = 0; more < 2; more++) {
			char *s = repeated(cases[i].head, cases[i].piece,
			    cases[i].most + more, cases[i].tail);

			if (is_taken(s) != (more == 0))
				fail_msg("%s... %zu", cases[i].piece,
				    cases[i].most + more);
			free(s);
		}
}

static void
check_mutation(const uint8_t *p, size_t n, void *arg)
{
	char *s = str_dupn(p, n);

	(void)arg;
	if (memchr(p, 0, n) == NULL)
		(void)is_taken(s);
	free(s);
}

static void
whatever_is_read_is_taken_or_refused(void **state)
{
	static const char text[] = "os == 'debian' and (role != \"web\" or not "
				   "id in ['a', 'b']) or id =~ 'x*'";

	(void)state;
	assert_int_equal(mutate_each(text, strlen(text), check_mutation, NULL),
	    9 * strlen(text));
}

static int
parse_and_ask(void *arg)
{
	struct strs names = {0};
	struct conf_diags d = {0};
	struct expr *x = NULL;
	int r;

	r = expr_parse_text(arg, (struct conf_pos){.file = "t"}, &x, &d);
	if (r == 0)
		r = expr_grains(x, &names);
	if (r == 0)
		r = expr_roles(x, &names);
	if (r == 0)
		r = expr_samples(x, "id", &names);
	strs_clear(&names);
	expr_free(x);
	conf_diags_clear(&d);
	return r;
}

static void
without_memory_it_says_so(void **state)
{
	static char text[] = "os == 'debian' and (role != 'web' or not id in "
			     "['a', 'b']) or id =~ 'x*' and id not in ['c']";
	static char glob[] = "web-*";

	(void)state;
	assert_true(alloc_each(parse_and_ask, text) > 20);
	assert_true(alloc_each(parse_and_ask, glob) > 4);
}

/* --- what it asks for ----------------------------------------------------- */

static void
what_it_asks_for_is_told(void **state)
{
	static const struct {
		const char *text, *grains, *roles, *ids, *samples;
		bool trusted;
	} cases[] = {
	    {"*", "", "", "", "0", true},
	    {"web-*.x", "", "", "", "web-0.x", true},
	    {"web-1.x", "", "", "web-1.x", "web-1.x", true},
	    {"os == 'a' or os == 'b' and os_version in ['1']", "os os_version",
		"", "", "", false},
	    {"role == 'a' or role != 'b' or role in ['c', 'a'] or role =~ 'd*'",
		"", "a b c", "", "", true},
	    {"id == 'a' or not id in ['b', 'c'] or id =~ 'd?'", "", "", "a b c",
		"a b c d0", true},
	    {"id == 'a' and arch == 'b'", "arch", "", "a", "a", false},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		const char *want[] = {cases[i].grains, cases[i].roles,
		    cases[i].ids, cases[i].samples};
		struct strs got[4] = {{0}};
		struct conf_diags d = {0};
		struct expr *x = NULL;

		assert_int_equal(expr_parse_text(cases[i].text,
				     (struct conf_pos){.file = "t"}, &x, &d),
		    0);
		assert_int_equal(expr_grains(x, &got[0]), 0);
		assert_int_equal(expr_roles(x, &got[1]), 0);
		assert_int_equal(expr_ids(x, &got[2]), 0);
		assert_int_equal(expr_samples(x, "id", &got[3]), 0);
		for (size_t j = 0; j < 4; j++) {
			char line[200] = "";

			for (size_t k = 0; k < got[j].n; k++)
				(void)snprintf(line + strlen(line),
				    sizeof(line) - strlen(line), "%s%s",
				    k > 0 ? " " : "", got[j].v[k]);
			if (strcmp(line, want[j]) != 0)
				fail_msg("%s: %zu: got '%s', wanted '%s'",
				    cases[i].text, j, line, want[j]);
			strs_clear(&got[j]);
		}
		assert_int_equal(expr_is_trusted(x), cases[i].trusted);
		expr_free(x);
	}
}

/* Grains are not asked, and each comparison counts by itself. */
static void
hosts_that_are_the_same_to_it_are_told(void **state)
{
	static const struct {
		const char *text, *id, *want;
	} cases[] = {
	    {"web-*", "web-1", "1"},
	    {"web-*", "db-1", "0"},
	    {"os == 'debian'", "db-1", ""},
	    {"not id == 'a' and (role == 'x' or os == 'y')", "a", "11"},
	    {"not id == 'a' and (role != 'x' or os == 'y')", "b", "00"},
	};
	char *names[] = {(char[]){"x"}};
	struct strs roles = {.v = names, .n = 1};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		const struct expr_host h = {.id = cases[i].id, .roles = &roles};
		struct conf_diags d = {0};
		struct str s = STR_INIT;
		struct expr *x = NULL;

		assert_int_equal(expr_parse_text(cases[i].text,
				     (struct conf_pos){.file = "t"}, &x, &d),
		    0);
		expr_tell_apart(x, &h, &s);
		assert_string_equal(s.p, cases[i].want);
		str_clear(&s);
		expr_free(x);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_expression_means_what_it_says),
	    cmocka_unit_test(a_glob_is_matched_whole),
	    cmocka_unit_test(a_fault_says_where_it_is),
	    cmocka_unit_test(each_limit_is_where_it_is_said),
	    cmocka_unit_test(whatever_is_read_is_taken_or_refused),
	    cmocka_unit_test(without_memory_it_says_so),
	    cmocka_unit_test(what_it_asks_for_is_told),
	    cmocka_unit_test(hosts_that_are_the_same_to_it_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
