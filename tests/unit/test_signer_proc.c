/* SPDX-License-Identifier: ISC */
/* What a keeper may say to the signer's process, and when.  Whatever else he
 * says ends the conversation; what is wrong in a good frame is refused, and the
 * conversation goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "ca/common/messages.h"
#include "ca/signer/signer_frames.h"
#include "lib/proc/frame.h"
#include "lib/proc/socket.h"
#include "tests/unit/signer_case.h"
#include "tests/unit/signerproc.h"

#define WAIT_MS 20000 /* of a process that should have answered long before */

struct world {
	struct deployment d;
	struct signerproc signer;
	struct chan *chan;
	struct signer_case c;
	struct err e;
};

static struct chan *
dial(struct world *w)
{
	struct chan *c = NULL;
	int fd = -1;

	if (socket_connect(w->signer.socket, &fd, &w->e) != 0 ||
	    chan_new(fd, &c, &w->e) != 0)
		fail_msg("%s", w->e.msg);
	return c;
}

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	deployment_make(&w->d, "proc");
	signer_case_open(&w->c, false);
	signerproc_start(&w->signer, &w->d);
	w->chan = dial(w);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	chan_free(w->chan);
	/* Whatever was said to it, it ends as it should. */
	signerproc_stop(&w->signer);
	signer_case_close(&w->c);
	deployment_remove(&w->d);
	free(w);
	return 0;
}

/* --- saying and hearing --------------------------------------------------- */

static void
say(struct world *w, uint16_t type, struct slice payload)
{
	if (chan_send(w->chan, type, 9, payload, &w->e) != 0)
		fail_msg("%s", w->e.msg);
}

static void
hears(struct world *w, uint16_t type)
{
	struct frame f;

	if (chan_wait(w->chan, WAIT_MS, &f, &w->e) != 0)
		fail_msg("%s", w->e.msg);
	if (f.type != type)
		fail_msg("heard %u, expected %u", f.type, type);
}

static void
is_refused(struct world *w, int code, const char *words)
{
	struct err e = {0};
	struct frame f;

	if (chan_wait(w->chan, WAIT_MS, &f, &w->e) != 0)
		fail_msg("%s", w->e.msg);
	assert_int_equal(f.type, MSG_REFUSED);
	assert_int_equal(f.id, 9);
	if (refused_frame_parse(f.payload, &e, &w->e) != 0)
		fail_msg("%s", w->e.msg);
	if (e.code != code || strstr(e.msg, words) == NULL)
		fail_msg("%d '%s', expected %d '%s'", e.code, e.msg, code,
		    words);
}

/* Cut off, and the next one is welcome. */
static void
is_cut_off(struct world *w)
{
	struct frame f;

	assert_int_equal(chan_wait(w->chan, WAIT_MS, &f, &w->e), ERR_NET);
	assert_non_null(strstr(w->e.msg, "closed"));
	chan_free(w->chan);
	w->chan = dial(w);
	hears(w, MSG_SEEN);
}

static void
tell_policy(struct world *w, bool past)
{
	struct bundle_chain *c = calloc(1, sizeof(*c));
	struct buf *b = NULL;

	assert_non_null(c);
	assert_int_equal(bundles_read(w->d.dir, c, &w->e), 0);
	assert_int_equal(buf_new(&b, FRAME_MAX), 0);
	assert_int_equal(policy_frame_encode(c, past, b), 0);
	say(w, MSG_POLICY, buf_slice(b));
	buf_free(b);
	deployment_chain_free(c);
}

static void
policy_in_force(struct world *w)
{
	hears(w, MSG_SEEN);
	tell_policy(w, false);
	hears(w, MSG_SEEN);
	hears(w, MSG_OK);
}

static void
say_batch(struct world *w, bool durable)
{
	struct buf *b = signer_case_frame(&w->c, durable);

	say(w, MSG_SIGN, buf_slice(b));
	buf_free(b);
}

static void
say_act(struct world *w, const struct statement *s)
{
	const struct act_owners none = {0};
	struct buf *b = NULL;

	assert_int_equal(buf_new(&b, FRAME_MAX), 0);
	assert_int_equal(act_frame_encode(statement_bytes(s), &none, b), 0);
	say(w, MSG_ACT, buf_slice(b));
	buf_free(b);
}

/* --- the table ------------------------------------------------------------ */

static void
what_is_in_no_row_ends_it(void **state)
{
	static const uint16_t types[] = {0, MSG_CALL, MSG_SEEN, MSG_SIGNED,
	    MSG_OK, MSG_REFUSED, MSG_NOTICE, MSG_STATUS, 25, 65535};
	struct world *w = *state;

	hears(w, MSG_SEEN);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		say(w, types[i], slice_str(""));
		is_cut_off(w);
	}
}

static void
nothing_comes_before_a_policy(void **state)
{
	struct world *w = *state;
	struct statement act;

	hears(w, MSG_SEEN);
	say_batch(w, true);
	is_cut_off(w);
	deployment_revoke(&act, ALICE, NULL);
	say_act(w, &act);
	is_cut_off(w);
	say(w, MSG_SIGN_KRL, slice_str("list"));
	is_cut_off(w);
	say(w, MSG_DURABLE, slice_of("\1", 1));
	is_cut_off(w);
	statement_clear(&act);
}

/* One of the past judges acts, and signs nothing. */
static void
a_past_policy_is_for_acts_alone(void **state)
{
	struct world *w = *state;
	struct statement act;

	deployment_revoke(&act, ALICE, NULL);
	hears(w, MSG_SEEN);
	tell_policy(w, true);
	hears(w, MSG_SEEN);
	hears(w, MSG_OK);
	say_act(w, &act);
	say_batch(w, true);
	is_cut_off(w);
	/* And none comes after the one in force. */
	tell_policy(w, false);
	hears(w, MSG_SEEN);
	hears(w, MSG_OK);
	tell_policy(w, true);
	is_cut_off(w);
	statement_clear(&act);
}

static void
while_a_batch_waits_nothing_else_is_heard(void **state)
{
	static const struct {
		uint16_t type;
		const char *payload;
	} others[] = {{MSG_POLICY, ""}, {MSG_ACT, ""}, {MSG_SIGN, ""},
	    {MSG_SIGN_KRL, ""}};
	struct world *w = *state;

	policy_in_force(w);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		say_batch(w, false);
		hears(w, MSG_REFUSED); /* its leaf is of long ago */
		say(w, others[i].type, slice_str(others[i].payload));
		is_cut_off(w);
		tell_policy(w, false);
		hears(w, MSG_SEEN);
		hears(w, MSG_OK);
	}
	/* What was refused is not answered twice. */
	say_batch(w, false);
	hears(w, MSG_REFUSED);
	say(w, MSG_DURABLE, slice_of("\1", 1));
	w->c.b.n_jobs = 0;
	say_batch(w, true);
	hears(w, MSG_SIGNED);
	/* A head alone waits as well, may be forgotten, or become durable. */
	say_batch(w, false);
	say(w, MSG_DURABLE, slice_of("\0", 1));
	hears(w, MSG_OK);
	say_batch(w, false);
	say(w, MSG_DURABLE, slice_of("\1", 1));
	hears(w, MSG_SIGNED);
}

static void
what_says_how_a_batch_ended_is_of_that_batch(void **state)
{
	static const char *const payloads[] = {"", "\2", "\1\1"};
	struct world *w = *state;

	w->c.b.n_jobs = 0;
	policy_in_force(w);
	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
		say_batch(w, false);
		say(w, MSG_DURABLE, slice_str(payloads[i]));
		is_cut_off(w);
		tell_policy(w, false);
		hears(w, MSG_SEEN);
		hears(w, MSG_OK);
	}
	say_batch(w, false);
	assert_int_equal(chan_send(w->chan, MSG_DURABLE, 10, slice_of("\1", 1),
			     &w->e),
	    0);
	is_cut_off(w);
}

static void
malformed_frames_end_it(void **state)
{
	static const uint16_t types[] = {
	    MSG_POLICY, MSG_ACT, MSG_SIGN, MSG_SIGN_KRL};
	struct world *w = *state;

	hears(w, MSG_SEEN);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		tell_policy(w, false);
		hears(w, MSG_SEEN);
		hears(w, MSG_OK);
		say(w, types[i], slice_str("\0\0\0\1x and more"));
		is_cut_off(w);
	}
}

/* --- what is well-formed and wrong ---------------------------------------- */

static void
an_act_that_is_none_of_ours_ends_it(void **state)
{
	struct world *w = *state;
	struct statement s;
	uint8_t *p;

	policy_in_force(w);
	/* Of another realm, properly signed. */
	fixture_statement(&s, ST_REVOKE, OLGA);
	s.realm = fixture_hash(0x77);
	s.u.v.reason = str_dup("of another place");
	s.u.v.person = str_dup(ALICE);
	fixture_sign(&s, FIXTURE_BY(SEED_OLGA));
	say_act(w, &s);
	is_cut_off(w);
	statement_clear(&s);
	/* Of ours, with a word changed. */
	tell_policy(w, false);
	hears(w, MSG_SEEN);
	hears(w, MSG_OK);
	deployment_revoke(&s, ALICE, NULL);
	p = memmem(s.bytes, s.n_bytes, "train", 5);
	assert_non_null(p);
	p[0] = 'b';
	say_act(w, &s);
	is_cut_off(w);
	statement_clear(&s);
	/* A request is no act. */
	tell_policy(w, false);
	hears(w, MSG_SEEN);
	hears(w, MSG_OK);
	say_act(w, &w->c.c.request);
	is_cut_off(w);
}

/* The case's log tells of a leaf that is months old. */
static void
a_leaf_is_dated_now_and_in_the_log(void **state)
{
	struct world *w = *state;

	policy_in_force(w);
	say_batch(w, true);
	is_refused(w, ERR_SYS, "off the signer's clock");
	/* Of the past it may be, but there. */
	w->c.job.resign = true;
	w->c.job.index--;
	say_batch(w, true);
	hears(w, MSG_REFUSED);
	/* And the head must be what its leaves come to. */
	w->c.b.n_jobs = 0;
	w->c.b.head.root.b[0] ^= 1;
	say_batch(w, true);
	is_refused(w, ERR_DENIED, "does not follow");
	w->c.b.head.root.b[0] ^= 1;
	say_batch(w, true);
	hears(w, MSG_SIGNED);
}

static void
a_log_that_was_taken_back_is_refused(void **state)
{
	struct world *w = *state;

	w->c.b.n_jobs = 0;
	policy_in_force(w);
	say_batch(w, true);
	hears(w, MSG_SIGNED);
	/* The same again is a success. */
	say_batch(w, true);
	hears(w, MSG_SIGNED);
	w->c.b.head.size = w->c.tail.edge.size;
	merkle_root(&w->c.tail.edge, &w->c.b.head.root);
	w->c.tail.n = 0;
	say_batch(w, true);
	is_refused(w, ERR_ROLLBACK, "has signed for");
}

/* Who comes again must tell the same acts, and all of them. */
static void
acts_cannot_be_left_out_or_exchanged(void **state)
{
	struct world *w = *state;
	struct statement first, second;

	deployment_revoke(&first, ALICE, NULL);
	deployment_revoke(&second, BOB, NULL);
	w->c.b.n_jobs = 0;
	policy_in_force(w);
	say_act(w, &first);
	say_batch(w, true);
	hears(w, MSG_SIGNED);
	for (int kept = 0; kept < 2; kept++) {
		/* It remembers that after it was started anew, too. */
		chan_free(w->chan);
		if (kept == 0) {
			signerproc_stop(&w->signer);
			signerproc_start(&w->signer, &w->d);
		}
		w->chan = dial(w);
		policy_in_force(w);
		say_batch(w, true);
		is_refused(w, ERR_ROLLBACK, "has judged by 1");
		say_act(w, &second);
		is_cut_off(w);
	}
	tell_policy(w, false);
	hears(w, MSG_SEEN);
	hears(w, MSG_OK);
	say_act(w, &first);
	say_act(w, &second);
	say_batch(w, true);
	hears(w, MSG_SIGNED);
	statement_clear(&first);
	statement_clear(&second);
}

static void
a_policy_goes_forward_alone(void **state)
{
	struct world *w = *state;
	struct bundle_chain *c = deployment_sign(&w->d, NULL);
	struct buf *b = NULL;

	policy_in_force(w);
	assert_int_equal(buf_new(&b, FRAME_MAX), 0);
	assert_int_equal(policy_frame_encode(c, false, b), 0);
	say(w, MSG_POLICY, buf_slice(b));
	hears(w, MSG_SEEN);
	hears(w, MSG_OK);
	tell_policy(w, false); /* version 1, which is on disk */
	is_refused(w, ERR_ROLLBACK, "older");
	buf_free(b);
	deployment_chain_free(c);
}

/* --- one at a time -------------------------------------------------------- */

static void
a_second_keeper_is_refused_while_the_first_is_there(void **state)
{
	struct world *w = *state;
	struct chan *second;
	struct frame f;

	policy_in_force(w);
	second = dial(w);
	assert_int_equal(chan_wait(second, WAIT_MS, &f, &w->e), ERR_NET);
	assert_non_null(strstr(w->e.msg, "closed"));
	chan_free(second);
	/* The first has not noticed. */
	tell_policy(w, false);
	hears(w, MSG_SEEN);
	hears(w, MSG_OK);
	chan_free(w->chan);
	w->chan = dial(w);
	policy_in_force(w);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(what_is_in_no_row_ends_it),
	    T(nothing_comes_before_a_policy),
	    T(a_past_policy_is_for_acts_alone),
	    T(while_a_batch_waits_nothing_else_is_heard),
	    T(what_says_how_a_batch_ended_is_of_that_batch),
	    T(malformed_frames_end_it),
	    T(an_act_that_is_none_of_ours_ends_it),
	    T(a_leaf_is_dated_now_and_in_the_log),
	    T(a_log_that_was_taken_back_is_refused),
	    T(acts_cannot_be_left_out_or_exchanged),
	    T(a_policy_goes_forward_alone),
	    T(a_second_keeper_is_refused_while_the_first_is_there),
	};

	return cmocka_run_group_tests_name("signer process", tests, NULL, NULL);
}
