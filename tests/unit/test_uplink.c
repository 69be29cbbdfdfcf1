/* SPDX-License-Identifier: ISC */
/*
 * The agent's link: what a token that is refused comes to, news that come while
 * something is taken, and memory that runs out anywhere in between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/unit/uplinkplay.h"

/* --- a token -------------------------------------------------------------- */

#define NO_TOKEN "{\"error\":\"the token is expired\",\"code\":\"expired\"}"
#define WAITING  "{\"state\":\"waiting\"}"

static void
a_token_that_is_refused_is_tried_later_and_later(void **state)
{
	int64_t wait = 0;

	(void)state;
	has_enrol();
	begin("{" MASTERS "}");
	come_up();
	p.says[VERB_TOKEN] = "\"accept\":\"A\"";
	for (unsigned i = 1; i <= 12; i++) {
		p.enrol = NO_TOKEN;
		uplink_enrol(p.u);
		assert_true(p.enrol_by_token);
		assert_int_equal(p.asked[VERB_TOKEN], i);
		assert_true(p.u->next_token - loop_now(p.u->loop) >= wait);
		wait = p.u->next_token - loop_now(p.u->loop);
		assert_in_range(wait, 1, 60 * 60 * 1000);
		/* Until then it waits as others do. */
		p.enrol = WAITING;
		uplink_enrol(p.u);
		assert_false(p.enrol_by_token);
		assert_int_equal(p.asked[VERB_TOKEN], i);
		p.u->next_token = 1;
	}
	assert_true(wait > 30 * 60 * 1000);
	p.enrol = "{\"state\":\"accepted\"}";
	uplink_enrol(p.u);
	assert_true(p.enrol_by_token);
	assert_true(p.u->accepted_now);
}

static void
one_that_was_not_looked_at_is_said_again_as_it_is(void **state)
{
	(void)state;
	has_enrol();
	begin("{" MASTERS "}");
	come_up();
	p.says[VERB_TOKEN] = "\"accept\":\"A\"";
	p.enrol = "{\"error\":\"the log takes nothing\",\"code\":\"record\"}";
	for (int i = 0; i < 3; i++) {
		uplink_enrol(p.u);
		assert_true(p.enrol_by_token);
	}
	assert_int_equal(p.asked[VERB_TOKEN], 1);
}

static void
a_file_that_cannot_be_read_is_read_again_later(void **state)
{
	(void)state;
	has_enrol();
	begin("{" MASTERS "}");
	come_up();
	p.enrol = WAITING;
	p.says[VERB_TOKEN] = "\"error\":\"no such file\",\"code\":\"notfound\"";
	uplink_enrol(p.u);
	uplink_enrol(p.u);
	assert_int_equal(p.asked[VERB_TOKEN], 1);
	p.u->next_token = 1;
	p.says[VERB_TOKEN] = "\"accept\":\"A\"";
	uplink_enrol(p.u);
	assert_true(p.enrol_by_token);
}

/* A file that a crash left empty, or somebody else's statement, is no way in for
 * ever. */
static void
what_is_not_ours_to_ask_with_is_made_anew(void **state)
{
	static const char *const texts[] = {"", "{}\n", NULL};

	(void)state;
	p.says[VERB_ENROL] = "\"error\":\"no key\",\"code\":\"sys\"";
	p.says[VERB_TOKEN] = "\"error\":\"no such file\",\"code\":\"notfound\"";
	p.enrol = WAITING;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i] != NULL)
			put_enrol(slice_str(texts[i]));
		else
			enrols_with(OUR_KEY + 1);
		begin("{" MASTERS "}");
		come_up();
		uplink_enrol(p.u);
		if (p.asked[VERB_ENROL] != i + 1)
			fail_msg("%zu: taken", i);
		end();
	}
	has_enrol();
	begin("{" MASTERS "}");
	come_up();
	uplink_enrol(p.u);
	assert_int_equal(p.asked[VERB_ENROL], 3);
	assert_non_null(p.u->enrol);
}

static void
who_has_no_token_is_asked_once(void **state)
{
	(void)state;
	has_enrol();
	begin("{" MASTERS "}");
	come_up();
	p.enrol = WAITING;
	for (int i = 0; i < 3; i++)
		uplink_enrol(p.u);
	assert_int_equal(p.asked[VERB_TOKEN], 1);
}

/* --- what is wanted ------------------------------------------------------- */

static void
news_do_not_end_what_is_being_taken(void **state)
{
	(void)state;
	begin(ACCEPTED);
	come_up();
	be_wanted("{\"certificate\":\"" ONE "\"}");
	p.news = "{\"certificate\":\"" TWO "\"}";
	uplink_take(p.u);
	assert_null(p.news);
	assert_true(strs_has(&p.u->tried, "certificate " ONE));
	assert_false(strs_has(&p.u->tried, "certificate " TWO));
	assert_true(p.u->changed);
	assert_int_equal(p.asked[VERB_CERTIFICATE], 0);
}

/* What a master that is short of something says, and one that has none. */
static const struct {
	const char *says;
	bool again;
} refusals[] = {
    {"{\"error\":\"none\",\"code\":\"notfound\"}", false},
    {"{\"error\":\"not for you\",\"code\":\"denied\"}", false},
    {"{\"error\":\"short of memory\",\"code\":\"nomem\"}", true},
    {"{\"error\":\"a broken disk\",\"code\":\"sys\"}", true},
    {"{\"error\":\"in a while\",\"code\":\"busy\"}", true},
    {"{\"error\":\"a log at rest\",\"code\":\"record\"}", true},
    {"{\"error\":\"its store is damaged\",\"code\":\"corrupt\"}", true},
};

static void
what_says_nothing_of_a_thing_is_asked_again_in_a_while(void **state)
{
	(void)state;
	begin(ACCEPTED);
	come_up();
	be_wanted("{\"certificate\":\"" ONE "\"}");
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		print_message("%s\n", refusals[i].says);
		strs_clear(&p.u->tried);
		p.object = refusals[i].says;
		uplink_take(p.u);
		assert_int_equal(strs_has(&p.u->tried, "certificate " ONE),
		    !refusals[i].again);
		assert_int_equal(p.u->changed, refusals[i].again);
		assert_int_equal(p.asked[VERB_REPORT], 0); /* no alarm */
		assert_true(p.u->next_take > loop_now(p.u->loop));
	}
}

/* A bundle with one file, in a spool that has room for it. */
static void
put_bundle(const char *path, struct str *chain, struct str *answer)
{
	static char name[HASH_HEX];
	struct str manifest = STR_INIT;
	struct hash h;
	struct jw w;

	str_addf(&manifest, ONE " 1 %s\n", path);
	hash_sha256(manifest.p, manifest.n, &h);
	hash_hex(&h, name);
	str_addf(chain,
	    "{\"manifest\":\"%s\",\"size\":\"%zu\","
	    "\"statement\":\"{\\\"version\\\":\\\"5\\\"}\\n\"}",
	    name, manifest.n);
	jw_init(&w, answer, false);
	jw_begin(&w, NULL, '{');
	jw_u64(&w, "size", manifest.n);
	jw_base64(&w, "data", manifest.p, manifest.n);
	jw_end(&w, '}');
	p.chain = chain->p;
	p.manifest = answer->p;
	p.manifest_name = name;
	str_clear(&manifest);
}

/* The applier would refuse a bundle without this host's own, for good. */
static void
only_a_pillar_that_is_not_given_out_is_done_without(void **state)
{
	struct str chain = STR_INIT, manifest = STR_INIT;
	char dir[TMPDIR_MAX + 16];

	(void)state;
	(void)snprintf(dir, sizeof(dir), "%s/bundle", p.dir);
	assert_int_equal(file_mkdirs(dir, 0700, NULL), 0);
	begin(ACCEPTED);
	come_up();
	put_bundle("pillar/web.yaml", &chain, &manifest);
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		struct err e = {0};

		p.object = refusals[i].says;
		if ((uplink_fetch_fleet(p.u, &e) != 0) != refusals[i].again)
			fail_msg("%s: %s", refusals[i].says, e.msg);
	}
	uplink_spool_empty(p.u);
	assert_int_equal(rmdir(dir), 0);
	str_clear(&chain);
	str_clear(&manifest);
}

/* --- reports -------------------------------------------------------------- */

/* Who went would be without orders for as long as it has something to say, and who
 * reads on has ever more before what else it has to say. */
static void
who_reports_too_much_stays_and_says_it_later(void **state)
{
	(void)state;
	begin("{" MASTERS ",\"accepted\":true,\"logins\":true,\"seq\":\"1\"}");
	p.says[VERB_UNSENT] = "\"reports\":[{\"seq\":\"1\",\"text\":\"R\"}]";
	p.report = "{\"error\":\"in a while\",\"code\":\"busy\"}";
	come_up();
	be_wanted("{}");
	p.u->changed = false;
	for (int i = 0; i < 3; i++) {
		uplink_send(p.u);
		assert_true(uplink_is_up(p.u));
		assert_int_equal(p.reported, 1);
		assert_false(uplink_has_logins(p.u));
	}
	assert_in_range(uplink_until_next(p.u), 1000, 10000);
	p.u->next_send = 1;
	p.report = "{\"seq\":\"1\"}";
	uplink_send(p.u);
	assert_int_equal(p.reported, 2);
	assert_int_equal(p.u->acked, 1);
	assert_true(uplink_has_logins(p.u));
}

static void
another_master_is_told_at_once(void **state)
{
	(void)state;
	begin("{" MASTERS ",\"accepted\":true,\"logins\":true,\"seq\":\"1\"}");
	p.says[VERB_UNSENT] = "\"reports\":[{\"seq\":\"1\",\"text\":\"R\"}]";
	p.report = "{\"error\":\"in a while\",\"code\":\"busy\"}";
	come_up();
	be_wanted("{}");
	uplink_send(p.u);
	uplink_leave(p.u);
	assert_true(uplink_has_logins(p.u));
	come_up();
	be_wanted("{}");
	p.report = "{\"seq\":\"1\"}";
	uplink_send(p.u);
	assert_int_equal(p.u->acked, 1);
	/* For any other reason it goes. */
	p.held = "{" MASTERS ",\"accepted\":true,\"seq\":\"2\"}";
	p.says[VERB_UNSENT] = "\"reports\":[{\"seq\":\"2\",\"text\":\"R\"}]";
	p.report = "{\"error\":\"a broken disk\",\"code\":\"sys\"}";
	assert_int_equal(uplink_ask(p.u, VERB_LOOK, "", NULL, NULL), 0);
	uplink_send(p.u);
	assert_false(uplink_is_up(p.u));
}

/* --- no memory ------------------------------------------------------------ */

/* A list, an acceptance and a certificate, each of which is "x" to this master. */
static const char x_hash[] =
    "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
#define X_OBJECT "{\"size\":\"1\",\"data\":\"eA==\"}"

static void
take_and_say(void)
{
	uplink_take(p.u);
	uplink_send(p.u);
	uplink_renew(p.u);
}

static void
memory_that_runs_out_costs_time_and_nothing_else(void **state)
{
	char want[512];
	bool failed;
	size_t n = 0;

	(void)state;
	(void)snprintf(want, sizeof(want),
	    "{\"accept\":\"%s\",\"certificate\":\"%s\",\"asks\":[{\"id\":\"i\","
	    "\"diff\":\"" ONE "\"}]}",
	    ONE, x_hash);
	p.object = X_OBJECT;
	do {
		begin("{" MASTERS ",\"accepted\":true,\"seq\":\"0\","
		      "\"policy\":\"p\",\"accept\":\"" ONE "\"}");
		come_up();
		be_wanted(want);
		alloc_fail_nth(++n);
		take_and_say();
		failed = alloc_failed();
		alloc_fail_nth(0);
		if (p.u->tried.n != 0)
			fail_msg("allocation %zu: %s", n, p.u->tried.v[0]);
		/* Where it was taken, the applier was asked; else it is now. */
		if (p.asked[VERB_CERTIFICATE] == 0 && uplink_is_up(p.u)) {
			uplink_take(p.u);
			assert_int_equal(p.asked[VERB_CERTIFICATE], 1);
		}
		p.asked[VERB_CERTIFICATE] = 0;
		p.turns = 0;
		end();
	} while (failed);
	print_message("%zu allocations\n", n);
	assert_true(n > 20);
}

static void
memory_that_runs_out_does_not_lose_a_token(void **state)
{
	bool failed;
	size_t n = 0;

	(void)state;
	has_enrol();
	p.says[VERB_TOKEN] = "\"accept\":\"A\"";
	p.enrol = WAITING;
	p.token = "{\"state\":\"accepted\"}";
	do {
		begin("{" MASTERS "}");
		come_up();
		alloc_fail_nth(++n);
		uplink_enrol(p.u);
		failed = alloc_failed();
		alloc_fail_nth(0);
		if (!p.u->accepted_now) {
			p.u->next_token = 0;
			uplink_enrol(p.u);
		}
		assert_true(p.u->accepted_now && p.enrol_by_token);
		p.turns = 0;
		end();
	} while (failed);
	assert_true(n > 5);
}

/* A host that is about to undo what it did does not wait until something else
 * happens before it has the master look. */
static void
a_run_that_waits_is_looked_after_at_once(void **state)
{
	(void)state;
	begin(ACCEPTED);
	come_up();
	be_wanted("{}");
	p.u->changed = false;
	assert_true(uplink_until_next(p.u) > 1000);
	p.held = "{" MASTERS ",\"accepted\":true,\"seq\":\"0\",\"run\":\"1\","
		 "\"left\":30}";
	assert_int_equal(uplink_ask(p.u, VERB_LOOK, "", NULL, NULL), 0);
	assert_int_equal(uplink_until_next(p.u), 0);
	/* One that was looked after has its time. */
	p.u->next_settle = loop_now(p.u->loop) + 2000;
	assert_in_range(uplink_until_next(p.u), 1000, 2000);
}

/* Who waits until a time that is over by now does not wait for good: with no
 * connection nothing else would end it. */
static void
a_time_that_is_over_is_not_waited_for(void **state)
{
	struct err e = {0};

	(void)state;
	begin(ACCEPTED);
	assert_null(p.u->client);
	(void)alarm(10); /* ends the test where it does */
	assert_int_equal(uplink_turn(p.u, -1, &e), 0);
	(void)alarm(0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_token_that_is_refused_is_tried_later_and_later),
	    T(one_that_was_not_looked_at_is_said_again_as_it_is),
	    T(a_file_that_cannot_be_read_is_read_again_later),
	    T(what_is_not_ours_to_ask_with_is_made_anew),
	    T(who_has_no_token_is_asked_once),
	    T(news_do_not_end_what_is_being_taken),
	    T(what_says_nothing_of_a_thing_is_asked_again_in_a_while),
	    T(only_a_pillar_that_is_not_given_out_is_done_without),
	    T(who_reports_too_much_stays_and_says_it_later),
	    T(another_master_is_told_at_once),
	    T(a_run_that_waits_is_looked_after_at_once),
	    T(a_time_that_is_over_is_not_waited_for),
	    T(memory_that_runs_out_costs_time_and_nothing_else),
	    T(memory_that_runs_out_does_not_lose_a_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
