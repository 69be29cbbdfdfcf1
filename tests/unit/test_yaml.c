/* SPDX-License-Identifier: ISC */
/* YAML as Writ reads it: what is a fault, where it stands, what it is worth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/conf/schema.h"
#include "lib/conf/yaml.h"
#include "tests/unit/alloc.h"
#include "tests/unit/mutate.h"

static struct slice
text_of(const char *s)
{
	return slice_of(s, strlen(s));
}

/* What anybody would expect, one text of every form. */
static const char good[] = "# a comment\n"
			   "---\n"
			   "a: no\n"
			   "b: 'no'\n"
			   "c: \"\\u00e9\"\n"
			   "d: [x, {y: z}, [1, 2]]\n"
			   "e: |\n"
			   "  two\n"
			   "  lines\n"
			   "f: &list [p, q]\n"
			   "g: *list\n"
			   "h:\n";

static const struct {
	const char *name, *text, *want;
} faults[] = {
    {"a duplicate key", "a: 1\nb: 2\na: 3\n",
	"f:3:1: key 'a' is given twice, expected once (line 1 has it)"},
    {"a duplicate key in quotes", "{a: 1, 'a': 2}\n",
	"f:1:8: key 'a' is given twice, expected once (line 1 has it)"},
    {"a tag", "a: !!str 1\n",
	"f:1:4: tag 'tag:yaml.org,2002:str', expected a value without"},
    {"a tag of a list", "a: !x [1]\n",
	"f:1:4: tag '!x', expected a value without"},
    {"a tag of a mapping", "a: !x {b: 1}\n",
	"f:1:4: tag '!x', expected a value without"},
    {"a tag of a key", "!x a: 1\n",
	"f:1:1: tag '!x', expected a value without"},
    {"a merge key", "a: &m {x: 1}\nb:\n  <<: *m\n",
	"f:3:3: merge key '<<', expected the keys themselves"},
    {"an unknown alias", "a: *nothing\n",
	"f:1:4: alias 'nothing', expected the name of an anchor that ended "
	"before it"},
    {"an alias to what holds it", "a: &x [1, *x]\n",
	"f:1:11: alias 'x', expected the name of an anchor that ended before "
	"it"},
    {"an anchor that is taken", "a: &x 1\nb: &x 2\n",
	"f:2:4: anchor 'x' is given twice, expected one place"},
    {"an anchor of a key", "&x a: 1\n",
	"f:1:1: anchor as a key, expected text"},
    {"an alias as a key", "a: &x b\n*x : 1\n",
	"f:2:1: alias as a key, expected text"},
    {"a list as a key", "[a]: 1\n",
	"f:1:1: list or mapping as a key, expected text"},
    {"an empty key", "'': 1\n", "f:1:1: empty key, expected text"},
    {"a key of two lines", "\"a\\nb\": 1\n",
	"f:1:1: key is not one line of plain text"},
    {"two documents", "a: 1\n---\nb: 2\n",
	"f:2:1: a second document, expected one"},
    {"a version directive", "%YAML 1.1\n---\na: 1\n",
	"f:1:1: directive (%YAML or %TAG), expected none"},
    {"a tag directive", "%TAG ! tag:x,2000:\n---\na: 1\n",
	"f:1:1: directive (%YAML or %TAG), expected none"},
    {"a bell in a comment", "a: 1 # \007\n",
	"f:1:8: control, bidirectional or invisible character (byte 0x07), "
	"expected plain UTF-8 text"},
    {"a right-to-left override", "a: 1\nb: \xe2\x80\xae x\n",
	"f:2:4: control, bidirectional or invisible character (byte 0xe2), "
	"expected plain UTF-8 text"},
    {"columns count characters", "\xc3\xa9: \xe2\x80\x8b\n",
	"f:1:4: control, bidirectional or invisible character (byte 0xe2), "
	"expected plain UTF-8 text"},
    {"a carriage return alone", "a: 1\rb: 2\n",
	"f:1:5: control, bidirectional or invisible character (byte 0x0d), "
	"expected plain UTF-8 text"},
    {"a byte order mark",
	"\xef\xbb\xbf"
	"a: 1\n",
	"f:1:1: control, bidirectional or invisible character (byte 0xef), "
	"expected plain UTF-8 text"},
    {"bytes that are no UTF-8", "a: \xff\n",
	"f:1:4: control, bidirectional or invisible character (byte 0xff), "
	"expected plain UTF-8 text"},
    {"an override behind an escape", "a: \"\\u202e\"\n",
	"f:1:4: text holds a control, bidirectional or invisible character "
	"(byte 0xe2), expected plain text"},
    {"a NUL behind an escape", "a: \"x\\0y\"\n",
	"f:1:4: text holds a control, bidirectional or invisible character "
	"(byte 0x00), expected plain text"},
    {"a bracket left open", "a: [1, 2\nb: 3\n",
	"f:2:2: not YAML: did not find expected ',' or ']' while parsing a "
	"flow sequence"},
    {"17 lists in each other", "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]\n",
	"f:1:17: nested too deeply, expected at most 16"},
    {"a height that an alias adds",
	"a: &x [[[[[[[1]]]]]]]\nb: [[[[[[[[*x]]]]]]]]\n",
	"f:2:12: nested too deeply, expected at most 16"},
};

static void
a_fault_is_told_with_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct conf_diags d = {0};
		struct yaml_doc doc = {0};
		int r = yaml_parse("f", text_of(faults[i].text), &doc, &d);

		if (r == 0 || d.n == 0 ||
		    strcmp(d.v[0].text, faults[i].want) != 0)
			fail_msg("%s: %d, %s", faults[i].name, r,
			    d.n > 0 ? d.v[0].text : "no words");
		assert_null(doc.root);
		conf_diags_clear(&d);
	}
}

static void
a_good_text_becomes_a_tree_with_places(void **state)
{
	const struct yaml_node *n;
	struct conf_diags d = {0};
	struct yaml_doc doc = {0};

	(void)state;
	assert_int_equal(yaml_parse("f", text_of(good), &doc, &d), 0);
	assert_int_equal(doc.root->kind, YAML_MAP);
	assert_int_equal(doc.root->n, 8);
	n = yaml_get(doc.root, "a");
	assert_string_equal(n->text, "no");
	assert_true(n->plain);
	assert_int_equal(n->pos.line, 3);
	assert_int_equal(n->pos.col, 4);
	assert_false(yaml_get(doc.root, "b")->plain);
	assert_string_equal(yaml_get(doc.root, "c")->text, "\xc3\xa9");
	n = yaml_get(doc.root, "d");
	assert_int_equal(n->n, 3);
	assert_string_equal(yaml_get(n->items[1], "y")->text, "z");
	assert_int_equal(n->items[2]->items[1]->pos.col, 20);
	assert_string_equal(yaml_get(doc.root, "e")->text, "two\nlines\n");
	assert_ptr_equal(yaml_get(doc.root, "f"), yaml_get(doc.root, "g"));
	assert_string_equal(yaml_kind_name(yaml_get(doc.root, "h")), "nothing");
	assert_null(yaml_get(doc.root, "z"));
	assert_null(yaml_get(yaml_get(doc.root, "a"), "a"));
	yaml_doc_clear(&doc);
	conf_diags_clear(&d);
}

static void
nothing_but_comments_has_no_root(void **state)
{
	static const char *const texts[] = {"", "# x\n", "\n\n"};
	struct conf_diags d = {0};
	struct yaml_doc doc = {0};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(yaml_parse("f", text_of(texts[i]), &doc, &d),
		    0);
		assert_null(doc.root);
	}
	conf_diags_clear(&d);
}

static void
line_ends_of_other_systems_and_tabs_in_comments_are_fine(void **state)
{
	struct conf_diags d = {0};
	struct yaml_doc doc = {0};

	(void)state;
	assert_int_equal(yaml_parse("f", text_of("a: 1\t# x\ty\r\nb: 2\r\n"),
			     &doc, &d),
	    0);
	assert_string_equal(yaml_get(doc.root, "b")->text, "2");
	yaml_doc_clear(&doc);
}

static int
parse_repeated(const char *head, const char *part, size_t n, const char *tail,
    struct conf_diags *d)
{
	struct yaml_doc doc = {0};
	struct str s = STR_INIT;
	int r;

	str_add(&s, head);
	for (size_t i = 0; i < n; i++)
		str_add(&s, part);
	str_add(&s, tail);
	r = yaml_parse("f", slice_of(s.p, s.n), &doc, d);
	yaml_doc_clear(&doc);
	str_clear(&s);
	return r;
}

static void
limits_hold_at_their_value_and_one_beyond(void **state)
{
	struct conf_diags d = {0};

	(void)state;
	/* Bytes of a file: the rest is a comment. */
	assert_int_equal(parse_repeated("a: 1 #", "x", YAML_BYTES_MAX - 6, "",
			     &d),
	    0);
	assert_int_equal(parse_repeated("a: 1 #", "x", YAML_BYTES_MAX - 5, "",
			     &d),
	    ERR_LIMIT);
	assert_string_equal(d.v[0].text,
	    "f: 1048577 bytes, expected at most 1048576");
	/* Bytes of a scalar and of a key. */
	assert_int_equal(parse_repeated("a: ", "x", YAML_SCALAR_MAX, "", &d),
	    0);
	assert_int_equal(parse_repeated("a: ", "x", YAML_SCALAR_MAX + 1, "",
			     &d),
	    ERR_LIMIT);
	assert_int_equal(parse_repeated("", "x", YAML_KEY_MAX, ": 1", &d), 0);
	assert_int_equal(parse_repeated("", "x", YAML_KEY_MAX + 1, ": 1", &d),
	    ERR_LIMIT);
	/* Depth. */
	assert_int_equal(parse_repeated("", "[", YAML_DEPTH_MAX - 1,
			     "[]]]]]]]]]]]]]]]]", &d),
	    0);
	/* Aliases: so many, and not one more. */
	assert_int_equal(parse_repeated("a: &x 1\nb: [", "*x ,",
			     YAML_ALIASES_MAX, "]\n", &d),
	    0);
	assert_int_equal(parse_repeated("a: &x 1\nb: [", "*x ,",
			     YAML_ALIASES_MAX + 1, "]\n", &d),
	    ERR_LIMIT);
	conf_diags_clear(&d);
}

static void
anchors_are_counted(void **state)
{
	struct conf_diags d = {0};
	struct yaml_doc doc = {0};

	(void)state;
	for (size_t n = YAML_ANCHORS_MAX; n <= YAML_ANCHORS_MAX + 1; n++) {
		struct str s = STR_INIT;

		for (size_t i = 0; i < n; i++)
			str_addf(&s, "- &a%zu x\n", i);
		assert_int_equal(yaml_parse("f", slice_of(s.p, s.n), &doc, &d),
		    n == YAML_ANCHORS_MAX ? 0 : ERR_LIMIT);
		yaml_doc_clear(&doc);
		str_clear(&s);
	}
	conf_diags_clear(&d);
}

static void
aliases_count_as_what_they_stand_for(void **state)
{
	static const char bomb[] = "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
				   "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
				   "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
				   "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
				   "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
				   "f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n";
	struct conf_diags d = {0};
	struct yaml_doc doc = {0};

	(void)state;
	assert_int_equal(yaml_parse("f", text_of(bomb), &doc, &d), ERR_LIMIT);
	assert_string_equal(d.v[0].text,
	    "f:6:17: too many values, expected at most 500000");
	conf_diags_clear(&d);
}

static int
parse_good(void *arg)
{
	struct conf_diags d = {0};
	struct yaml_doc doc = {0};
	int r;

	(void)arg;
	r = yaml_parse("f", text_of(good), &doc, &d);
	yaml_doc_clear(&doc);
	conf_diags_clear(&d);
	return r;
}

static void
failing_allocations_leave_nothing(void **state)
{
	(void)state;
	assert_true(alloc_each(parse_good, NULL) > 20);
}

static void
any_bytes(const uint8_t *p, size_t n, void *arg)
{
	struct conf_diags d = {0};
	struct yaml_doc doc = {0};
	int r = yaml_parse("f", slice_of(p, n), &doc, &d);

	(void)arg;
	if ((r != 0) != (d.n_errors > 0) || (r != 0 && doc.all != NULL))
		fail_msg("%s: %d", mutate_what(), r);
	yaml_doc_clear(&doc);
	conf_diags_clear(&d);
}

static void
near_misses_are_read_or_refused_with_words(void **state)
{
	(void)state;
	mutate_each(good, sizeof(good) - 1, any_bytes, NULL);
}

/* The readers of the schema, over one table. */
struct thing {
	char *text;
	struct strs list;
	unsigned number;
	uint64_t big;
	int64_t span, time;
	bool flag;
};
static const struct conf_key thing_keys[] = {
    {.name = "text",
	.read = conf_text,
	.offset = offsetof(struct thing, text),
	.required = true,
	.min = 2,
	.max = 4,
	.expect = "some text"},
    {.name = "list",
	.read = conf_texts,
	.offset = offsetof(struct thing, list),
	.min = 1,
	.max = 2,
	.expect = "a list of words"},
    {.name = "number",
	.read = conf_unsigned,
	.offset = offsetof(struct thing, number),
	.min = 1,
	.max = 10,
	.expect = "1 to 10"},
    {.name = "big",
	.read = conf_u64,
	.offset = offsetof(struct thing, big),
	.max = INT64_MAX,
	.expect = "a number"},
    {.name = "span",
	.read = conf_span,
	.offset = offsetof(struct thing, span),
	.min = 60,
	.max = 3600,
	.expect = "1m to 1h"},
    {.name = "time",
	.read = conf_time,
	.offset = offsetof(struct thing, time),
	.expect = "a date"},
    {.name = "flag",
	.read = conf_bool,
	.offset = offsetof(struct thing, flag),
	.expect = "yes or no"},
};

static void
read_thing(const char *text, struct thing *t, struct conf_diags *d)
{
	struct conf_in in = {.diags = d};
	struct conf_pos pos = {.file = "f", .line = 1, .col = 1};
	struct yaml_doc doc = {0};

	assert_int_equal(yaml_parse("f", text_of(text), &doc, d), 0);
	conf_map(&in, pos, "a thing", doc.root, thing_keys,
	    sizeof(thing_keys) / sizeof(thing_keys[0]), t);
	yaml_doc_clear(&doc);
}

static void
thing_clear(struct thing *t)
{
	free(t->text);
	strs_clear(&t->list);
}

static void
a_table_reads_every_type(void **state)
{
	struct conf_diags d = {0};
	struct thing t = {0};

	(void)state;
	read_thing("{text: 'no', list: [a, b], number: 10, big: 4294967296, "
		   "span: 1h, time: 2026-01-02, flag: yes}\n",
	    &t, &d);
	assert_int_equal(d.n, 0);
	assert_string_equal(t.text, "no");
	assert_int_equal(t.list.n, 2);
	assert_string_equal(t.list.v[1], "b");
	assert_int_equal(t.number, 10);
	assert_int_equal(t.big, UINT64_C(4294967296));
	assert_int_equal(t.span, 3600);
	assert_int_equal(t.time, 1767398399);
	assert_true(t.flag);
	thing_clear(&t);
}

static const struct {
	const char *text, *want;
} slips[] = {
    {"{text: ab, txt: x}",
	"f:1:12: unknown key 'txt', expected one of text, list, number, big, "
	"span, time, flag"},
    {"{flag: no}", "f:1:1: a thing has no 'text', expected some text"},
    {"[1]", "f:1:1: a thing is a list, expected a mapping"},
    {"# none", "f:1:1: a thing is empty, expected a mapping"},
    {"{text: a}", "f:1:8: 'text' has 1 characters, expected 2 to 4"},
    {"{text: abcde}", "f:1:8: 'text' has 5 characters, expected 2 to 4"},
    {"{text: [a]}", "f:1:8: 'text' is a list, expected some text"},
    {"{text: }", "f:1:8: 'text' is nothing, expected some text"},
    {"{text: \"a\\nb\"}", "f:1:8: 'text' is several lines, expected some text"},
    {"{text: ab, list: x}", "f:1:18: 'list' is text, expected a list of words"},
    {"{text: ab, list: []}",
	"f:1:18: 'list' is an empty list, expected a list of words"},
    {"{text: ab, list: [a, b, c]}",
	"f:1:18: 'list' has 3 entries, expected at most 2"},
    {"{text: ab, list: [a, a]}",
	"f:1:22: 'a' is in 'list' twice, expected once"},
    {"{text: ab, list: [{a: b}]}",
	"f:1:19: 'list' is a mapping, expected a list of words"},
    {"{text: ab, number: 0}", "f:1:20: 'number' is '0', expected 1 to 10"},
    {"{text: ab, number: 11}", "f:1:20: 'number' is '11', expected 1 to 10"},
    {"{text: ab, number: 1.0}", "f:1:20: 'number' is '1.0', expected 1 to 10"},
    {"{text: ab, number: {}}",
	"f:1:20: 'number' is a mapping, expected 1 to 10"},
    {"{text: ab, big: -1}", "f:1:17: 'big' is '-1', expected a number"},
    {"{text: ab, span: 59s}", "f:1:18: 'span' is '59s', expected 1m to 1h"},
    {"{text: ab, span: 61m}", "f:1:18: 'span' is '61m', expected 1m to 1h"},
    {"{text: ab, span: 60}", "f:1:18: 'span' is '60', expected 1m to 1h"},
    {"{text: ab, time: 2026-02-30}",
	"f:1:18: 'time' is '2026-02-30', expected a date"},
    {"{text: ab, flag: on}", "f:1:18: 'flag' is 'on', expected yes or no"},
    {"{text: ab, flag: Yes}", "f:1:18: 'flag' is 'Yes', expected yes or no"},
};

static void
a_slip_is_told_with_what_was_expected(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(slips) / sizeof(slips[0]); i++) {
		struct conf_diags d = {0};
		struct thing t = {0};

		read_thing(slips[i].text, &t, &d);
		if (d.n == 0 || strcmp(d.v[0].text, slips[i].want) != 0)
			fail_msg("%s: %s", slips[i].text,
			    d.n > 0 ? d.v[0].text : "no words");
		thing_clear(&t);
		conf_diags_clear(&d);
	}
}

static void
all_slips_of_a_mapping_are_told_at_once(void **state)
{
	struct conf_diags d = {0};
	struct thing t = {0};
	struct err e = {0};

	(void)state;
	read_thing("{number: 0, flag: on, x: y}", &t, &d);
	assert_int_equal(d.n_errors, 4);
	assert_int_equal(conf_diags_err(&d, ERR_NOMEM, &e), ERR_NOMEM);
	assert_string_equal(e.msg, err_text(ERR_NOMEM));
	assert_int_equal(conf_diags_err(&d, ERR_PARSE, &e), ERR_PARSE);
	assert_string_equal(e.msg,
	    "f:1:10: 'number' is '0', expected 1 to 10 (and 3 more)");
	thing_clear(&t);
	conf_diags_clear(&d);
}

static void
diags_keep_a_thousand_and_count_the_rest(void **state)
{
	struct conf_pos pos = {.file = "f"};
	struct conf_diags d = {0};

	(void)state;
	for (size_t i = 0; i < CONF_DIAGS_MAX + 5; i++)
		conf_warning(&d, pos, "w%zu", i);
	conf_error(&d, pos, "e");
	assert_int_equal(d.n, CONF_DIAGS_MAX);
	assert_int_equal(d.n_warnings, CONF_DIAGS_MAX + 5);
	assert_int_equal(d.n_errors, 1);
	assert_false(d.failed);
	assert_string_equal(d.v[0].text, "f: w0");
	assert_int_equal(conf_diags_err(&d, ERR_DENIED, NULL), ERR_DENIED);
	conf_diags_clear(&d);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_fault_is_told_with_its_place),
	    cmocka_unit_test(a_good_text_becomes_a_tree_with_places),
	    cmocka_unit_test(nothing_but_comments_has_no_root),
	    cmocka_unit_test(
		line_ends_of_other_systems_and_tabs_in_comments_are_fine),
	    cmocka_unit_test(limits_hold_at_their_value_and_one_beyond),
	    cmocka_unit_test(anchors_are_counted),
	    cmocka_unit_test(aliases_count_as_what_they_stand_for),
	    cmocka_unit_test(failing_allocations_leave_nothing),
	    cmocka_unit_test(near_misses_are_read_or_refused_with_words),
	    cmocka_unit_test(a_table_reads_every_type),
	    cmocka_unit_test(a_slip_is_told_with_what_was_expected),
	    cmocka_unit_test(all_slips_of_a_mapping_are_told_at_once),
	    cmocka_unit_test(diags_keep_a_thousand_and_count_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
