/* SPDX-License-Identifier: ISC */
/*
 * The agent's link between a master and an applier that are played here: the
 * master in place of lib/net/client.h, the applier at the other end of the real
 * frames.  What a token that is refused comes to, a connection that goes while
 * the applier works, news that come while something is taken, and memory that
 * runs out anywhere in between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/minion/spool.h"
#include "agent/minion/uplink.h"
#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/crypto/hash.h"
#include "lib/net/client.h"
#include "lib/proc/plog.h"
#include "tests/unit/alloc.h"
#include "tests/unit/tmpdir.h"

#define CALLS    8
#define TURNS    400 /* an endless loop has many more */
#define MASTERS  "\"masters\":[{\"address\":\"127.0.0.1:1\",\"key\":\"k\"}]"
#define ACCEPTED "{" MASTERS ",\"accepted\":true,\"seq\":\"0\"}"

/* --- the master ----------------------------------------------------------- */

struct net_client {
	const struct net_client_ops *ops;
	void *ctx;
	bool up, down;
	uint16_t port;
	struct {
		char body[512];
		net_client_fn *fn;
		void *ctx;
	} calls[CALLS];
	size_t n_calls;
	net_client_fn *attends; /* it goes on */
	void *attend_ctx;
};

static struct play {
	char dir[TMPDIR_MAX];
	struct uplink *u;
	struct chan *applier;
	struct watch *watch;
	/* What the applier says to a verb; NULL: what it holds. */
	const char *says[VERB_LOGINS + 1];
	const char *held;
	unsigned asked[VERB_LOGINS + 1];
	char last_args[1024];
	bool works; /* it does not answer yet */
	uint32_t owes;
	/* What the master says to enrol and attend, what to an object. */
	const char *enrol, *attend, *news;
	const char *token;   /* to enrol by one; NULL: as to all */
	const char *object;  /* NULL: that it has none */
	bool enrol_by_token; /* the last one had an acceptance */
	bool drops;          /* the connection ends in the next turn */
	uint16_t dead;       /* nobody answers at this port */
	enum err_code why;   /* for this reason; 0: it is lost */
	unsigned connected, attended, turns;
} p;

int
net_client_new(struct loop *l, const struct net_client_options *o,
    const struct net_client_ops *ops, void *ctx, struct net_client **out,
    struct err *e)
{
	struct net_client *c;

	(void)l;
	(void)e;
	alloc_hold(true);
	c = calloc(1, sizeof(*c));
	alloc_hold(false);
	assert_non_null(c);
	c->ops = ops;
	c->ctx = ctx;
	c->port = o->port;
	p.connected++;
	*out = c;
	return 0;
}

void
net_client_free(struct net_client *c)
{
	free(c);
}

bool
net_client_is_up(const struct net_client *c)
{
	return c->up && !c->down;
}

int
net_client_call(struct net_client *c, struct slice body, int ms,
    net_client_fn *fn, void *ctx, struct err *e)
{
	size_t i = c->n_calls;

	(void)ms;
	(void)e;
	assert_true(i < CALLS);
	(void)snprintf(c->calls[i].body, sizeof(c->calls[i].body), "%.*s",
	    (int)body.n, (const char *)body.p);
	c->calls[i].fn = fn;
	c->calls[i].ctx = ctx;
	c->n_calls++;
	return 0;
}

static void
applier_answers(uint32_t id, const char *text)
{
	char body[1024];

	(void)snprintf(body, sizeof(body), "{%s%s\"held\":%s}",
	    text != NULL ? text : "", text != NULL ? "," : "", p.held);
	assert_int_equal(chan_send(p.applier, VERB_ANSWER, id, slice_str(body),
			     NULL),
	    0);
}

static void
answer(net_client_fn *fn, void *ctx, const char *text, bool last)
{
	struct net_client_answer a = {.last = last, .body = slice_str(text)};

	fn(ctx, &a);
}

static void
hear(struct net_client *c, const char *body, net_client_fn *fn, void *ctx)
{
	bool is_object = strstr(body, "\"call\":\"object\"") != NULL;

	if (strstr(body, "\"call\":\"attend\"") != NULL) {
		p.attended++;
		if (p.attend != NULL)
			answer(fn, ctx, p.attend, false);
		if (p.works && p.attended > 1) {
			p.works = false;
			applier_answers(p.owes, NULL);
		}
		c->attends = fn;
		c->attend_ctx = ctx;
		return;
	}
	/* Something else is wanted all of a sudden. */
	if (is_object && p.news != NULL) {
		answer(c->attends, c->attend_ctx, p.news, false);
		p.news = NULL;
	}
	if (strstr(body, "\"call\":\"enrol\"") != NULL) {
		p.enrol_by_token = strstr(body, "\"accept\":") != NULL;
		answer(fn, ctx,
		    p.token != NULL && p.enrol_by_token ? p.token : p.enrol,
		    true);
	} else {
		answer(fn, ctx,
		    is_object && p.object != NULL
			? p.object
			: "{\"error\":\"none\",\"code\":\"notfound\"}",
		    true);
	}
}

static void
go_down(struct net_client *c)
{
	struct err why = {
	    .code = p.why != 0 ? p.why : ERR_NET, .msg = "it is lost"};
	struct net_client_answer a = {.last = true, .why = &why};

	p.drops = false;
	c->down = true;
	for (size_t i = 0; i < c->n_calls; i++)
		c->calls[i].fn(c->calls[i].ctx, &a);
	c->n_calls = 0;
	c->ops->down(c->ctx, &why);
}

int
net_client_turn(struct net_client *c)
{
	assert_true(++p.turns < TURNS);
	if (c->down)
		return -1;
	if (!c->up && c->port == p.dead) {
		go_down(c);
		return 0;
	}
	if (!c->up) {
		c->up = true;
		c->ops->up(c->ctx);
		return 0;
	}
	if (p.drops) {
		go_down(c);
		return 0;
	}
	if (c->n_calls == 0)
		return -1;
	c->n_calls--;
	hear(c, c->calls[c->n_calls].body, c->calls[c->n_calls].fn,
	    c->calls[c->n_calls].ctx);
	return 0;
}

/* --- the applier ---------------------------------------------------------- */

static void
on_applier(void *ctx, uint32_t events)
{
	struct frame f;

	(void)ctx;
	(void)events;
	alloc_hold(true);
	assert_int_equal(chan_read(p.applier, NULL), 0);
	while (chan_next(p.applier, &f, NULL) == 0) {
		assert_true(f.type >= VERB_LOOK && f.type <= VERB_LOGINS);
		p.asked[f.type]++;
		(void)snprintf(p.last_args, sizeof(p.last_args), "%.*s",
		    (int)f.payload.n, (const char *)f.payload.p);
		if (p.works)
			p.owes = f.id;
		else
			applier_answers(f.id, p.says[f.type]);
	}
	alloc_hold(false);
}

/* --- the link between them ------------------------------------------------ */

static void
begin(const char *held)
{
	struct err e = {0};
	int fds[2];

	p.held = held;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
			     fds),
	    0);
	assert_int_equal(uplink_new(p.dir, "key", "line", fds[0], &p.u, &e), 0);
	assert_int_equal(chan_new(fds[1], &p.applier, &e), 0);
	assert_int_equal(loop_add(p.u->loop, fds[1], EPOLLIN, on_applier, NULL,
			     &p.watch, &e),
	    0);
	assert_int_equal(uplink_ask(p.u, VERB_LOOK, "", NULL, &e), 0);
}

/* Once more from nothing, for the same play. */
static void
end(void)
{
	uplink_free(p.u);
	chan_free(p.applier);
	p.u = NULL;
	p.applier = NULL;
}

static void
come_up(void)
{
	struct err e = {0};

	assert_int_equal(uplink_connect(p.u, &e), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(uplink_turn(p.u, 0, &e), 0);
	assert_true(uplink_is_up(p.u));
}

static void
be_wanted(const char *want)
{
	struct err e = {0};

	p.attend = want;
	assert_int_equal(uplink_attend(p.u, &e), 0);
	for (int i = 0; i < 3 && p.u->want == NULL; i++)
		assert_int_equal(uplink_turn(p.u, 0, &e), 0);
	assert_non_null(p.u->want);
}

static int
set_up(void **state)
{
	(void)state;
	plog_init("test", PLOG_ERR);
	memset(&p, 0, sizeof(p));
	tmpdir_make(p.dir, "uplink");
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const files[] = {SPOOL_ENROL, SPOOL_CERTIFICATE};
	char path[TMPDIR_MAX + 16];

	(void)state;
	alloc_fail_nth(0);
	end();
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", p.dir, files[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(p.dir), 0);
	return 0;
}

/* --- a token -------------------------------------------------------------- */

#define NO_TOKEN "{\"error\":\"the token is expired\",\"code\":\"expired\"}"
#define WAITING  "{\"state\":\"waiting\"}"

/* What it asks with lies there. */
static void
has_enrol(void)
{
	char path[TMPDIR_MAX + 16];

	(void)snprintf(path, sizeof(path), "%s/%s", p.dir, SPOOL_ENROL);
	assert_int_equal(file_write(path, "{}\n", 3, 0600, 0, NULL), 0);
}

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

/* --- while the applier works ---------------------------------------------- */

static void
a_connection_lost_in_a_long_run_is_made_anew_in_it(void **state)
{
	struct err e = {0};

	(void)state;
	begin(ACCEPTED);
	come_up();
	be_wanted("{}");
	p.u->backoff_ms = 20;
	p.works = true; /* until the host attends again */
	p.drops = true;
	p.turns = 0;
	assert_int_equal(uplink_ask(p.u, VERB_RUN, "", NULL, &e), 0);
	assert_int_equal(p.attended, 2);
	assert_int_equal(p.connected, 2);
	assert_int_equal(p.asked[VERB_RUN], 1);
	assert_int_equal(p.asked[VERB_REPORT], 0);
}

static void
a_stranger_who_comes_meanwhile_is_told_of_later(void **state)
{
	struct err e = {0};

	(void)state;
	begin(ACCEPTED);
	come_up();
	be_wanted("{}");
	p.u->backoff_ms = 20;
	p.works = true;
	p.drops = true;
	p.why = ERR_PARSE;
	assert_int_equal(uplink_ask(p.u, VERB_RUN, "", NULL, &e), 0);
	/* One question at a time: none of an alarm within that of the run. */
	assert_int_equal(p.asked[VERB_REPORT], 0);
}

#define TWO_MASTERS                                                  \
	"{\"masters\":[{\"address\":\"127.0.0.1:1\",\"key\":\"k\"}," \
	"{\"address\":\"127.0.0.1:2\",\"key\":\"l\"}],\"accepted\":true}"

#define TWO_MASTERS_OF_NONE                                          \
	"{\"masters\":[{\"address\":\"127.0.0.1:1\",\"key\":\"k\"}," \
	"{\"address\":\"127.0.0.1:2\",\"key\":\"l\"}]}"

/* Until it attends at one; which. */
static uint16_t
find_master(void)
{
	struct err e = {0};

	p.u->next_try = 0;
	p.u->backoff_ms = 10;
	while (!p.u->attending) {
		assert_int_equal(uplink_turn(p.u, 10, &e), 0);
		uplink_keep(p.u);
	}
	return p.u->client->port;
}

static void
where_one_master_is_gone_it_goes_to_another(void **state)
{
	struct err e = {0};

	(void)state;
	begin(TWO_MASTERS);
	p.dead = 1;
	assert_int_equal(find_master(), 2);
	/* That one goes, and the other is there again. */
	p.dead = 2;
	p.drops = true;
	while (!p.u->down)
		assert_int_equal(uplink_turn(p.u, 10, &e), 0);
	uplink_keep(p.u);
	assert_false(p.u->attending);
	assert_int_equal(find_master(), 1);
}

/* It is lost, and the next one is to be had at once. */
static void
lose_it(void)
{
	struct err e = {0};

	p.drops = true;
	while (!p.u->down)
		assert_int_equal(uplink_turn(p.u, 10, &e), 0);
	uplink_keep(p.u);
	assert_false(p.u->attending);
}

/* It is told that it is one, say, and its session ends. */
static void
a_master_that_hangs_up_comes_first_again_once(void **state)
{
	(void)state;
	begin(TWO_MASTERS);
	assert_int_equal(find_master(), 1);
	lose_it();
	assert_int_equal(find_master(), 1);
	lose_it();
	assert_int_equal(find_master(), 2);
	/* One that stayed for a while is another matter each time. */
	for (size_t i = 0; i < 3; i++) {
		p.u->up_since -= 60000;
		lose_it();
		assert_int_equal(find_master(), 2);
	}
}

static void
who_is_accepted_goes_in_where_it_was_said(void **state)
{
	struct err e = {0};

	(void)state;
	begin(TWO_MASTERS_OF_NONE);
	p.enrol = "{\"state\":\"accepted\"}";
	has_enrol();
	come_up();
	uplink_enrol(p.u);
	assert_null(p.u->client);
	assert_int_equal(uplink_connect(p.u, &e), 0);
	assert_int_equal(p.u->client->port, 1);
}

/* Accepted by the other one, perhaps. */
static void
nobody_waits_at_one_master_for_good(void **state)
{
	static const char *const says[] = {
	    "{\"state\":\"waiting\"}", "{\"state\":\"rejected\"}"};
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		begin(TWO_MASTERS_OF_NONE);
		p.enrol = says[i];
		has_enrol();
		come_up();
		uplink_enrol(p.u);
		assert_true(uplink_is_up(p.u));
		assert_true(p.u->next_enrol <= loop_now(p.u->loop) + 60000);
		p.u->up_since -= 60000;
		uplink_enrol(p.u);
		assert_null(p.u->client);
		assert_true(p.u->next_try > loop_now(p.u->loop));
		assert_int_equal(uplink_connect(p.u, &e), 0);
		assert_int_equal(p.u->client->port, 2);
		end();
	}
	begin("{" MASTERS "}");
	p.enrol = says[0];
	come_up();
	p.u->up_since -= 60000;
	uplink_enrol(p.u);
	assert_true(uplink_is_up(p.u));
}

/* Else it would be asked as fast as can be. */
static void
a_master_that_takes_no_report_is_left_for_a_while(void **state)
{
	(void)state;
	begin("{\"masters\":[{\"address\":\"127.0.0.1:1\",\"key\":\"k\"},"
	      "{\"address\":\"127.0.0.1:2\",\"key\":\"l\"}],"
	      "\"accepted\":true,\"seq\":\"1\"}");
	assert_int_equal(find_master(), 1);
	assert_int_equal(strs_add(&p.u->unsent, "a report"), 0);
	p.u->first_unsent = 1;
	uplink_send(p.u);
	assert_null(p.u->client);
	assert_true(p.u->next_try > loop_now(p.u->loop));
	assert_int_equal(find_master(), 2);
}

/* --- what is wanted ------------------------------------------------------- */

#define A16 "aaaaaaaaaaaaaaaa"
#define B16 "bbbbbbbbbbbbbbbb"
#define ONE A16 A16 A16 A16
#define TWO B16 B16 B16 B16

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
		assert_true(p.u->next_take > loop_now(p.u->loop));
	}
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	    T(a_token_that_is_refused_is_tried_later_and_later),
	    T(one_that_was_not_looked_at_is_said_again_as_it_is),
	    T(a_file_that_cannot_be_read_is_read_again_later),
	    T(who_has_no_token_is_asked_once),
	    T(a_connection_lost_in_a_long_run_is_made_anew_in_it),
	    T(a_stranger_who_comes_meanwhile_is_told_of_later),
	    T(where_one_master_is_gone_it_goes_to_another),
	    T(a_master_that_hangs_up_comes_first_again_once),
	    T(who_is_accepted_goes_in_where_it_was_said),
	    T(nobody_waits_at_one_master_for_good),
	    T(a_master_that_takes_no_report_is_left_for_a_while),
	    T(news_do_not_end_what_is_being_taken),
	    T(what_says_nothing_of_a_thing_is_asked_again_in_a_while),
	    T(memory_that_runs_out_costs_time_and_nothing_else),
	    T(memory_that_runs_out_does_not_lose_a_token),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
