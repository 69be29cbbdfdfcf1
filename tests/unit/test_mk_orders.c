/* SPDX-License-Identifier: ISC */
/*
 * An order from the call to the next start, where memory runs out: what is
 * acknowledged counts or ends the process, which finds it again; an answer is
 * right or an error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "agent/master/mk_calls.h"
#include "agent/master/scribe_impl.h"
#include "lib/statement/leaf.h"
#include "lib/trust/fleet_place.h"
#include "tests/unit/alloc.h"
#include "tests/unit/contentcase.h"
#include "tests/unit/hostcase.h"
#include "tests/unit/tmpdir.h"

#define ORIGIN  "writ.invalid/0123456789abcdef/master_1_log"
#define TARGETS "1 " WEB_1 "\n"
#define ON_WAIT 1000 /* ms, for what is there already */

static const struct hostcase said = {.steps = {IN_1, {.type = ST_REPORT}}};

static char dir[TMPDIR_MAX], path[TMPDIR_MAX + 16], targets[] = TARGETS;
static struct mk mk;
static struct hostrun run;
static struct statement job;
static struct mk_call there; /* of a host that is connected */

static void
must(int r, const struct err *e)
{
	if (r != 0)
		fail_msg("%d %s", r, e->msg);
}

static void
open_content(void)
{
	struct fleet_chain c;
	struct err e = {0};

	contentcase_store(dir);
	must(content_open(dir, fixture_realm(), &mk.content, &e), &e);
	contentcase_fleet(1, NULL, SEED_PETRA, &c);
	must(content_push_fleet(mk.content, &c, NOW, &e), &e);
	fleet_chain_clear(&c);
}

static void
make_job(void)
{
	struct err e = {0};

	fixture_statement(&job, ST_JOB, PETRA);
	job.u.job.version = 1;
	job.u.job.bundle = content_fleet(mk.content, 1)->name;
	must(job_set_targets(&job.u.job, slice_str(targets), &e), &e);
	job.u.job.enforce = true;
	job.u.job.expires = NOW + DAY;
	fixture_sign(&job, FIXTURE_BY(SEED_PETRA));
}

static int
setup(void **state)
{
	(void)state;
	tmpdir_make(dir, "mkorders");
	(void)snprintf(path, sizeof(path), "%s/db", dir);
	memset(&mk, 0, sizeof(mk));
	STAILQ_INIT(&mk.next);
	STAILQ_INIT(&mk.unstored);
	TAILQ_INIT(&mk.calls);
	TAILQ_INIT(&mk.watchers);
	TAILQ_INIT(&mk.asking);
	TAILQ_INIT(&mk.dirty);
	TAILQ_INIT(&mk.asks);
	mk.now = NOW;
	hostcase_open(&run);
	for (size_t i = 0; i < hostcase_steps(&said); i++) {
		struct err e = {0};

		hostcase_make(&run, &said.steps[i], &run.s[i]);
		must(hostcase_judge(&run, &said, &run.s[i], &e), &e);
	}
	mk.hosts = run.hosts;
	open_content();
	make_job();
	if (rows_open(path, ORIGIN, &mk.rows, NULL) != 0 ||
	    jobs_new(&mk_jobs_ops, &mk, &mk.jobs) != 0)
		return -1;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	mk_items_free(&mk.next);
	board_clear(&mk.board);
	jobs_free(mk.jobs);
	rows_close(mk.rows);
	content_free(mk.content);
	statement_clear(&job);
	hostcase_close(&run);
	return tmpdir_remove(dir);
}

/* Orders and hosts as at a start. */
static void
forget_all(void)
{
	alloc_hold(true);
	jobs_free(mk.jobs);
	board_clear(&mk.board);
	assert_int_equal(jobs_new(&mk_jobs_ops, &mk, &mk.jobs), 0);
	mk.r = 0;
	mk.jobs_unstored = mk.loading = false;
	alloc_hold(false);
}

/* --- the call ------------------------------------------------------------- */

static int
take_once(void *arg)
{
	struct mk_call c = {.args = arg};
	struct statement s;
	int r;

	alloc_hold(true);
	statement_init(&s, ST_JOB);
	assert_int_equal(statement_parse("job", statement_bytes(&job), &s,
			     NULL),
	    0);
	alloc_hold(false);
	r = mk_take_job(&mk, &c, 0, &s, NULL);
	statement_clear(&s);
	assert_int_equal(mk.n_next, r == 0);
	/* Else the same would be too old when it comes again. */
	assert_int_equal(mk.last_job, r == 0 ? job.at : 0);
	return r;
}

static void
an_order_that_was_not_taken_may_come_again(void **state)
{
	json_t *args = json_object();

	(void)state;
	json_object_set_new(args, "targets", json_string(TARGETS));
	assert_true(alloc_each(take_once, args) > 20);
	assert_true(STAILQ_FIRST(&mk.next)->has_leaf);
	assert_string_equal(STAILQ_FIRST(&mk.next)->targets, TARGETS);
	json_decref(args);
}

/* --- from the log --------------------------------------------------------- */

/* Its leaf is durable, and whoever brought it is told so. */
static int
apply_once(void *arg)
{
	struct mk_item *i = arg;
	bool counts;

	forget_all();
	mk_apply(&mk, i);
	counts = i->s.type == ST_JOB ? jobs_find(mk.jobs, &i->s.hash) != NULL
				     : board_find(&mk.board, WEB_1) != NULL;
	if (!counts)
		assert_int_equal(mk.r, ERR_NOMEM);
	/* How far it is waits for the store. */
	return mk.r == 0 && mk.jobs_unstored ? ERR_NOMEM : mk.r;
}

static void
what_is_durable_counts_or_is_found_again(void **state)
{
	struct mk_item items[] = {
	    {.s = job,
		.has_leaf = true,
		.targets = targets,
		.n_targets = sizeof(targets) - 1},
	    {.s = run.s[1], .has_leaf = true},
	    {.s = run.s[2], .has_leaf = true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		assert_true(alloc_each(apply_once, &items[i]) > 1);
}

/* --- a start -------------------------------------------------------------- */

/* What was said, and the order, are in the log and not in the store. */
static void
fill_log(struct scribe *s, char *log)
{
	const struct ledger_config c = {
	    .dir = log, .origin = ORIGIN, .classify = leaf_classify};
	struct slice leaves[] = {statement_bytes(&run.s[0]),
	    statement_bytes(&run.s[1]), statement_bytes(&job),
	    statement_bytes(&run.s[2])};
	struct ledger_receipt got[4];
	struct err e = {0};

	assert_int_equal(mkdir(log, 0700), 0);
	must(ledger_open(&c, &s->ledger, &e), &e);
	must(ledger_commit(s->ledger, leaves, 4, got, &e), &e);
	must(rows_begin(mk.rows, &e), &e);
	must(rows_put_object(mk.rows, &job.u.job.targets, slice_str(targets),
		 &e),
	    &e);
	must(rows_commit(mk.rows, 0, &e), &e);
	/* As one that was there before. */
	rows_close(mk.rows);
	mk.rows = NULL;
	must(rows_open(path, ORIGIN, &mk.rows, &e), &e);
}

static int
load_once(void *arg)
{
	int r;

	(void)arg;
	forget_all();
	r = mk_load(&mk, NULL);
	/* All of what is behind, or nothing. */
	assert_true(rows_applied(mk.rows) == 0 || rows_applied(mk.rows) == 4);
	return r;
}

static void
a_start_has_all_or_fails(void **state)
{
	struct scribe s = {.ledger = NULL};
	char log[TMPDIR_MAX + 16];

	(void)state;
	(void)snprintf(log, sizeof(log), "%s/log", dir);
	fill_log(&s, log);
	mk.scribe = &s;
	mk.hosts = NULL;
	assert_int_equal(fleet_hosts_new(&mk.hosts), 0);
	assert_true(alloc_each(load_once, NULL) > 100);
	assert_non_null(jobs_find(mk.jobs, &job.hash));
	assert_int_equal(fleet_hosts_by_id(mk.hosts, WEB_1)->seq, 1);
	assert_non_null(board_find(&mk.board, WEB_1));
	assert_int_equal(rows_applied(mk.rows), 4);
	fleet_hosts_free(mk.hosts);
	ledger_close(s.ledger);
}

/* --- answers -------------------------------------------------------------- */

/* The host is there, and has the order. */
static struct mk_host *
host_is_there(void)
{
	struct mk_item i = {.s = job,
	    .has_leaf = true,
	    .targets = targets,
	    .n_targets = sizeof(targets) - 1};
	struct mk_host *h = NULL;

	assert_int_equal(board_get(&mk.board, WEB_1, &h), 0);
	h->attend = &there;
	mk_apply(&mk, &i);
	jobs_turn(mk.jobs, NOW);
	assert_int_equal(rows_put_act(mk.rows, 0, &run.s[1], NULL), 0);
	return h;
}

struct asked {
	mk_handler *handle;
	json_t *args;
	struct mk_host *host;
	struct str right; /* as with all its memory */
};

static int
answer_once(void *arg)
{
	struct asked *a = arg;
	struct mk_call c = {.args = a->args, .host = a->host};
	struct str out = STR_INIT;
	int r = a->handle(&mk, &c, &out, NULL);

	/* A text that is not whole is no answer: conn_answer(). */
	if (r == 0 && (r = str_check(&out)) == 0)
		assert_string_equal(out.p, a->right.p);
	str_clear(&out);
	return r;
}

static void
answers(mk_handler *handle, struct mk_host *host, const char *json)
{
	struct asked a = {.handle = handle, .host = host, .right = STR_INIT};
	struct mk_call c = {.host = host};
	struct err e = {0};

	must(json_read(slice_str(json), CALL_MAX, &a.args, &e), &e);
	c.args = a.args;
	must(handle(&mk, &c, &a.right, &e), &e);
	assert_true(a.right.n > 2);
	assert_true(alloc_each(answer_once, &a) >= 1);
	json_decref(a.args);
	str_clear(&a.right);
}

static void
answers_object(struct mk_host *host, const struct hash *h)
{
	char json[HASH_HEX + 32], hex[HASH_HEX];

	hash_hex(h, hex);
	(void)snprintf(json, sizeof(json), "{\"hash\":\"%s\"}", hex);
	answers(mk_object, host, json);
}

static void
an_answer_is_right_or_an_error(void **state)
{
	struct mk_host *h = host_is_there();
	char json[HASH_HEX + 32], hex[HASH_HEX];
	struct fleet_chain c;
	struct hash file;

	(void)state;
	answers(mk_chain, h, "{\"what\":\"policy\"}");
	answers(mk_chain, h, "{\"what\":\"fleet\"}");
	answers(mk_jobs, NULL, "{}");
	hash_hex(&job.hash, hex);
	(void)snprintf(json, sizeof(json), "{\"id\":\"%s\"}", hex);
	answers(mk_jobs, NULL, json);
	answers_object(h, &content_trust(mk.content)->policy->hash);
	answers_object(h, &run.s[1].hash);
	answers_object(NULL, &run.s[1].hash);
	contentcase_fleet(1, NULL, SEED_PETRA, &c);
	hash_sha256(c.files.v[0].data, c.files.v[0].n, &file);
	answers_object(h, &file);
	answers_object(NULL, &file);
	fleet_chain_clear(&c);
}

/* What lies between two versions, for a person who has `after`. */
static size_t
between(const char *after)
{
	struct mk_call c = {.args = json_object()};
	struct str out = STR_INIT;
	struct err e = {0};
	json_t *answer = NULL;
	size_t n;

	json_object_set_new(c.args, "what", json_string("fleet"));
	json_object_set_new(c.args, "after", json_string(after));
	must(mk_chain(&mk, &c, &out, &e), &e);
	must(json_read(slice_of(out.p, out.n), CALL_MAX, &answer, &e), &e);
	assert_true(json_is_array(json_object_get(answer, "between")));
	n = json_array_size(json_object_get(answer, "between"));
	json_decref(answer);
	json_decref(c.args);
	str_clear(&out);
	return n;
}

static void
only_what_lies_between_is_handed_out(void **state)
{
	struct fleet_chain c;
	struct err e = {0};

	(void)state;
	for (uint64_t v = 2; v <= 3; v++) {
		contentcase_fleet(v, &content_fleet(mk.content, v - 1)->name,
		    SEED_PETRA, &c);
		must(content_push_fleet(mk.content, &c, NOW, &e), &e);
		fleet_chain_clear(&c);
	}
	assert_int_equal(between("0"), 0);
	assert_int_equal(between("1"), 1);
	assert_int_equal(between("2"), 0);
	assert_int_equal(between("3"), 0);
	assert_int_equal(between("18446744073709551614"), 0);
	assert_int_equal(between("18446744073709551615"), 0);
}

/* --- questions ------------------------------------------------------------ */

static int
ask_once(void *arg)
{
	struct mk_call c = {.args = arg};
	struct str out = STR_INIT;
	int r = mk_show_diff(&mk, &c, &out, NULL);

	str_clear(&out);
	if (r != MK_LATER) {
		assert_null(c.ask);
		assert_true(TAILQ_EMPTY(&mk.asks));
		return r;
	}
	assert_ptr_equal(TAILQ_FIRST(&mk.asks), c.ask);
	mk_ask_free(&mk, c.ask);
	return 0;
}

static void
what_was_not_asked_waits_for_nothing(void **state)
{
	json_t *args = json_object();
	char hex[HASH_HEX];

	(void)state;
	(void)host_is_there();
	hash_hex(&job.hash, hex);
	json_object_set_new(args, "host", json_string(WEB_1));
	json_object_set_new(args, "hash", json_string(hex));
	assert_true(alloc_each(ask_once, args) >= 1);
	json_decref(args);
}

/* --- frames --------------------------------------------------------------- */

static struct conn conn;
static struct chan *peer;

static void
connect_peer(enum conn_kind kind)
{
	int fds[2];

	alloc_hold(true);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	memset(&conn, 0, sizeof(conn));
	conn.kind = kind;
	assert_int_equal(chan_new(fds[0], &conn.chan, NULL), 0);
	assert_int_equal(chan_new(fds[1], &peer, NULL), 0);
	alloc_hold(false);
}

/* What it was told, if it was; *body is a copy.  ERR_NOMEM: it is cut off, or told
 * of an error. */
static int
hear(uint16_t type, struct str *body)
{
	struct frame f;
	struct slice text;
	struct view v;
	uint8_t status = 0;
	int r = ERR_NOMEM;

	alloc_hold(true);
	if (!conn.closing) {
		assert_int_equal(chan_wait(peer, ON_WAIT, &f, NULL), 0);
		assert_int_equal(f.type, type);
		v = view_slice(f.payload);
		if (type != MSG_EVENT)
			assert_int_equal(view_get_u8(&v, &status), 0);
		assert_int_equal(view_get_string(&v, &text), 0);
		str_addn(body, (const char *)text.p, text.n);
		r = status == 0 ? 0 : ERR_NOMEM;
	}
	chan_free(conn.chan);
	chan_free(peer);
	alloc_hold(false);
	return r;
}

static int
call_once(void *arg)
{
	struct str *right = arg, body = STR_INIT;
	struct buf *b = NULL;
	struct frame f = {.type = MSG_STATUS, .id = 9};
	int r;

	connect_peer(CONN_CONTROL);
	alloc_hold(true);
	assert_int_equal(buf_new(&b, CALL_MAX), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(buf_put_string(b, "", 0), 0);
	assert_int_equal(buf_put_u8(b, FORM_JSON), 0);
	assert_int_equal(buf_put_string(b, "{\"call\":\"jobs\"}", 15), 0);
	f.payload = buf_slice(b);
	alloc_hold(false);
	r = mk_call_new(&mk, &conn, &f, NULL);
	assert_int_equal(mk.n_calls, 0);
	assert_true(TAILQ_EMPTY(&mk.calls));
	buf_free(b);
	if (r != 0)
		conn.closing = true; /* an error is the connection's end */
	r = hear(MSG_STATUS_IS, &body);
	if (r == 0 && right->n == 0)
		str_addn(right, body.p, body.n);
	else if (r == 0)
		assert_string_equal(body.p, right->p);
	str_clear(&body);
	return r;
}

static void
a_call_is_answered_or_cut_off(void **state)
{
	struct str right = STR_INIT;

	(void)state;
	(void)host_is_there();
	assert_int_equal(call_once(&right), 0);
	assert_true(alloc_each(call_once, &right) > 5);
	str_clear(&right);
}

static int
tell_once(void *arg)
{
	struct mk_host *h = arg;
	struct str right = STR_INIT, body = STR_INIT;
	int r;

	alloc_hold(true);
	mk_want(&mk, h, &right);
	alloc_hold(false);
	connect_peer(CONN_FRONT);
	there.conn = &conn;
	mk_dirty(&mk, h);
	mk_want_flush(&mk);
	assert_true(TAILQ_EMPTY(&mk.dirty));
	/* Whose connection ends comes again, and is told then. */
	if ((r = hear(MSG_EVENT, &body)) == 0)
		assert_string_equal(body.p, right.p);
	there.conn = NULL;
	str_clear(&right);
	str_clear(&body);
	return r;
}

static void
a_host_is_told_or_comes_again(void **state)
{
	(void)state;
	assert_true(alloc_each(tell_once, host_is_there()) > 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	    T(an_order_that_was_not_taken_may_come_again),
	    T(what_is_durable_counts_or_is_found_again),
	    T(a_start_has_all_or_fails),
	    T(an_answer_is_right_or_an_error),
	    T(only_what_lies_between_is_handed_out),
	    T(what_was_not_asked_waits_for_nothing),
	    T(a_call_is_answered_or_cut_off),
	    T(a_host_is_told_or_comes_again),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
