/* SPDX-License-Identifier: ISC */
/* The keeper over a real log in a directory: what the log knows counts, whether
 * its file is still there or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/keeper.h"
#include "ca/keeper/recorder.h"
#include "lib/ssh/krl.h"
#include "lib/tlog/checkpoint.h"
#include "tests/unit/fixture.h"
#include "tests/unit/tmpdir.h"

#define HOUR INT64_C(3600)

struct world {
	char dir[TMPDIR_MAX];
	struct trust trust;
	struct recorder recorder;
	struct ledger *ledger;
	struct keeper *keeper;
	char origin[ORIGIN_MAX];
	int64_t now;
	struct err e;
};

/* --- a world -------------------------------------------------------------- */

static void
open_keeper(struct world *w)
{
	struct ledger_config c = {.dir = w->dir,
	    .origin = w->origin,
	    .pks = (const uint8_t(*)[32])(uintptr_t)
		pubkey_ed25519(fixture_key(SEED_LOG)),
	    .n_pks = 1,
	    .classify = leaf_classify,
	    .names = leaf_names,
	    .listed = KEEPER_LISTED,
	    .objects = recorder_objects,
	    .objects_ctx = &w->recorder};

	if (ledger_open(&c, &w->ledger, &w->e) != 0)
		fail_msg("ledger: %s", w->e.msg);
	w->recorder.ledger = w->ledger;
	if (keeper_new(w->dir, w->ledger, &w->trust, &w->keeper, &w->e) != 0)
		fail_msg("keeper: %s", w->e.msg);
}

static void
close_keeper(struct world *w)
{
	keeper_free(w->keeper);
	recorder_clear(&w->recorder);
	ledger_close(w->ledger);
	w->keeper = NULL;
	w->ledger = NULL;
}

/* Forget everything but the log. */
static void
again(struct world *w)
{
	close_keeper(w);
	open_keeper(w);
}

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	tmpdir_make(w->dir, "keeper");
	w->trust = (struct trust){.have = true,
	    .realm = *fixture_realm(),
	    .root_version = 1,
	    .policy = fixture_policy(NULL, NULL)};
	w->now = FIXTURE_NOW;
	assert_int_equal(log_origin(&w->trust.realm, "ca_log", w->origin), 0);
	open_keeper(w);
	*state = w;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static int
tear_down(void **state)
{
	struct world *w = *state;
	int r;

	close_keeper(w);
	policy_free(w->trust.policy);
	r = nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(w);
	return r;
}

/* --- acts ----------------------------------------------------------------- */

static void
commit(struct world *w, const struct keeper_leaves *l,
    struct ledger_receipt *receipts)
{
	if (l->n > 0 &&
	    ledger_commit(w->ledger, l->v, l->n, receipts, &w->e) != 0)
		fail_msg("commit: %s", w->e.msg);
}

/* n items through prepare, commit, a CA of the test's own, finish, commit. */
static void
issue(struct world *w, struct keeper_item *items, size_t n)
{
	struct ledger_receipt receipts[64];
	struct keeper_leaves leaves = {0};

	if (keeper_prepare(w->keeper, items, n, w->now,
		fixture_key(SEED_USER_CA), fixture_key(SEED_HOST_CA), &leaves,
		&w->e) != 0)
		fail_msg("prepare: %s", w->e.msg);
	assert_true(leaves.n < 64);
	commit(w, &leaves, receipts);
	keeper_committed(items, &leaves, receipts);
	keeper_leaves_clear(&leaves);
	for (size_t i = 0; i < n; i++) {
		struct keeper_item *it = &items[i];
		struct slice tbs = slice_of(it->leaf.tbs, it->leaf.tbs_len);
		struct buf *sig = NULL;

		if (it->r != 0 || it->cert != NULL)
			continue;
		assert_int_equal(buf_new(&sig, 4096), 0);
		assert_int_equal(buf_new(&it->cert, CERT_MAX), 0);
		fixture_raw_sign(SEED_USER_CA, tbs, sig);
		assert_int_equal(buf_put_slice(it->cert, tbs), 0);
		assert_int_equal(buf_put_buf(it->cert, sig), 0);
		buf_free(sig);
	}
	if (keeper_finish(w->keeper, items, n, &leaves, &w->e) != 0)
		fail_msg("finish: %s", w->e.msg);
	commit(w, &leaves, receipts);
	keeper_leaves_clear(&leaves);
}

/* One request with these decisions: what became of it, and its serial. */
struct outcome_of {
	int r;
	char why[300];
	size_t notes;
	uint64_t serial;
	bool again;
	size_t new_leaves;
};

static struct outcome_of
ask(struct world *w, struct statement *request, struct statement **given,
    size_t n)
{
	uint64_t before = ledger_size(w->ledger);
	struct outcome_of o = {0};
	struct keeper_item it;
	struct err why = {0};

	keeper_item_init(&it);
	it.request = request;
	it.e = &why;
	it.given = given;
	it.n_given = n;
	issue(w, &it, 1);
	o.r = it.r;
	snprintf(o.why, sizeof(o.why), "%.299s", why.msg);
	o.notes = it.notes.n;
	o.again = it.again;
	o.serial = leaf_serial(&request->hash);
	o.new_leaves = (size_t)(ledger_size(w->ledger) - before);
	assert_true((it.r == 0) == (it.cert != NULL));
	keeper_item_clear(&it);
	return o;
}

static void
make_request(struct statement *s, const char *by, uint8_t seed)
{
	fixture_request(s, by);
	fixture_sign(s, FIXTURE_BY(seed));
}

static void
make_decision(struct world *w, struct statement *s, const char *by,
    uint8_t seed, bool approve, const struct statement *request)
{
	fixture_decision(s, by, &w->trust.policy->hash, &request, 1);
	s->u.d.approve = approve;
	fixture_sign(s, FIXTURE_BY(seed));
}

/* A certificate for alice: its serial. */
static uint64_t
issue_one(struct world *w)
{
	struct statement request, yes, *given[] = {&yes};
	struct outcome_of o;

	make_request(&request, ALICE, SEED_ALICE);
	make_decision(w, &yes, OLGA, SEED_OLGA, true, &request);
	o = ask(w, &request, given, 1);
	if (o.r != 0)
		fail_msg("%s", o.why);
	statement_clear(&request);
	statement_clear(&yes);
	return o.serial;
}

static int
apply(struct world *w, struct statement *s, struct statement **given, size_t n)
{
	struct ledger_receipt receipts[16];
	struct keeper_leaves leaves = {0};
	int r;

	memset(&w->e, 0, sizeof(w->e));
	r = keeper_apply(w->keeper, s, given, n, &leaves, &w->e);
	assert_true(leaves.n < 16);
	commit(w, &leaves, receipts);
	keeper_leaves_clear(&leaves);
	return r;
}

/* --- requests ------------------------------------------------------------- */

static void
a_request_waits_is_approved_and_issued_once(void **state)
{
	struct world *w = *state;
	struct statement request, yes, *given[] = {&yes};
	struct outcome_of o;

	make_request(&request, ALICE, SEED_ALICE);
	make_decision(w, &yes, OLGA, SEED_OLGA, true, &request);
	o = ask(w, &request, NULL, 0);
	assert_int_equal(o.r, ERR_WAIT);
	assert_int_equal(o.new_leaves, 1); /* the request */
	o = ask(w, &request, NULL, 0);
	assert_int_equal(o.r, ERR_WAIT);
	assert_int_equal(o.new_leaves, 0); /* is not added twice */
	o = ask(w, &request, given, 1);
	assert_int_equal(o.r, 0);
	assert_int_equal(o.new_leaves, 3); /* decision, tbs, certificate */
	assert_false(o.again);
	o = ask(w, &request, given, 1);
	assert_int_equal(o.r, 0);
	assert_true(o.again);
	assert_int_equal(o.new_leaves, 0);
	again(w);
	w->now += HOUR / 2;
	o = ask(w, &request, NULL, 0);
	assert_int_equal(o.r, 0); /* and without the decision's file */
	assert_true(o.again);
	assert_int_equal(o.new_leaves, 0);
	statement_clear(&request);
	statement_clear(&yes);
}

static void
a_denial_stays_when_its_file_is_gone(void **state)
{
	struct world *w = *state;
	struct statement request, no, yes, *given[] = {&no}, *other[] = {&yes};
	struct outcome_of o;

	make_request(&request, ALICE, SEED_ALICE);
	make_decision(w, &no, IVAN, SEED_IVAN, false, &request);
	make_decision(w, &yes, OLGA, SEED_OLGA, true, &request);
	o = ask(w, &request, given, 1);
	assert_int_equal(o.r, ERR_DENIED);
	assert_int_equal(o.new_leaves, 2); /* a denial is an act */
	o = ask(w, &request, other, 1);
	assert_int_equal(o.r, ERR_DENIED);
	assert_non_null(strstr(o.why, IVAN));
	again(w);
	o = ask(w, &request, other, 1);
	assert_int_equal(o.r, ERR_DENIED);
	assert_non_null(strstr(o.why, IVAN));
	statement_clear(&request);
	statement_clear(&no);
	statement_clear(&yes);
}

static void
the_first_decision_of_a_person_counts(void **state)
{
	struct world *w = *state;
	struct statement request, shorter, no, *given[] = {&shorter},
					       *later[] = {&no};
	struct outcome_of o;

	/* Two terms, so that the first approval waits. */
	fixture_request(&request, BOB);
	strs_clear(&request.u.r.principals);
	assert_int_equal(strs_add(&request.u.r.principals, "root-change"), 0);
	free(request.u.r.grant);
	request.u.r.grant = strdup("root-change");
	request.u.r.ticket = strdup("CHG-7");
	fixture_sign(&request, FIXTURE_BY(SEED_BOB));
	make_decision(w, &shorter, OLGA, SEED_OLGA, true, &request);
	make_decision(w, &no, OLGA, SEED_OLGA, false, &request);
	o = ask(w, &request, given, 1);
	if (o.r != ERR_WAIT)
		fail_msg("%d %s", o.r, o.why);
	o = ask(w, &request, later, 1);
	/* The approval is in the log: a change of mind comes too late. */
	assert_int_equal(o.r, ERR_WAIT);
	assert_true(o.notes > 0);
	statement_clear(&request);
	statement_clear(&shorter);
	statement_clear(&no);
}

static void
what_nobody_said_is_not_recorded(void **state)
{
	struct world *w = *state;
	struct statement request, yes, bad, *given[] = {&yes, &bad};
	struct outcome_of o;

	make_request(&request, ALICE, SEED_MALLORY);
	o = ask(w, &request, NULL, 0);
	assert_int_equal(o.r, ERR_DENIED);
	assert_int_equal(o.new_leaves, 0);
	statement_clear(&request);

	fixture_request(&request, ALICE);
	request.realm = fixture_hash(3);
	fixture_sign(&request, FIXTURE_BY(SEED_ALICE));
	o = ask(w, &request, NULL, 0);
	assert_int_equal(o.r, ERR_DENIED);
	assert_int_equal(o.new_leaves, 0);
	statement_clear(&request);

	/* A decision by nobody is named, passed over, and no leaf. */
	make_request(&request, ALICE, SEED_ALICE);
	make_decision(w, &yes, OLGA, SEED_MALLORY, true, &request);
	make_decision(w, &bad, IVAN, SEED_IVAN, true, &request);
	bad.verified = false;
	bad.bytes[bad.message_len - 3] ^= 1;
	o = ask(w, &request, given, 2);
	assert_int_equal(o.r, ERR_WAIT);
	assert_int_equal(o.notes, 2);
	assert_int_equal(o.new_leaves, 1);
	statement_clear(&request);
	statement_clear(&yes);
	statement_clear(&bad);
}

static void
twins_in_a_batch_are_one_certificate(void **state)
{
	struct world *w = *state;
	struct statement request, other, yes, too, *given[] = {&yes, &too};
	struct keeper_item items[3];

	make_request(&request, ALICE, SEED_ALICE);
	make_request(&other, BOB, SEED_BOB);
	make_decision(w, &yes, OLGA, SEED_OLGA, true, &request);
	make_decision(w, &too, OLGA, SEED_OLGA, true, &other);
	for (size_t i = 0; i < 3; i++) {
		keeper_item_init(&items[i]);
		items[i].request = i == 1 ? &other : &request;
		items[i].given = given;
		items[i].n_given = 2;
	}
	issue(w, items, 3);
	assert_int_equal(items[0].r, 0);
	assert_int_equal(items[1].r, 0);
	assert_int_equal(items[2].r, ERR_EXISTS);
	assert_null(items[2].cert);
	/* 2 requests, 2 decisions, 2 to be signed, 2 signed. */
	assert_int_equal(ledger_size(w->ledger), 8);
	for (size_t i = 0; i < 3; i++)
		keeper_item_clear(&items[i]);
	statement_clear(&request);
	statement_clear(&other);
	statement_clear(&yes);
	statement_clear(&too);
}

/* The log of another request whose hash comes to the same serial. */
static void
another_request_with_the_same_serial_is_refused(void **state)
{
	struct world *w = *state;
	struct statement request, yes, *given[] = {&yes};
	struct issue_leaf leaf = {.realm = *fixture_realm(),
	    .now = FIXTURE_NOW,
	    .rules = ISSUE_RULES,
	    .policy_version = 1};
	struct ledger_receipt receipt;
	struct keeper_item it;
	struct keeper_leaves leaves = {0};
	struct str text = STR_INIT;
	struct slice bytes;
	struct outcome_of o;

	make_request(&request, ALICE, SEED_ALICE);
	make_decision(w, &yes, OLGA, SEED_OLGA, true, &request);
	keeper_item_init(&it);
	it.request = &request;
	it.given = given;
	it.n_given = 1;
	assert_int_equal(keeper_prepare(w->keeper, &it, 1, w->now,
			     fixture_key(SEED_USER_CA), NULL, &leaves, &w->e),
	    0);
	assert_int_equal(it.r, 0);
	/* Its very certificate, but of a request with other last bytes. */
	leaf.tbs = it.leaf.tbs;
	leaf.tbs_len = it.leaf.tbs_len;
	leaf.policy = it.leaf.policy;
	leaf.request = request.hash;
	leaf.request.b[HASH_LEN - 1] ^= 1;
	assert_int_equal(leaf_serial(&leaf.request),
	    leaf_serial(&request.hash));
	assert_int_equal(issue_leaf_encode(&leaf, &text), 0);
	bytes = slice_of(text.p, text.n);
	assert_int_equal(ledger_commit(w->ledger, &bytes, 1, &receipt, &w->e),
	    0);
	keeper_leaves_clear(&leaves);
	keeper_item_clear(&it);
	o = ask(w, &request, given, 1);
	assert_int_equal(o.r, ERR_DENIED);
	assert_non_null(strstr(o.why, "another request has this serial"));
	str_clear(&text);
	statement_clear(&request);
	statement_clear(&yes);
}

static void
without_a_ca_that_kind_is_refused(void **state)
{
	struct world *w = *state;
	struct statement request, yes, *given[] = {&yes};
	struct keeper_leaves leaves = {0};
	struct keeper_item *items;

	items = calloc(KEEPER_BATCH_MAX + 1, sizeof(*items));
	assert_non_null(items);
	assert_int_equal(keeper_prepare(w->keeper, items, KEEPER_BATCH_MAX + 1,
			     w->now, fixture_key(SEED_USER_CA), NULL, &leaves,
			     &w->e),
	    ERR_LIMIT);
	make_request(&request, ALICE, SEED_ALICE);
	make_decision(w, &yes, OLGA, SEED_OLGA, true, &request);
	keeper_item_init(&items[0]);
	items[0].request = &request;
	items[0].given = given;
	items[0].n_given = 1;
	assert_int_equal(keeper_prepare(w->keeper, items, 1, w->now,
			     fixture_key(SEED_MALLORY), NULL, &leaves, &w->e),
	    0);
	assert_int_equal(items[0].r, ERR_DENIED);
	keeper_item_clear(&items[0]);
	keeper_leaves_clear(&leaves);
	free(items);
	statement_clear(&request);
	statement_clear(&yes);
}

/* --- keys and revocations ------------------------------------------------- */

static void
make_key(struct statement *s, const char *by, uint8_t key, bool add)
{
	fixture_statement(s, ST_KEY, by);
	s->u.k.add = add;
	assert_int_equal(pubkey_dup(fixture_key(key), &s->u.k.key), 0);
}

static void
a_new_key_counts_at_once_where_policy_says_self(void **state)
{
	struct world *w = *state;
	struct statement s, request;

	make_request(&request, ALICE, SEED_ALICE_NEW);
	assert_int_equal(ask(w, &request, NULL, 0).r, ERR_DENIED);
	make_key(&s, ALICE, SEED_ALICE_NEW, true);
	fixture_sign(&s, FIXTURE_BY(SEED_ALICE, SEED_ALICE_NEW));
	assert_int_equal(apply(w, &s, NULL, 0), 0);
	assert_int_equal(ledger_size(w->ledger), 1);
	assert_int_equal(apply(w, &s, NULL, 0), ERR_EXISTS);
	assert_int_equal(ledger_size(w->ledger), 1);
	assert_int_equal(ask(w, &request, NULL, 0).r, ERR_WAIT);
	again(w);
	assert_int_equal(ask(w, &request, NULL, 0).r, ERR_WAIT);
	statement_clear(&s);

	make_key(&s, ALICE, SEED_ALICE_NEW, false);
	fixture_sign(&s, FIXTURE_BY(SEED_ALICE));
	assert_int_equal(apply(w, &s, NULL, 0), 0);
	assert_int_equal(ask(w, &request, NULL, 0).r, ERR_DENIED);
	again(w);
	assert_int_equal(ask(w, &request, NULL, 0).r, ERR_DENIED);
	statement_clear(&s);
	statement_clear(&request);
}

static void
a_new_key_waits_for_officers_where_policy_says_so(void **state)
{
	struct world *w = *state;
	struct statement s, yes, *given[] = {&yes};
	const struct pubkey *key = fixture_key(SEED_ALICE_NEW);

	make_key(&s, CAROL, SEED_ALICE_NEW, true);
	fixture_sign(&s, FIXTURE_BY(SEED_CAROL, SEED_ALICE_NEW));
	assert_int_equal(apply(w, &s, NULL, 0), ERR_WAIT);
	assert_int_equal(ledger_size(w->ledger), 1);
	assert_null(standing_person_of_key(keeper_standing(w->keeper),
	    w->trust.policy, key, NULL));
	fixture_statement(&yes, ST_DECISION, OLGA);
	yes.u.d.approve = true;
	yes.u.d.policy = w->trust.policy->hash;
	yes.u.d.keys = malloc(sizeof(struct hash));
	assert_non_null(yes.u.d.keys);
	yes.u.d.keys[0] = s.hash;
	yes.u.d.n_keys = 1;
	fixture_sign(&yes, FIXTURE_BY(SEED_OLGA));
	assert_int_equal(apply(w, &s, given, 1), 0);
	assert_int_equal(ledger_size(w->ledger), 2);
	assert_non_null(standing_person_of_key(keeper_standing(w->keeper),
	    w->trust.policy, key, NULL));
	again(w);
	assert_non_null(standing_person_of_key(keeper_standing(w->keeper),
	    w->trust.policy, key, NULL));
	statement_clear(&s);
	statement_clear(&yes);
}

static void
make_revoke(struct statement *s, const char *by, uint64_t serial,
    const char *person, uint8_t key, const char *key_id)
{
	fixture_statement(s, ST_REVOKE, by);
	s->u.v.reason = strdup("lost on a train");
	if (serial != 0) {
		s->u.v.serials = malloc(sizeof(serial));
		assert_non_null(s->u.v.serials);
		s->u.v.serials[0] = serial;
		s->u.v.n_serials = 1;
	}
	if (person != NULL)
		s->u.v.person = strdup(person);
	if (key_id != NULL)
		s->u.v.key_id = strdup(key_id);
	if (key != 0)
		assert_int_equal(pubkey_dup(fixture_key(key), &s->u.v.key), 0);
}

/* Sign, apply, expect. */
static void
revoke(struct world *w, struct statement *s, uint8_t seed, int want)
{
	int r;

	fixture_sign(s, FIXTURE_BY(seed));
	r = apply(w, s, NULL, 0);
	if (r != want)
		fail_msg("revoke: %d '%s', expected %d", r, w->e.msg, want);
	statement_clear(s);
}

static void
a_serial_is_revoked_by_its_owner_and_by_officers_alone(void **state)
{
	struct world *w = *state;
	uint64_t first = issue_one(w), second = issue_one(w);
	struct statement s;
	uint64_t size = ledger_size(w->ledger);

	make_revoke(&s, BOB, first, NULL, 0, NULL);
	revoke(w, &s, SEED_BOB, ERR_DENIED);
	assert_int_equal(ledger_size(w->ledger), size);
	make_revoke(&s, ALICE, first, NULL, 0, NULL);
	revoke(w, &s, SEED_ALICE, 0);
	make_revoke(&s, IVAN, second, NULL, 0, NULL);
	revoke(w, &s, SEED_IVAN, 0);
	again(w);
	assert_true(standing_serial_revoked(keeper_standing(w->keeper), first));
	assert_true(standing_serial_revoked(keeper_standing(w->keeper),
	    second));
	fixture_statement(&s, ST_REVOKE, OLGA);
	s.realm = fixture_hash(3);
	s.u.v.reason = strdup("of another realm");
	s.u.v.person = strdup(BOB);
	revoke(w, &s, SEED_OLGA, ERR_DENIED);
	assert_non_null(strstr(w->e.msg, "realm"));
}

static void
a_revoked_person_asks_and_decides_nothing(void **state)
{
	struct world *w = *state;
	struct statement s, request, yes, *given[] = {&yes};

	make_request(&request, ALICE, SEED_ALICE);
	make_decision(w, &yes, OLGA, SEED_OLGA, true, &request);
	assert_int_equal(ask(w, &request, NULL, 0).r, ERR_WAIT);
	make_revoke(&s, IVAN, 0, ALICE, 0, NULL);
	revoke(w, &s, SEED_IVAN, 0);
	assert_int_equal(ask(w, &request, given, 1).r, ERR_DENIED);
	again(w);
	assert_int_equal(ask(w, &request, given, 1).r, ERR_DENIED);
	statement_clear(&request);
	statement_clear(&yes);
	make_request(&request, BOB, SEED_BOB);
	make_decision(w, &yes, OLGA, SEED_OLGA, true, &request);
	make_revoke(&s, IVAN, 0, OLGA, 0, NULL);
	revoke(w, &s, SEED_IVAN, 0);
	assert_int_equal(ask(w, &request, given, 1).r, ERR_WAIT);
	statement_clear(&request);
	statement_clear(&yes);
}

/* --- the list ------------------------------------------------------------- */

static bool
listed(struct krl *k, const char *key_id, uint64_t serial, uint8_t subject)
{
	struct cert c;
	bool revoked = false;

	cert_init(&c);
	c.kind = CERT_USER;
	c.serial = serial;
	assert_int_equal(pubkey_dup(fixture_key(subject), &c.key), 0);
	assert_int_equal(pubkey_dup(fixture_key(SEED_USER_CA), &c.ca), 0);
	c.key_id = strdup(key_id);
	revoked = krl_revokes_cert(k, &c);
	cert_clear(&c);
	return revoked;
}

static void
the_list_has_what_was_revoked_and_nothing_else(void **state)
{
	struct world *w = *state;
	uint64_t mine = issue_one(w), other = 4711;
	struct statement s;
	struct krl *k = NULL;
	struct buf *b = NULL;

	make_revoke(&s, OLGA, 12345, NULL, 0, NULL);
	revoke(w, &s, SEED_OLGA, 0);
	make_revoke(&s, OLGA, 0, NULL, 0,
	    "bob@example.com/00112233445566778899aabbccddeeff");
	revoke(w, &s, SEED_OLGA, 0);
	make_revoke(&s, OLGA, 0, NULL, SEED_MALLORY, NULL);
	revoke(w, &s, SEED_OLGA, 0);
	/* A person: certificates that are still good, and keys. */
	make_revoke(&s, OLGA, 0, ALICE, 0, NULL);
	revoke(w, &s, SEED_OLGA, 0);
	again(w);
	for (int ended = 0; ended < 2; ended++) {
		assert_int_equal(buf_new(&b, KRL_MAX), 0);
		assert_int_equal(keeper_krl(w->keeper, 7,
				     ended ? FIXTURE_NOW + HOUR : FIXTURE_NOW,
				     b, &w->e),
		    0);
		assert_int_equal(krl_parse(buf_slice(b), &k, &w->e), 0);
		assert_true(listed(k, "x", 12345, SEED_SUBJECT));
		assert_true(listed(k,
		    "bob@example.com/00112233445566778899aabbccddeeff", other,
		    SEED_SUBJECT));
		assert_true(listed(k, "x", other, SEED_MALLORY));
		assert_true(listed(k, "x", other, SEED_ALICE));
		assert_true(listed(k, "x", other, SEED_ALICE_2));
		/* Its end takes a certificate off the list. */
		assert_int_equal(listed(k, "x", mine, SEED_SUBJECT), !ended);
		assert_false(listed(k, "x", other, SEED_SUBJECT));
		assert_false(listed(k, "x", other, SEED_BOB));
		assert_false(listed(k, "x", 12344, SEED_SUBJECT));
		assert_false(listed(k, "x", 12346, SEED_SUBJECT));
		krl_free(k);
		buf_free(b);
		k = NULL;
		b = NULL;
	}
}

/* --- what goes with leaves ------------------------------------------------ */

struct puts {
	size_t n;
	struct str last;
	char key[64];
};

static int
count_put(void *ctx, const char *key, struct slice data, const char *type)
{
	struct puts *p = ctx;

	(void)type;
	p->n++;
	(void)snprintf(p->key, sizeof(p->key), "%s", key);
	str_reset(&p->last);
	str_addn(&p->last, (const char *)data.p, data.n);
	return str_check(&p->last);
}

static void
keep(struct recorder *r, uint8_t tag, uint64_t serial, const char *text)
{
	struct str s = STR_INIT;

	str_add(&s, text);
	recorder_keep(r, tag, serial, "records/kept", &s);
	assert_int_equal(s.n, 0);
}

/* A leaf to be signed of the request with that serial, as far as it is looked
 * at. */
static struct slice
leaf_of(uint64_t serial, const char *type, char out[256])
{
	int n = snprintf(out, 256,
	    "{\"v\":1,\"type\":\"%s\",\"realm\":\"\",\"request\":"
	    "\"%016llx%048d\"}\n",
	    type, (unsigned long long)serial, 0);

	return slice_of(out, (size_t)n);
}

static void
put_of(struct world *w, uint64_t serial, const char *type, struct puts *p)
{
	char room[256];

	assert_int_equal(recorder_objects(&w->recorder, 0,
			     leaf_of(serial, type, room), count_put, p, &w->e),
	    0);
}

static void
what_was_made_before_is_put_once(void **state)
{
	struct world *w = *state;
	struct puts p = {.last = STR_INIT};
	char room[256];

	keep(&w->recorder, LTAG_ISSUE, 7, "old");
	keep(&w->recorder, LTAG_ISSUE, 7, "the record");
	keep(&w->recorder, LTAG_CERTIFICATE, 7, "the line");
	assert_int_equal(w->recorder.n_made, 2);
	put_of(w, 7, "issue", &p);
	assert_string_equal(p.last.p, "the record");
	assert_string_equal(p.key, "records/kept");
	put_of(w, 7, "certificate", &p);
	assert_string_equal(p.last.p, "the line");
	assert_int_equal(p.n, 2);
	/* Now it would be made from that leaf, which is none. */
	assert_int_equal(recorder_objects(&w->recorder, 0,
			     leaf_of(7, "issue", room), count_put, &p, &w->e),
	    ERR_PARSE);
	/* Nothing goes with what people say. */
	assert_int_equal(recorder_objects(&w->recorder, 0, slice_str("{}\n"),
			     count_put, &p, &w->e),
	    0);
	assert_int_equal(p.n, 2);
	str_clear(&p.last);
}

/* As many as there is room for, most of which want the same place. */
static void
all_that_was_made_is_found(void **state)
{
	enum { MOST = RECORDER_MADE / 2 };
	struct world *w = *state;
	struct puts p = {.last = STR_INIT};
	char text[24];

	for (uint64_t i = 0; i < MOST + 10; i++) {
		(void)snprintf(text, sizeof(text), "%llu",
		    (unsigned long long)i);
		keep(&w->recorder, LTAG_ISSUE,
		    1 + i % 16 * RECORDER_MADE + i / 16, text);
	}
	assert_int_equal(w->recorder.n_made, MOST);
	/* Each third first, so that gaps close over those that stay. */
	for (uint64_t step = 0; step < 3; step++)
		for (uint64_t i = step; i < MOST; i += 3) {
			put_of(w, 1 + i % 16 * RECORDER_MADE + i / 16, "issue",
			    &p);
			(void)snprintf(text, sizeof(text), "%llu",
			    (unsigned long long)i);
			assert_string_equal(p.last.p, text);
		}
	assert_int_equal(p.n, MOST);
	assert_int_equal(w->recorder.n_made, 0);
	str_clear(&p.last);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_request_waits_is_approved_and_issued_once),
	    T(a_denial_stays_when_its_file_is_gone),
	    T(the_first_decision_of_a_person_counts),
	    T(what_nobody_said_is_not_recorded),
	    T(twins_in_a_batch_are_one_certificate),
	    T(another_request_with_the_same_serial_is_refused),
	    T(without_a_ca_that_kind_is_refused),
	    T(a_new_key_counts_at_once_where_policy_says_self),
	    T(a_new_key_waits_for_officers_where_policy_says_so),
	    T(a_serial_is_revoked_by_its_owner_and_by_officers_alone),
	    T(a_revoked_person_asks_and_decides_nothing),
	    T(the_list_has_what_was_revoked_and_nothing_else),
	    T(what_was_made_before_is_put_once),
	    T(all_that_was_made_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
