/* SPDX-License-Identifier: ISC */
/*
 * Who is which host: what it knows afterwards, who makes room, and what happens
 * without memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/unit/alloc.h"
#include "tests/unit/hostcase.h"

/* --- what it knows --- */

static struct hash
key_hash(uint8_t seed)
{
	struct hash h;

	pubkey_hash(fixture_key(seed), &h);
	return h;
}

static enum fleet_host_state
state_of(const struct hostrun *u, uint8_t hk, uint8_t tk)
{
	return fleet_hosts_state(u->hosts, fixture_key(hk), fixture_key(tk),
	    NULL);
}

static void
a_host_is_found_by_all_it_has(void **state)
{
	static const struct hostcase c = {
	    .steps = {TOKEN, ENROL_1,
		{.type = ST_ACCEPT, .ref = 1, .token = 1, .role = "web"},
		REPORT_1}};
	struct hash hk = key_hash(HK_1), tk = key_hash(TK_1);
	const struct fleet_host_row *row;
	const struct fleet_token_row *t;
	struct hostrun u;

	(void)state;
	hostcase_open(&u);
	hostcase_play(&u, &c);
	row = fleet_hosts_by_id(u.hosts, WEB_1);
	assert_non_null(row);
	assert_ptr_equal(fleet_hosts_by_host_key(u.hosts, &hk), row);
	assert_ptr_equal(fleet_hosts_by_transport(u.hosts, &tk), row);
	assert_ptr_equal(fleet_hosts_by_accept(u.hosts, &u.s[2].hash), row);
	assert_null(fleet_hosts_by_host_key(u.hosts, &tk));
	assert_null(fleet_hosts_by_transport(u.hosts, &hk));
	assert_null(fleet_hosts_by_id(u.hosts, WEB_2));
	assert_string_equal(row->names->v[0], WEB_1);
	assert_string_equal(row->roles->v[0], "web");
	assert_int_equal(row->since, NOW);
	assert_int_equal(row->renew_until, NOW + 365 * DAY);
	assert_true(row->by_token);
	assert_true(hash_equal(&row->token, &u.s[0].hash));
	assert_true(hash_equal(&row->enrol, &u.s[1].hash));
	assert_int_equal(row->seq, 1);
	assert_true(hash_equal(&row->last_report, &u.s[3].hash));
	t = fleet_hosts_token(u.hosts, &u.s[0].hash);
	assert_int_equal(t->used, 1);
	assert_int_equal(t->count, 2);
	assert_int_equal(fleet_hosts_count(u.hosts), 1);
	assert_int_equal(state_of(&u, HK_1, TK_1), FLEET_ACCEPTED);
	assert_int_equal(state_of(&u, HK_1, TK_2), FLEET_UNKNOWN);
	hostcase_close(&u);
}

static void
a_renamed_host_has_its_new_id_alone(void **state)
{
	static const struct hostcase c = {
	    .steps = {IN_1, {.type = ST_RENAME, .to = WEB_2}}};
	const struct fleet_host_row *row;
	struct hostrun u;

	(void)state;
	hostcase_open(&u);
	hostcase_play(&u, &c);
	assert_null(fleet_hosts_by_id(u.hosts, WEB_1));
	row = fleet_hosts_by_id(u.hosts, WEB_2);
	assert_non_null(row);
	assert_string_equal(row->id, WEB_2);
	assert_string_equal(row->names->v[0], WEB_2);
	assert_true(row->has_renamed);
	assert_true(hash_equal(&row->renamed, &u.s[2].hash));
	assert_true(hash_equal(&row->accept, &u.s[1].hash));
	hostcase_close(&u);
}

/* The nth rename, there and back; its name goes to `of`. */
static int
rename_again(struct hostrun *u, const struct hostcase *c, size_t n,
    struct hash *of, struct err *e)
{
	const struct hoststep step = {.type = ST_RENAME,
	    .at = (int64_t)n,
	    .host = n % 2 == 0 ? WEB_1 : WEB_2,
	    .to = n % 2 == 0 ? WEB_2 : WEB_1};
	struct statement s;
	int r;

	hostcase_make(u, &step, &s);
	r = hostcase_judge(u, c, &s, e);
	*of = s.hash;
	statement_clear(&s);
	return r;
}

/* A host that was off follows all of them, and no list is without an end. */
static void
renames_are_kept_in_their_order_and_bounded(void **state)
{
	static const struct hostcase c = {.now = DAY, .steps = {IN_1}};
	static const struct hoststep anew = {
	    .type = ST_ACCEPT, .at = 64, .replace = 2};
	struct hash names[FLEET_RENAMES_MAX + 1];
	const struct fleet_host_row *row;
	struct hostrun u;
	struct err e = {0};
	size_t n = 0;

	(void)state;
	hostcase_open(&u);
	hostcase_play(&u, &c);
	assert_int_equal(fleet_hosts_by_id(u.hosts, WEB_1)->n_renames, 0);
	for (; n < FLEET_RENAMES_MAX; n++)
		assert_int_equal(rename_again(&u, &c, n, &names[n], &e), 0);
	assert_int_equal(rename_again(&u, &c, n, &names[n], &e), ERR_LIMIT);
	assert_non_null(strstr(e.msg, "renamed 64 times"));
	row = fleet_hosts_by_id(u.hosts, WEB_1);
	assert_int_equal(row->n_renames, FLEET_RENAMES_MAX);
	for (size_t i = 0; i < row->n_renames; i++)
		assert_true(hash_equal(&row->renames[i], &names[i]));
	assert_true(hash_equal(&row->renamed, &names[n - 1]));
	/* Accepted anew, it begins again. */
	hostcase_make(&u, &anew, &u.s[2]);
	assert_int_equal(hostcase_judge(&u, &c, &u.s[2], &e), 0);
	assert_int_equal(fleet_hosts_by_id(u.hosts, WEB_1)->n_renames, 0);
	assert_int_equal(rename_again(&u, &c, n, &names[n], &e), 0);
	row = fleet_hosts_by_id(u.hosts, WEB_2);
	assert_int_equal(row->n_renames, 1);
	assert_true(hash_equal(&row->renames[0], &names[n]));
	hostcase_close(&u);
}

static void
a_forgotten_host_leaves_nothing_to_come_in_with(void **state)
{
	static const struct hostcase c = {.steps = {IN_2, {.type = ST_FORGET}}};
	struct hash hk = key_hash(HK_1), tk = key_hash(TK_1);
	struct hostrun u;

	(void)state;
	hostcase_open(&u);
	hostcase_play(&u, &c);
	assert_null(fleet_hosts_by_id(u.hosts, WEB_1));
	assert_null(fleet_hosts_by_host_key(u.hosts, &hk));
	assert_null(fleet_hosts_by_transport(u.hosts, &tk));
	assert_null(fleet_hosts_by_accept(u.hosts, &u.s[1].hash));
	assert_int_equal(state_of(&u, HK_1, TK_1), FLEET_UNKNOWN);
	assert_non_null(fleet_hosts_by_id(u.hosts, WEB_2));
	assert_int_equal(fleet_hosts_count(u.hosts), 1);
	hostcase_close(&u);
}

static void
who_asks_is_listed_until_he_is_in(void **state)
{
	static const struct hostcase c = {
	    .steps = {ENROL_1, {.type = ST_ENROL, .at = 1, .name = "new"},
		ENROL_2, {.type = ST_REJECT, .ref = 2}}};
	static const struct hoststep in = ACCEPT_1;
	const struct fleet_enrol_row *row;
	struct hostcase rest = {.steps = {{0}}};
	struct hostrun u;

	(void)state;
	hostcase_open(&u);
	hostcase_play(&u, &c);
	assert_int_equal(state_of(&u, HK_1, TK_1), FLEET_WAITING);
	assert_int_equal(state_of(&u, HK_2, TK_2), FLEET_REJECTED);
	assert_int_equal(state_of(&u, HK_2, TK_3), FLEET_REJECTED);
	row = fleet_hosts_enrol(u.hosts, &u.s[0].hash);
	assert_ptr_equal(row, fleet_hosts_enrol(u.hosts, &u.s[1].hash));
	assert_true(hash_equal(&row->enrol, &u.s[1].hash));
	assert_string_equal(row->hostname, "new");
	assert_int_equal(row->since, NOW);
	assert_null(fleet_hosts_enrol_of(u.hosts, row));
	row = fleet_hosts_enrol(u.hosts, &u.s[2].hash);
	assert_true(row->rejected);
	assert_string_equal(row->reason, "stolen");
	hostcase_make(&u, &in, &u.s[4]);
	assert_int_equal(hostcase_judge(&u, &rest, &u.s[4], NULL), 0);
	assert_null(fleet_hosts_enrol(u.hosts, &u.s[0].hash));
	assert_null(fleet_hosts_enrol(u.hosts, &u.s[1].hash));
	assert_int_equal(state_of(&u, HK_1, TK_1), FLEET_ACCEPTED);
	hostcase_close(&u);
}

static void
who_could_be_replaced_is_named(void **state)
{
	static const struct hostcase c = {
	    .steps = {IN_1, {.type = ST_ENROL, .tk = TK_2},
		{.type = ST_ENROL, .hk = HK_2}}};
	const struct fleet_host_row *of;
	struct hostrun u;

	(void)state;
	hostcase_open(&u);
	hostcase_play(&u, &c);
	for (int i = 2; i < 4; i++) {
		of = fleet_hosts_enrol_of(u.hosts,
		    fleet_hosts_enrol(u.hosts, &u.s[i].hash));
		assert_non_null(of);
		assert_string_equal(of->id, WEB_1);
	}
	hostcase_close(&u);
}

#define FLOOD (FLEET_ENROLS_MAX + 5000)

static int
count_one(void *ctx, const struct fleet_enrol_row *row)
{
	size_t *n = ctx;

	(void)row;
	(*n)++;
	return 0;
}

/* An enrol statement as verification would leave it, without the work: the
 * keys are of as many hosts as it takes. */
static void
flood(struct hostrun *u, uint32_t n, struct hash *name)
{
	struct fleet_judge j = {
	    .policy = u->policy, .realm = fixture_realm(), .now = NOW};
	uint8_t blob[51] = "\0\0\0\013ssh-ed25519\0\0\0\040";
	struct statement s;
	struct err e = {0};
	struct sshsig sigs[2];

	fixture_statement(&s, ST_ENROL, "flood");
	s.verified = true;
	s.u.enrol.hostname = str_dup("flood");
	memcpy(s.hash.b, &n, sizeof(n));
	s.hash.b[31] = 1;
	*name = s.hash;
	for (int i = 0; i < 2; i++) {
		struct pubkey **k =
		    i == 0 ? &s.u.enrol.host_key : &s.u.enrol.transport_key;
		uint32_t tries = 0;

		/* Not every 32 bytes are a point: look for the next one. */
		do {
			memset(blob + 19, i + 1, 32);
			memcpy(blob + 19, &n, sizeof(n));
			memcpy(blob + 24, &tries, sizeof(tries));
			tries++;
		} while (pubkey_parse(slice_of(blob, sizeof(blob)), k, &e) !=
		    0);
		sigs[i] = (struct sshsig){.key = *k};
	}
	s.sigs = sigs;
	s.n_sigs = 2;
	if (fleet_hosts_fold(u->hosts, &j, &s, &e) != 0)
		fail_msg("%u: %s", n, e.msg);
	s.sigs = NULL;
	s.n_sigs = 0;
	statement_clear(&s);
}

static void
the_oldest_that_waits_makes_room(void **state)
{
	static const struct hostcase c = {
	    .steps = {ENROL_1, {.type = ST_REJECT}, ENROL_2}};
	static struct hash names[FLOOD + 1];
	size_t n = 0;
	struct hostrun u;

	(void)state;
	hostcase_open(&u);
	hostcase_play(&u, &c);
	for (uint32_t i = 1; i < FLEET_ENROLS_MAX; i++)
		flood(&u, i, &names[i]);
	assert_int_equal(state_of(&u, HK_2, TK_2), FLEET_WAITING);
	for (uint32_t i = FLEET_ENROLS_MAX; i <= FLOOD; i++)
		flood(&u, i, &names[i]);
	assert_int_equal(state_of(&u, HK_2, TK_2), FLEET_UNKNOWN);
	/* Who was rejected stays so. */
	assert_int_equal(state_of(&u, HK_1, TK_1), FLEET_REJECTED);
	assert_int_equal(fleet_hosts_each_enrol(u.hosts, count_one, &n), 0);
	assert_int_equal(n, FLEET_ENROLS_MAX + 1);
	for (uint32_t i = 1; i <= FLOOD; i++)
		assert_int_equal(fleet_hosts_enrol(u.hosts, &names[i]) != NULL,
		    i > FLOOD - FLEET_ENROLS_MAX);
	hostcase_close(&u);
}

/* --- memory --- */

static const struct hostcase all_kinds = {
    .steps = {TOKEN, ENROL_1, ENROL_2, BY_TOKEN,
	{.type = ST_ACCEPT, .host = "db", .ref = 2, .hk = HK_2, .tk = TK_2},
	{.type = ST_RENAME, .to = WEB_2}, {.type = ST_REJECT, .host = WEB_2},
	{.type = ST_FORGET, .host = "db"}}};

static int
fold_all(void *arg)
{
	struct hostrun *u = arg;
	struct fleet_judge j = {
	    .policy = u->policy, .realm = fixture_realm(), .now = NOW};
	struct fleet_hosts *h = NULL;
	int r;

	if ((r = fleet_hosts_new(&h)) != 0)
		return r;
	for (size_t i = 0; i < u->n && r == 0; i++)
		r = fleet_hosts_fold(h, &j, &u->s[i], NULL);
	fleet_hosts_free(h);
	return r;
}

static void
every_allocation_may_fail(void **state)
{
	struct hostrun u;

	(void)state;
	hostcase_open(&u);
	hostcase_play(&u, &all_kinds);
	u.n = hostcase_steps(&all_kinds);
	assert_true(alloc_each(fold_all, &u) > 20);
	hostcase_close(&u);
}

/* What failed for want of memory can be said again and comes out the same. */
static void
a_failed_statement_changes_nothing(void **state)
{
	struct fleet_judge j = {.realm = fixture_realm(), .now = NOW};
	struct hostrun u, v;

	(void)state;
	hostcase_open(&u);
	hostcase_play(&u, &all_kinds);
	hostcase_open(&v);
	j.policy = v.policy;
	for (size_t i = 0; i < hostcase_steps(&all_kinds); i++) {
		int r = ERR_NOMEM;

		for (size_t n = 1; r == ERR_NOMEM; n++) {
			alloc_fail_nth(n);
			r = fleet_hosts_fold(v.hosts, &j, &u.s[i], NULL);
			alloc_fail_nth(0);
		}
		assert_int_equal(r, 0);
	}
	assert_int_equal(fleet_hosts_count(v.hosts),
	    fleet_hosts_count(u.hosts));
	assert_true(fleet_hosts_by_id(v.hosts, WEB_2)->rejected);
	assert_null(fleet_hosts_by_id(v.hosts, "db"));
	assert_int_equal(fleet_hosts_token(v.hosts, &u.s[0].hash)->used, 1);
	hostcase_close(&v);
	hostcase_close(&u);
}

static void
other_statements_are_refused(void **state)
{
	struct fleet_judge j = {.realm = fixture_realm(), .now = NOW};
	struct statement s;
	struct trust none;
	struct err e = {0};
	struct hostrun u;

	(void)state;
	hostcase_open(&u);
	j.policy = u.policy;
	fixture_request(&s, ALICE);
	fixture_sign(&s, FIXTURE_BY(SEED_ALICE));
	assert_int_equal(fleet_hosts_fold(u.hosts, &j, &s, &e), ERR_PARSE);
	assert_int_equal(fleet_hosts_renew(u.hosts, &j, &s, NULL, &e),
	    ERR_PARSE);
	assert_int_equal(fleet_hosts_report(u.hosts, j.realm, &s, NULL, &e),
	    ERR_PARSE);
	trust_init(&none);
	assert_int_equal(fleet_hosts_apply(u.hosts, &none, &s, NOW, &e),
	    ERR_DENIED);
	statement_clear(&s);
	/* Nor one that nobody verified. */
	hostcase_make(&u, &(struct hoststep)ENROL_1, &u.s[0]);
	u.s[0].verified = false;
	assert_int_equal(fleet_hosts_fold(u.hosts, &j, &u.s[0], &e),
	    ERR_BADSIG);
	hostcase_close(&u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_host_is_found_by_all_it_has),
	    cmocka_unit_test(a_renamed_host_has_its_new_id_alone),
	    cmocka_unit_test(renames_are_kept_in_their_order_and_bounded),
	    cmocka_unit_test(a_forgotten_host_leaves_nothing_to_come_in_with),
	    cmocka_unit_test(who_asks_is_listed_until_he_is_in),
	    cmocka_unit_test(who_could_be_replaced_is_named),
	    cmocka_unit_test(the_oldest_that_waits_makes_room),
	    cmocka_unit_test(every_allocation_may_fail),
	    cmocka_unit_test(a_failed_statement_changes_nothing),
	    cmocka_unit_test(other_statements_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
