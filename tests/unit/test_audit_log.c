/* SPDX-License-Identifier: ISC */
/* A log that is whole, and the same log with one thing wrong in one file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/audit.h"
#include "lib/tlog/tile.h"
#include "tests/unit/alloc.h"
#include "tests/unit/logcase.h"

static struct logcase lg;

static void
audit_with(struct audit_config *c, struct audit_report *r)
{
	struct err e = {0};
	int ret;

	memset(r, 0, sizeof(*r));
	c->url = lg.dir;
	c->realm = lg.realm;
	ret = audit_verify(c, r, &e);
	if (ret != 0)
		fail_msg("audit: %s", e.msg);
}

static void
audit(struct audit_report *r)
{
	struct audit_config c = {.url = NULL};

	audit_with(&c, r);
}

static void
print(const struct audit_report *r)
{
	struct str text = STR_INIT;

	audit_report_text(r, &text);
	print_error("%s", text.p);
	str_clear(&text);
}

static void
expect_clean(const struct audit_report *r)
{
	if (r->n_findings != 0) {
		print(r);
		fail_msg("findings in a log that is whole");
	}
}

/* A finding about this object, and leaf where one is given. */
static bool
names(const struct audit_report *r, const char *object, uint64_t index)
{
	for (size_t i = 0; i < r->n; i++)
		if (!r->v[i].notice && strcmp(r->v[i].object, object) == 0 &&
		    (index == AUDIT_NO_INDEX || r->v[i].index == index))
			return true;
	return false;
}

static void
expect_named(const struct audit_report *r, const char *object, uint64_t index,
    const char *what)
{
	if (names(r, object, index))
		return;
	print(r);
	fail_msg("%s: %s (leaf %lld) is not named", object, what,
	    (long long)index);
}

static void
expect_text(const struct audit_report *r, const char *text)
{
	for (size_t i = 0; i < r->n; i++)
		if (!r->v[i].notice && strstr(r->v[i].text, text) != NULL)
			return;
	print(r);
	fail_msg("no finding says: %s", text);
}

/* Two stories, published one after the other: partial tiles of two widths. */
static int
small(void **state)
{
	(void)state;
	logcase_open(&lg, "ca_log", SEED_LOG, SEED_USER_CA);
	logcase_story(&lg);
	logcase_publish(&lg);
	logcase_story(&lg);
	logcase_publish(&lg);
	return 0;
}

/* More than one bundle, and so a level above. */
static int
large(void **state)
{
	(void)state;
	logcase_open(&lg, "ca_log", SEED_LOG, SEED_USER_CA);
	for (size_t i = 0; i < 75; i++)
		logcase_story(&lg);
	logcase_publish(&lg);
	return 0;
}

static int
empty(void **state)
{
	(void)state;
	logcase_open(&lg, "ca_log", SEED_LOG, SEED_USER_CA);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	logcase_close(&lg);
	return 0;
}

static void
a_whole_log_has_no_findings(void **state)
{
	struct audit_report r;

	(void)state;
	audit(&r);
	expect_clean(&r);
	assert_int_equal(r.counts.leaves, 10);
	assert_int_equal(r.counts.certificates, 2);
	assert_int_equal(r.counts.records, 4);
	/* Root 2, policy 2, two stories of 3, three heads. */
	assert_int_equal(r.counts.signatures, 2 + 2 + 6 + 3);
	assert_string_equal(r.parts[0].name, "ca_log");
	audit_report_clear(&r);
}

static void
a_whole_log_of_several_bundles_has_no_findings(void **state)
{
	struct audit_report r;

	(void)state;
	audit(&r);
	expect_clean(&r);
	assert_int_equal(r.counts.leaves, 302);
	assert_int_equal(r.counts.records, 150);
	audit_report_clear(&r);
}

/* The leaf that has byte `at` of a bundle. */
static uint64_t
leaf_at(const char *key, size_t at)
{
	struct tile t;
	size_t end = 0;
	uint64_t i;

	assert_int_equal(tile_parse_path(key, &t), 0);
	for (i = t.index * TILE_WIDTH; i < lg.n; i++) {
		end += 2 + lg.leaf[i].n;
		if (at < end)
			break;
	}
	return i;
}

static void
flip_one(const char *key, size_t at)
{
	bool entries = strncmp(key, "tile/entries/", 13) == 0;
	struct audit_report r;
	char *text, what[64];
	size_t n;

	logcase_read(&lg, key, &text, &n);
	text[at] ^= (char)(1 << (at % 8));
	logcase_write(&lg, key, text, n);
	audit(&r);
	(void)snprintf(what, sizeof(what), "bit %zu of byte %zu", at % 8, at);
	expect_named(&r, key, entries ? leaf_at(key, at) : AUDIT_NO_INDEX,
	    what);
	audit_report_clear(&r);
	text[at] ^= (char)(1 << (at % 8));
	logcase_write(&lg, key, text, n);
	free(text);
}

static void
flip_each(size_t per_file)
{
	struct strs keys = {0};
	struct audit_report r;

	logcase_keys(&lg, &keys);
	assert_true(keys.n > 10);
	for (size_t i = 0; i < keys.n; i++) {
		size_t n, step;
		char *text;

		logcase_read(&lg, keys.v[i], &text, &n);
		free(text);
		step = n > per_file ? n / per_file : 1;
		for (size_t at = 0; at < n; at += step)
			flip_one(keys.v[i], at);
		flip_one(keys.v[i], n - 1);
	}
	audit(&r);
	expect_clean(&r);
	audit_report_clear(&r);
	strs_clear(&keys);
}

static void
a_flipped_bit_in_any_file_is_named(void **state)
{
	(void)state;
	flip_each(24);
}

static void
a_flipped_bit_in_a_larger_log_is_named(void **state)
{
	static const char *const keys[] = {"tile/0/000", "tile/0/001.p/46",
	    "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/46"};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		size_t n;
		char *text;

		logcase_read(&lg, keys[i], &text, &n);
		free(text);
		for (size_t at = 3; at < n; at += n / 4 + 1)
			flip_one(keys[i], at);
	}
}

static void
every_bit_of_the_checkpoint_counts(void **state)
{
	size_t n;
	char *text;

	(void)state;
	logcase_read(&lg, "checkpoint", &text, &n);
	for (size_t at = 0; at < n; at++)
		flip_one("checkpoint", at);
	free(text);
}

static void
a_shortened_file_is_named(void **state)
{
	struct strs keys = {0};

	(void)state;
	logcase_keys(&lg, &keys);
	for (size_t i = 0; i < keys.n; i++) {
		size_t cuts[3], n;
		char *text;

		logcase_read(&lg, keys.v[i], &text, &n);
		cuts[0] = 0;
		cuts[1] = n / 2;
		cuts[2] = n - 1;
		for (size_t j = 0; j < 3; j++) {
			struct audit_report r;

			logcase_write(&lg, keys.v[i], text, cuts[j]);
			audit(&r);
			expect_named(&r, keys.v[i], AUDIT_NO_INDEX, "cut");
			audit_report_clear(&r);
		}
		logcase_write(&lg, keys.v[i], text, n);
		free(text);
	}
	strs_clear(&keys);
}

static void
a_lengthened_file_is_named(void **state)
{
	struct strs keys = {0};

	(void)state;
	logcase_keys(&lg, &keys);
	for (size_t i = 0; i < keys.n; i++) {
		struct audit_report r;
		size_t n;
		char *text, *more;

		logcase_read(&lg, keys.v[i], &text, &n);
		assert_non_null(more = calloc(1, n + 1));
		memcpy(more, text, n);
		logcase_write(&lg, keys.v[i], more, n + 1);
		audit(&r);
		expect_named(&r, keys.v[i], AUDIT_NO_INDEX, "a byte more");
		audit_report_clear(&r);
		logcase_write(&lg, keys.v[i], text, n);
		free(more);
		free(text);
	}
	strs_clear(&keys);
}

/* Superseded partial tiles and heads may go; everything else may not. */
static bool
may_go(const char *key)
{
	struct tile t;

	if (strncmp(key, "checkpoints/", 12) == 0)
		return true;
	return tile_parse_path(key, &t) == 0 &&
	    t.width < tile_width(t.level, t.index, lg.n);
}

static void
a_file_that_is_gone_is_named(void **state)
{
	struct strs keys = {0};

	(void)state;
	logcase_keys(&lg, &keys);
	for (size_t i = 0; i < keys.n; i++) {
		struct audit_report r;
		size_t n;
		char *text;

		logcase_read(&lg, keys.v[i], &text, &n);
		logcase_remove(&lg, keys.v[i]);
		audit(&r);
		if (may_go(keys.v[i]))
			expect_clean(&r);
		else
			expect_named(&r, keys.v[i], AUDIT_NO_INDEX, "gone");
		audit_report_clear(&r);
		logcase_write(&lg, keys.v[i], text, n);
		free(text);
	}
	strs_clear(&keys);
}

static void
a_file_that_nobody_should_have_put_there_is_named(void **state)
{
	static const char *const keys[] = {"checkpoint.foreign-01234567",
	    "checkpoints/0x", "checkpoints/99", "checkpoints/garbage",
	    "tile/0/000.foreign-01234567", "tile/0/001", "tile/0/000.p/77",
	    "tile/entries/001.p/3", "tile/7/000.p/1", "tile/x",
	    "records/2026/03/02/1.json", "records/2026/03/02/1-cert.pub",
	    "records/readme", "policy/readme",
	    ("policy/"
	     "000000000000000000000000000000000000000000000000000000000000000"
	     "0"),
	    ("krl/"
	     "000000000000000000000000000000000000000000000000000000000000000"
	     "0")};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct audit_report r;

		logcase_write(&lg, keys[i], "x", 1);
		audit(&r);
		expect_named(&r, keys[i], AUDIT_NO_INDEX, "added");
		audit_report_clear(&r);
		logcase_remove(&lg, keys[i]);
	}
}

/* --- heads ---------------------------------------------------------------- */

static void
a_signed_head_of_another_tree_is_a_fork(void **state)
{
	struct str note = STR_INIT;
	struct hash other = fixture_hash(0x77);
	struct audit_report r;

	(void)state;
	logcase_note(&lg, 4, &other, SEED_LOG, &note);
	logcase_write(&lg, "checkpoints/4", note.p, note.n);
	audit(&r);
	expect_named(&r, "checkpoints/4", AUDIT_NO_INDEX, "fork");
	expect_text(&r, "another tree of 4 leaves");
	audit_report_clear(&r);
	str_clear(&note);
}

static void
a_head_ahead_of_the_checkpoint_is_a_rollback(void **state)
{
	struct str note = STR_INIT;
	struct audit_report r;
	struct hash root;

	(void)state;
	logcase_root(&lg, 6, &root);
	logcase_note(&lg, 6, &root, SEED_LOG, &note);
	logcase_write(&lg, "checkpoint", note.p, note.n);
	audit(&r);
	expect_text(&r, "signed for 10 leaves");
	audit_report_clear(&r);
	str_clear(&note);
}

static void
a_head_by_another_key_is_not_believed(void **state)
{
	struct str note = STR_INIT;
	struct audit_report r;
	struct hash root;

	(void)state;
	logcase_root(&lg, 10, &root);
	logcase_note(&lg, 10, &root, SEED_EMERGENCY_LOG, &note);
	logcase_write(&lg, "checkpoint", note.p, note.n);
	audit(&r);
	expect_named(&r, "checkpoint", AUDIT_NO_INDEX, "another key");
	audit_report_clear(&r);
	str_clear(&note);
}

static void
another_realm_has_no_log_here(void **state)
{
	struct audit_config c = {.url = lg.dir, .realm = fixture_hash(0x11)};
	struct audit_report r = {0};

	(void)state;
	assert_int_equal(audit_verify(&c, &r, NULL), 0);
	expect_text(&r, "no checkpoint of this realm");
	audit_report_clear(&r);
}

static void
a_directory_without_a_log_is_said(void **state)
{
	struct audit_config c = {.url = lg.dir, .realm = lg.realm};
	struct audit_report r = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(audit_verify(&c, &r, &e), ERR_NOTFOUND);
	assert_non_null(strstr(e.msg, "no log in"));
	audit_report_clear(&r);
}

/* --- from an earlier checkpoint on ---------------------------------------- */

static void
an_earlier_checkpoint_is_where_judging_begins(void **state)
{
	struct audit_config c = {.url = NULL};
	struct audit_report r;
	char *note;
	size_t n;

	(void)state;
	logcase_read(&lg, "checkpoints/6", &note, &n);
	c.since_note = slice_of(note, n);
	audit_with(&c, &r);
	expect_clean(&r);
	assert_int_equal(r.counts.leaves, 10);
	assert_int_equal(r.counts.records, 2);
	assert_int_equal(r.parts[0].since, 6);
	assert_int_equal(r.parts[0].fresh, 1);
	audit_report_clear(&r);
	free(note);
}

static void
an_earlier_checkpoint_of_another_history_is_found(void **state)
{
	struct audit_config c = {.url = NULL};
	struct hash other = fixture_hash(0x42);
	struct str note = STR_INIT;
	struct audit_report r;

	(void)state;
	logcase_note(&lg, 6, &other, SEED_LOG, &note);
	c.since_note = slice_of(note.p, note.n);
	audit_with(&c, &r);
	expect_text(&r, "another tree of 6 leaves");
	audit_report_clear(&r);
	str_clear(&note);
}

static void
a_log_shorter_than_the_earlier_checkpoint_is_found(void **state)
{
	struct audit_config c = {.url = NULL};
	struct hash other = fixture_hash(0x42);
	struct str note = STR_INIT;
	struct audit_report r;

	(void)state;
	logcase_note(&lg, 60, &other, SEED_LOG, &note);
	c.since_note = slice_of(note.p, note.n);
	audit_with(&c, &r);
	expect_text(&r, "is signed for 60 leaves");
	audit_report_clear(&r);
	str_clear(&note);
}

/* --- told ----------------------------------------------------------------- */

static void
the_report_ends_with_what_was_counted(void **state)
{
	struct str text = STR_INIT;
	struct audit_report r;

	(void)state;
	audit(&r);
	audit_report_text(&r, &text);
	assert_string_equal(text.p,
	    "10 leaves, 2 certificates, 13 signatures verified, 4 records "
	    "compared, 0 findings\n");
	str_reset(&text);
	audit_report_json(&r, &text);
	assert_non_null(strstr(text.p, "\"leaves\": \"10\""));
	str_clear(&text);
	audit_report_clear(&r);
}

/*
 * Memory that runs out is said, and never taken for a finding or for none.
 * Every 13th allocation: all of them take minutes.
 */
static void
no_verdict_without_memory(void **state)
{
	struct audit_config c = {.url = lg.dir, .realm = lg.realm};
	size_t failed = 0;
	bool more = true;

	(void)state;
	for (size_t nth = 1; more; nth += 13) {
		struct audit_report r = {0};
		int ret;

		alloc_fail_nth(nth);
		ret = audit_verify(&c, &r, NULL);
		more = alloc_failed();
		alloc_fail_nth(0);
		audit_report_clear(&r);
		if (ret != (more ? ERR_NOMEM : 0))
			fail_msg("allocation %zu: %s", nth, err_text(ret));
		failed += more;
	}
	assert_true(failed > 10);
}

/* --- reading -------------------------------------------------------------- */

struct seen {
	size_t n;
	uint64_t serial, index;
};

static int
see(void *ctx, const struct audit_certificate *c)
{
	struct seen *s = ctx;

	s->n++;
	s->serial = c->cert->serial;
	s->index = c->index;
	assert_string_equal(c->request->by, ALICE);
	assert_int_equal(c->n_decisions, 1);
	assert_string_equal(c->decisions[0]->by, OLGA);
	return 0;
}

static void
a_certificate_is_listed_found_and_proved(void **state)
{
	struct audit_log *l = NULL;
	struct str text = STR_INIT;
	struct tlog_proof proof;
	struct seen s = {0};
	struct checkpoint c;
	struct err e = {0};
	char origin[ORIGIN_MAX];
	struct hash leaf;
	uint64_t index;

	(void)state;
	assert_int_equal(audit_log_open(lg.dir, NULL, &lg.realm,
			     lg.trust.policy, &l, &e),
	    0);
	assert_int_equal(audit_log_each(l, see, &s, &e), 0);
	assert_int_equal(s.n, (lg.n - 2) / 4);
	assert_int_equal(audit_log_find(l, s.serial, &index, &e), 0);
	assert_int_equal(index, s.index);
	assert_int_equal(audit_log_find(l, s.serial + 1, &index, &e),
	    ERR_NOTFOUND);
	assert_int_equal(audit_log_prove(l, s.index, &text, &e), 0);
	assert_int_equal(tlog_proof_parse(slice_of(text.p, text.n), &proof, &e),
	    0);
	assert_int_equal(proof.index, s.index);
	assert_int_equal(log_origin(&lg.realm, "ca_log", origin), 0);
	assert_int_equal(checkpoint_open(proof.note, origin,
			     pubkey_ed25519(fixture_key(SEED_LOG)), &c, &e),
	    0);
	merkle_leaf(lg.leaf[s.index].p, lg.leaf[s.index].n, &leaf);
	assert_int_equal(merkle_check_inclusion(&leaf, proof.index, c.size,
			     proof.proof, proof.n, &c.root),
	    0);
	str_clear(&text);
	audit_log_close(l);
}

#define IN(setup, t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    IN(small, a_whole_log_has_no_findings),
	    IN(large, a_whole_log_of_several_bundles_has_no_findings),
	    IN(small, a_flipped_bit_in_any_file_is_named),
	    IN(large, a_flipped_bit_in_a_larger_log_is_named),
	    IN(small, every_bit_of_the_checkpoint_counts),
	    IN(small, a_shortened_file_is_named),
	    IN(small, a_lengthened_file_is_named),
	    IN(small, a_file_that_is_gone_is_named),
	    IN(small, a_file_that_nobody_should_have_put_there_is_named),
	    IN(small, a_signed_head_of_another_tree_is_a_fork),
	    IN(small, a_head_ahead_of_the_checkpoint_is_a_rollback),
	    IN(small, a_head_by_another_key_is_not_believed),
	    IN(small, another_realm_has_no_log_here),
	    IN(empty, a_directory_without_a_log_is_said),
	    IN(small, an_earlier_checkpoint_is_where_judging_begins),
	    IN(small, an_earlier_checkpoint_of_another_history_is_found),
	    IN(small, a_log_shorter_than_the_earlier_checkpoint_is_found),
	    IN(small, the_report_ends_with_what_was_counted),
	    IN(small, no_verdict_without_memory),
	    IN(small, a_certificate_is_listed_found_and_proved),
	    IN(large, a_certificate_is_listed_found_and_proved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
