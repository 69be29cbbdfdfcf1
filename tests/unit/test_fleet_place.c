/* SPDX-License-Identifier: ISC */
/* A host's place among a job's targets, which is shown to it alone; and a job's
 * TARGETS, which all four of its fields name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/trust/fleet_place.h"
#include "tests/unit/alloc.h"
#include "tests/unit/deliverycase.h"

/* --- trees of every shape ------------------------------------------------- */

/* n hosts in batches of seven. */
static void
many(size_t n, struct str *out)
{
	for (size_t i = 0; i < n; i++)
		str_addf(out, "%zu h%06zu\n", i / 7 + 1, i);
	assert_int_equal(str_check(out), 0);
}

static struct targets_tree *
tree_of(const struct targets *t, const struct job_statement *j)
{
	struct targets_tree *tree = NULL;
	struct hash root;

	dc_must(targets_tree_new(t, &tree), "tree", NULL);
	targets_tree_root(tree, &root);
	assert_memory_equal(&root, &j->tree, sizeof(root));
	return tree;
}

/* Every place of t is in the job's tree, and in no other place of it. */
static void
all_places_hold(const struct targets *t, const struct job_statement *j)
{
	struct targets_tree *tree = tree_of(t, j);
	struct str text = STR_INIT;
	struct place p;
	struct err e = {0};

	for (size_t i = 0; i < t->n; i++) {
		str_reset(&text);
		dc_must(targets_tree_place(tree, i, t->v[i].batch, t->v[i].host,
			    &text, &e),
		    "place", &e);
		dc_must(place_parse(slice_of(text.p, text.n), &p, &e), "parse",
		    &e);
		dc_must(place_check(&p, j, &e), "check", &e);
		assert_int_equal(p.index, i);
		assert_int_equal(p.batch, t->v[i].batch);
		assert_string_equal(p.host, t->v[i].host);
		for (p.index = 0; p.index <= t->n; p.index++)
			if (p.index != i)
				assert_int_equal(place_check(&p, j, NULL),
				    ERR_PARSE);
	}
	assert_int_equal(targets_tree_place(tree, t->n, 1, "x", &text, NULL),
	    ERR_NOTFOUND);
	str_clear(&text);
	targets_tree_free(tree);
}

static void
every_place_of_every_tree_is_shown(void **state)
{
	(void)state;
	for (size_t n = 1; n <= 70; n++) {
		struct job_statement j = {0};
		struct targets t = {0};
		struct str text = STR_INIT;
		struct err e = {0};

		many(n, &text);
		dc_must(job_set_targets(&j, slice_of(text.p, text.n), &e),
		    "set", &e);
		dc_must(job_check_targets(&j, slice_of(text.p, text.n), &t, &e),
		    "check", &e);
		assert_int_equal(j.hosts, n);
		all_places_hold(&t, &j);
		targets_clear(&t);
		str_clear(&text);
	}
}

/* Two hosts, by hand: SHA-256(1 | SHA-256(0 | line 1) | SHA-256(0 | line 2)). */
static void
a_tree_is_that_of_rfc_6962(void **state)
{
	static const char text[] = "1 a\n2 b\n";
	uint8_t node[65] = {1};
	struct job_statement j = {0};
	struct hash h;

	(void)state;
	hash_sha256("\0001 a\n", 5, &h);
	memcpy(node + 1, h.b, 32);
	hash_sha256("\0002 b\n", 5, &h);
	memcpy(node + 33, h.b, 32);
	hash_sha256(node, sizeof(node), &h);
	dc_must(job_set_targets(&j, slice_str(text), NULL), "set", NULL);
	assert_memory_equal(&h, &j.tree, sizeof(h));
}

/* The longest ids there are, and as many hosts as may be. */
static void
a_place_ends_at_its_limit(void **state)
{
	struct str text = STR_INIT, shown = STR_INIT;
	char pad[ID_MAX + 1];
	struct job_statement j = {0};
	struct targets t = {0};
	struct targets_tree *tree;
	struct place p;
	struct err e = {0};

	(void)state;
	memset(pad, 'x', ID_MAX);
	pad[30] = '\0'; /* all of it has to fit into TARGETS_MAX */
	for (size_t i = 0; i < TARGETS_HOSTS_MAX; i++)
		str_addf(&text, "%zu %s%05zu\n", i / 100 + 1, pad, i);
	dc_must(job_set_targets(&j, slice_of(text.p, text.n), &e), "set", &e);
	dc_must(targets_parse(slice_of(text.p, text.n), &t, &e), "parse", &e);
	tree = tree_of(&t, &j);
	dc_must(targets_tree_place(tree, 4711, t.v[4711].batch, t.v[4711].host,
		    &shown, &e),
	    "place", &e);
	dc_must(place_parse(slice_of(shown.p, shown.n), &p, &e), "parse", &e);
	dc_must(place_check(&p, &j, &e), "check", &e);
	assert_int_equal(p.n, PLACE_HASHES_MAX);
	assert_true(shown.n + ID_MAX - 35 <= PLACE_MAX);
	/* One more hash is none that a tree could ask for. */
	str_addn(&shown, shown.p + shown.n - 45, 45);
	assert_int_equal(place_parse(slice_of(shown.p, shown.n), &p, &e),
	    ERR_PARSE);
	assert_non_null(strstr(e.msg, "at most 17"));
	targets_tree_free(tree);
	targets_clear(&t);
	str_clear(&shown);
	str_clear(&text);
}

/* --- texts ---------------------------------------------------------------- */

#define H1 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"

static const struct {
	const char *name, *text;
	int want;
	const char *says;
} texts[] = {
    {"alone", "0\n1 a\n", 0, ""},
    {"with a hash", "1\n2 a\n" H1, 0, ""},
    {"nothing", "", ERR_PARSE, "first line"},
    {"an index alone", "0\n", ERR_PARSE, "second line"},
    {"no index", "\n1 a\n", ERR_PARSE, "first line"},
    {"a negative one", "-1\n1 a\n", ERR_PARSE, "first line"},
    {"one with a blank", " 1\n1 a\n", ERR_PARSE, "first line"},
    {"one past 64 bits", "18446744073709551616\n1 a\n", ERR_PARSE,
	"first line"},
    {"no batch", "0\na\n", ERR_PARSE, "BATCH HOST"},
    {"batch 0", "0\n0 a\n", ERR_PARSE, "BATCH HOST"},
    {"batch 1001", "0\n1001 a\n", ERR_PARSE, "BATCH HOST"},
    {"a batch with a zero before it", "0\n01 a\n", ERR_PARSE, "BATCH HOST"},
    {"capitals", "0\n1 A\n", ERR_PARSE, "BATCH HOST"},
    {"two names", "0\n1 a b\n", ERR_PARSE, "BATCH HOST"},
    {"CR LF", "0\r\n1 a\r\n", ERR_PARSE, "first line"},
    {"no LF behind the line", "0\n1 a", ERR_PARSE, "second line"},
    {"no LF at the end", "0\n1 a\nAAAA", ERR_PARSE, "LF"},
    {"an empty line behind it", "0\n1 a\n\n", ERR_PARSE, "base64"},
    {"31 bytes", "0\n1 a\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\n",
	ERR_PARSE, "base64"},
    {"a hash spelt otherwise",
	"0\n1 a\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n", ERR_PARSE,
	"base64"},
};

static void
a_place_is_read_in_one_spelling(void **state)
{
	struct place p;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct err e = {0};
		int r = place_parse(slice_str(texts[i].text), &p, &e);

		if (r != texts[i].want || strstr(e.msg, texts[i].says) == NULL)
			fail_msg("%s: %d '%s'", texts[i].name, r, e.msg);
	}
	assert_int_equal(place_parse(slice_of((const uint8_t *)"0\n1 a\0\n", 7),
			     &p, NULL),
	    ERR_PARSE);
}

/* --- a job and its TARGETS ------------------------------------------------ */

static void
all_that_a_job_names_is_one_file(void **state)
{
	const struct slice text = slice_str(dc_targets);
	struct job_statement good = {0}, j;
	struct err e = {0};

	(void)state;
	dc_must(job_set_targets(&good, text, &e), "set", &e);
	dc_must(job_check_targets(&good, text, NULL, &e), "check", &e);
	j = good;
	j.targets_size++;
	assert_int_equal(job_check_targets(&j, text, NULL, &e), ERR_PARSE);
	assert_non_null(strstr(e.msg, "of 59 bytes, expected the 60"));
	j = good;
	j.targets.b[0] ^= 1;
	assert_int_equal(job_check_targets(&j, text, NULL, &e), ERR_PARSE);
	assert_non_null(strstr(e.msg, "differs"));
	j = good;
	j.hosts--;
	assert_int_equal(job_check_targets(&j, text, NULL, &e), ERR_PARSE);
	assert_non_null(strstr(e.msg, "3 hosts, expected the 2"));
	j = good;
	j.tree.b[31] ^= 0x80;
	assert_int_equal(job_check_targets(&j, text, NULL, &e), ERR_PARSE);
	assert_non_null(strstr(e.msg, "the tree over TARGETS is not"));
	assert_int_equal(job_set_targets(&j, slice_str("1 a"), &e), ERR_PARSE);
	assert_int_equal(job_set_targets(&j, slice_of(NULL, 0), &e), ERR_PARSE);
}

static int
show_once(void *arg)
{
	struct targets_tree *tree = NULL;
	struct job_statement j;
	struct targets t = {0};
	struct str out = STR_INIT;
	struct place p;
	int r;

	if ((r = job_set_targets(&j, slice_str(arg), NULL)) == 0 &&
	    (r = job_check_targets(&j, slice_str(arg), &t, NULL)) == 0 &&
	    (r = targets_tree_new(&t, &tree)) == 0 &&
	    (r = targets_tree_place(tree, 1, t.v[1].batch, t.v[1].host, &out,
		 NULL)) == 0)
		r = place_parse(slice_of(out.p, out.n), &p, NULL);
	targets_tree_free(tree);
	targets_clear(&t);
	str_clear(&out);
	return r;
}

static void
every_failing_allocation_is_answered(void **state)
{
	static char text[] = "1 a\n1 b\n2 c\n";

	(void)state;
	assert_true(alloc_each(show_once, text) > 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_place_of_every_tree_is_shown),
	    cmocka_unit_test(a_tree_is_that_of_rfc_6962),
	    cmocka_unit_test(a_place_ends_at_its_limit),
	    cmocka_unit_test(a_place_is_read_in_one_spelling),
	    cmocka_unit_test(all_that_a_job_names_is_one_file),
	    cmocka_unit_test(every_failing_allocation_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
