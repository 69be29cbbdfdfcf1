/* SPDX-License-Identifier: ISC */
/* The record: every key there, a pure function of the leaves. */
#include "ca/issue/issue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/statement/leaf.h"
#include "tests/unit/alloc.h"
#include "tests/unit/issue_case.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define INDEX  7

/* Alice's request, approved by olga for half an hour, and its leaf. */
struct issued {
	struct issue_case c;
	struct issue_leaf leaf;
	struct hash decisions[2];
};

static void
issued_open(struct issued *x)
{
	struct issue_case *c = &x->c;
	struct statement *d;
	struct buf *tbs = NULL;

	memset(x, 0, sizeof(*x));
	issue_case_open(c);
	issue_case_text(&c->request.u.r.reason, "say \"yes\" to \xc4\x85");
	issue_case_words(&c->request.u.r.source, "10.0.0.0/8 192.0.2.1");
	issue_case_ask(c, FIXTURE_BY(SEED_ALICE));
	d = issue_case_decision(c, OLGA);
	d->u.d.length = 1800;
	d->u.d.comment = strdup("half is enough");
	issue_case_decide(c, FIXTURE_BY(SEED_OLGA));
	issue_case_expect(c, "approved", "ready");

	assert_int_equal(buf_new(&tbs, CERT_MAX), 0);
	assert_int_equal(cert_encode_tbs(&c->r.cert, tbs), 0);
	x->decisions[0] = d->hash;
	x->leaf = (struct issue_leaf){
	    .realm = *fixture_realm(),
	    .now = FIXTURE_NOW,
	    .rules = ISSUE_RULES,
	    .policy_version = 1,
	    .policy = c->policy->hash,
	    .request = c->request.hash,
	    .decisions = x->decisions,
	    .n_decisions = 1,
	    .size = 5,
	};
	buf_take(tbs, &x->leaf.tbs, &x->leaf.tbs_len);
	buf_free(tbs);
}

static void
issued_close(struct issued *x)
{
	free(x->leaf.tbs);
	issue_case_close(&x->c);
}

static const char *
text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	if (s == NULL)
		fail_msg("no text at %s", key);
	return s;
}

static void
record_says_who_when_why_and_on_whose_word(void **state)
{
	struct issued x;
	struct str out = STR_INIT;
	struct err e = {0};
	json_t *o = NULL;
	const json_t *approval;
	char hex[HASH_HEX], fp[FINGERPRINT_MAX], serial[32];
	char path[ISSUE_PATH_MAX], want[ISSUE_PATH_MAX];

	(void)state;
	issued_open(&x);
	if (issue_record(&x.leaf, INDEX, &x.c.request, x.c.list, 1, &out, path,
		&e))
		fail_msg("%s", e.msg);
	assert_int_equal(out.p[out.n - 1], '\n');
	assert_int_equal(json_read(slice_of(out.p, out.n - 1), 65536, &o, &e),
	    0);

	(void)snprintf(serial, sizeof(serial), "%llu",
	    (unsigned long long)issue_serial(&x.c.request.hash));
	assert_string_equal(text_of(o, "serial"), serial);
	/* The date of valid_after: "2026-03-02T..." */
	(void)snprintf(want, sizeof(want), "records/%.4s/%.2s/%.2s/%s.json",
	    text_of(o, "valid_after"), text_of(o, "valid_after") + 5,
	    text_of(o, "valid_after") + 8, serial);
	assert_string_equal(path, want);
	assert_string_equal(text_of(o, "key_id"), x.c.r.cert.key_id);
	assert_string_equal(text_of(o, "kind"), "user");
	assert_string_equal(text_of(o, "person"), ALICE);
	assert_string_equal(text_of(o, "reason"), "say \"yes\" to \xc4\x85");
	assert_string_equal(text_of(o, "grant"), "deploy");
	assert_string_equal(text_of(o, "valid_after"), "2026-03-02T09:59:00Z");
	assert_string_equal(text_of(o, "valid_before"), "2026-03-02T10:30:00Z");
	assert_string_equal(text_of(o, "index"), "7");
	assert_true(json_is_null(json_object_get(o, "ticket")));
	assert_true(json_is_null(json_object_get(o, "force_command")));
	assert_int_equal(json_array_size(json_object_get(o, "source")), 2);
	assert_string_equal(json_string_value(json_array_get(json_object_get(o,
								 "source"),
				1)),
	    "192.0.2.1");
	assert_int_equal(json_array_size(json_object_get(o, "extensions")), 1);
	pubkey_fingerprint(fixture_key(SEED_SUBJECT), fp);
	assert_string_equal(text_of(o, "key"), fp);
	pubkey_fingerprint(fixture_key(SEED_USER_CA), fp);
	assert_string_equal(text_of(o, "ca"), fp);
	hash_hex(&x.leaf.request, hex);
	assert_string_equal(text_of(o, "request"), hex);

	assert_int_equal(json_array_size(json_object_get(o, "approved_by")), 1);
	approval = json_array_get(json_object_get(o, "approved_by"), 0);
	assert_string_equal(text_of(approval, "person"), OLGA);
	assert_string_equal(text_of(approval, "for"), "30m");
	assert_string_equal(text_of(approval, "comment"), "half is enough");
	hash_hex(&x.decisions[0], hex);
	assert_string_equal(text_of(approval, "decision"), hex);
	assert_string_equal(text_of(json_object_get(o, "asked"), "for"), "1h");
	json_decref(o);
	str_clear(&out);
	issued_close(&x);
}

static void
record_has_every_key_whatever_is_absent(void **state)
{
	static const char *const keys[] = {"v", "serial", "key_id", "kind",
	    "person", "principals", "reason", "ticket", "grant", "asked",
	    "valid_after", "valid_before", "source", "force_command",
	    "verify_required", "extensions", "key_type", "key", "ca",
	    "approved_by", "request", "policy", "policy_version", "realm",
	    "rules", "now", "size", "index", "tbs"};
	struct issued x;
	struct str out = STR_INIT;
	struct err e = {0};
	json_t *o = NULL;

	(void)state;
	issued_open(&x);
	assert_int_equal(issue_record(&x.leaf, INDEX, &x.c.request, x.c.list, 1,
			     &out, NULL, &e),
	    0);
	assert_int_equal(json_read(slice_of(out.p, out.n - 1), 65536, &o, &e),
	    0);
	for (size_t i = 0; i < LEN(keys); i++)
		if (json_object_get(o, keys[i]) == NULL)
			fail_msg("no key %s", keys[i]);
	assert_int_equal(json_object_size(o), LEN(keys));
	json_decref(o);
	str_clear(&out);
	issued_close(&x);
}

static void
record_keeps_what_was_asked_apart_from_what_was_given(void **state)
{
	struct issued x;
	struct str out = STR_INIT;
	struct err e = {0};
	const json_t *asked;
	json_t *o = NULL;

	(void)state;
	issued_open(&x);
	/* The record takes them as they are: no hash looks at them again. */
	x.c.request.u.r.not_before = FIXTURE_NOW + 60;
	x.c.request.u.r.has_extensions = true;
	x.c.decisions[0].u.d.length = 0;
	assert_int_equal(issue_record(&x.leaf, INDEX, &x.c.request, x.c.list, 1,
			     &out, NULL, &e),
	    0);
	assert_int_equal(json_read(slice_of(out.p, out.n - 1), 65536, &o, &e),
	    0);
	asked = json_object_get(o, "asked");
	assert_string_equal(text_of(asked, "not_before"),
	    "2026-03-02T10:01:00Z");
	assert_int_equal(json_array_size(json_object_get(asked, "extensions")),
	    0);
	assert_true(json_is_null(json_object_get(
	    json_array_get(json_object_get(o, "approved_by"), 0), "for")));
	assert_int_equal(json_array_size(json_object_get(o, "extensions")), 1);
	json_decref(o);
	str_clear(&out);
	issued_close(&x);
}

static void
record_of_mixed_leaves_is_refused(void **state)
{
	struct issued x;
	struct str out = STR_INIT;
	struct err e = {0};
	const struct statement *request = &x.c.request;

	(void)state;
	issued_open(&x);
	x.leaf.request.b[31] ^= 1;
	assert_int_equal(issue_record(&x.leaf, INDEX, request, x.c.list, 1,
			     &out, NULL, &e),
	    ERR_CORRUPT);
	x.leaf.request.b[31] ^= 1;
	x.decisions[0].b[0] ^= 1;
	assert_int_equal(issue_record(&x.leaf, INDEX, request, x.c.list, 1,
			     &out, NULL, &e),
	    ERR_CORRUPT);
	x.decisions[0].b[0] ^= 1;
	assert_int_equal(issue_record(&x.leaf, INDEX, request, x.c.list, 0,
			     &out, NULL, &e),
	    ERR_CORRUPT);
	assert_int_equal(issue_record(&x.leaf, INDEX, &x.c.decisions[0],
			     x.c.list, 1, &out, NULL, &e),
	    ERR_CORRUPT);
	x.leaf.tbs_len--;
	assert_int_equal(issue_record(&x.leaf, INDEX, request, x.c.list, 1,
			     &out, NULL, &e),
	    ERR_PARSE);
	assert_int_equal(out.n, 0);
	str_clear(&out);
	issued_close(&x);
}

static int
record_once(void *arg)
{
	struct issued *x = arg;
	struct str out = STR_INIT;
	struct err e = {0};
	int r = issue_record(&x->leaf, INDEX, &x->c.request, x->c.list, 1, &out,
	    NULL, &e);

	str_clear(&out);
	return r;
}

static void
record_without_memory_is_an_error(void **state)
{
	struct issued x;

	(void)state;
	issued_open(&x);
	assert_true(alloc_each(record_once, &x) > 5);
	issued_close(&x);
}

static void
record_path_is_the_day_it_becomes_valid(void **state)
{
	static const struct {
		uint64_t t, serial;
		const char *suffix, *want;
	} cases[] = {
	    {1772445600, 1, ".json", "records/2026/03/02/1.json"},
	    {1772495999, INT64_MAX, "-cert.pub",
		"records/2026/03/02/9223372036854775807-cert.pub"},
	    {1772496000, 2, ".json", "records/2026/03/03/2.json"},
	    {0, 3, ".json", "records/1970/01/01/3.json"},
	    {UINT64_MAX, 4, ".json", "records/9999/12/31/4.json"},
	};
	char path[ISSUE_PATH_MAX];

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		issue_record_path(cases[i].t, cases[i].serial, cases[i].suffix,
		    path);
		assert_string_equal(path, cases[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(record_says_who_when_why_and_on_whose_word),
	    cmocka_unit_test(record_has_every_key_whatever_is_absent),
	    cmocka_unit_test(
		record_keeps_what_was_asked_apart_from_what_was_given),
	    cmocka_unit_test(record_of_mixed_leaves_is_refused),
	    cmocka_unit_test(record_without_memory_is_an_error),
	    cmocka_unit_test(record_path_is_the_day_it_becomes_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
