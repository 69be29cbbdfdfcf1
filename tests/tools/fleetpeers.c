/* SPDX-License-Identifier: ISC */
/*
 * Many agents of a master, in one process, that speak what agents speak: they ask
 * in, are accepted, attend, fetch their order and report.
 *
 *	fleetpeers HOST:PORT HOSTKEY.pub ROOT.yaml FIRST N OPERATOR ID
 *
 * Hosts are h<FIRST>.example.com and on; OPERATOR
 * is the key file of the person ID.  A line of standard input at a time, each
 * answered by one line, the seconds it took first:
 *
 *	enrol		all ask in and are accepted
 *	attend		all connect, and know what they are to have
 *	drop		all go
 *	order FLEET M	an order, signed, to hosts h0 to h<M-1>, all in one
 *			batch, to have the fleet whose statement is in that file
 *	results		until each of ours has its order and its report of it is
 *			in the log
 *	logins N	each of ours that attends reports N times who logged in, of
 *			LOGINS each, over the last 90 days
 *	ask CALL	a call of the operator's, JSON
 *	push FLEET HOST	an order to a real agent, until its result is there; the
 *			operator is connected before
 */
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/crypto/random.h"
#include "lib/key/key.h"
#include "lib/net/client.h"
#include "lib/net/server.h"
#include "lib/statement/statement.h"
#include "lib/trust/fleet_place.h"

#define WINDOW  48 /* that ask in at once: a master has room for few strangers */
#define BATCH   200
#define CALL_MS 600000
#define LOGINS  100  /* as many as fit a report of 40 KiB */
#define LOOK_MS 1000 /* between looks at every connection */

/* As an agent that has lost its master (agent/minion/uplink.c). */
#define BACKOFF_FIRST 500
#define BACKOFF_MOST  (5 * 60 * 1000)

struct peer {
	struct fleet *f;
	size_t number;
	char id[64];
	struct key *host, *link;
	struct hash enrol;
	struct net_client *c;
	bool wanting;    /* knows what it is to have */
	struct hash job; /* the order it was told last */
	bool ordered;
	uint64_t seq; /* of its last report */
	struct hash last;
	size_t reports, n_reports; /* of logins: made, to make */
	bool over;                 /* may be cut */
	bool due;                  /* it made a call */
	TAILQ_ENTRY(peer) turn;
	int64_t next_try; /* to attend, while it has no connection */
	uint32_t backoff_ms;
};

struct fleet {
	char *host;
	uint16_t port;
	const char *host_key; /* line */
	struct hash realm;
	size_t first, n, done;
	struct peer *v;
	struct key *operator;
	char *operator_text;
	const char *operator_id;
	struct peer *me; /* the operator's connection */
	bool answered;   /* to him */
	struct loop *loop;
	int64_t next_look, next_try;
	size_t tries, lost; /* connections to attend; in vain */
	TAILQ_HEAD(, peer) due;
};

static _Noreturn void
die(const char *what, const struct err *e)
{
	fprintf(stderr, "fleetpeers: %s: %s\n", what, e != NULL ? e->msg : "");
	exit(1);
}

static void
need(int r, const char *what, const struct err *e)
{
	if (r != 0)
		die(what, e);
}

static double
seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static char *
read_all(const char *path, size_t *n)
{
	struct err e = {0};
	char *text = NULL;

	need(file_read(path, 1024 * 1024, &text, n, &e), path, &e);
	return text;
}

/* --- statements ----------------------------------------------------------- */

/* Signed by k1 and, not NULL, k2; s borrows all it points to. */
static void
say(const struct fleet *f, struct statement *s, const char *by, struct key *k1,
    struct key *k2, struct str *out)
{
	struct err e = {0};
	size_t n;

	s->realm = f->realm;
	s->by = (char *)(uintptr_t)by;
	s->at = clock_now();
	random_bytes(s->nonce, sizeof(s->nonce));
	need(statement_encode(s, out, &e), "encode", &e);
	n = out->n;
	hash_sha256(out->p, n, &s->hash);
	for (int i = 0; i < 2; i++) {
		struct key *k = i == 0 ? k1 : k2;
		struct str sig = STR_INIT;

		if (k == NULL)
			continue;
		need(key_sshsig(k, statement_namespace(s->type),
			 slice_of(out->p, n), &sig, &e),
		    "sign", &e);
		str_addn(out, sig.p, sig.n);
		str_clear(&sig);
	}
	if (str_check(out) != 0)
		abort();
}

static void
say_enrol(struct peer *p, struct str *out)
{
	struct statement s;

	statement_init(&s, ST_ENROL);
	s.u.enrol.host_key = (struct pubkey *)(uintptr_t)key_public(p->host);
	s.u.enrol.transport_key =
	    (struct pubkey *)(uintptr_t)key_public(p->link);
	s.u.enrol.hostname = p->id;
	say(p->f, &s, p->id, p->host, p->link, out);
	p->enrol = s.hash;
}

static void
say_accept(struct peer *p, struct str *out)
{
	struct fleet *f = p->f;
	char *name = p->id;
	struct statement s;

	statement_init(&s, ST_ACCEPT);
	s.u.accept.host = p->id;
	s.u.accept.enrol = p->enrol;
	s.u.accept.host_key = (struct pubkey *)(uintptr_t)key_public(p->host);
	s.u.accept.transport_key =
	    (struct pubkey *)(uintptr_t)key_public(p->link);
	s.u.accept.names = (struct strs){.v = &name, .n = 1};
	s.u.accept.renew_until = clock_now() + 86400;
	say(f, &s, f->operator_id, f->operator, NULL, out);
}

/* The next one of this peer. */
static void
say_next(struct peer *p, struct report_statement *r, struct str *out)
{
	struct statement s;

	r->has_previous = p->seq > 0;
	r->previous = p->last;
	r->seq = ++p->seq;
	r->root_version = r->policy_version = 1;
	statement_init(&s, ST_REPORT);
	s.u.report = *r;
	say(p->f, &s, p->id, p->host, NULL, out);
	p->last = s.hash;
}

static void
say_report(struct peer *p, struct str *out)
{
	struct report_statement r = {.kind = REPORT_RUN,
	    .fleet_version = 1,
	    .has_job = true,
	    .job = p->job,
	    .enforce = true,
	    .outcome = RUN_UNCHANGED,
	    .states = 5};

	say_next(p, &r, out);
}

/* Its n-th login of all: each has a serial of its own, and ten accounts share
 * them. */
static void
make_login(const struct peer *p, size_t n, struct login_event *v)
{
	static char accounts[][4] = {
	    "u0", "u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8", "u9"};
	static char session[] = "3b1f0c2a.811.1764400000", from[] = "10.0.0.7",
		    method[] = "publickey",
		    key_id[] = "person/9c1b0f4e7d2a9c1b0f4e7d2a9c1b0f4e";
	const int64_t span = INT64_C(90) * 86400;

	*v = (struct login_event){.what = LOGIN_IN,
	    .at = clock_now() - span +
		span * (int64_t)n / (int64_t)(p->n_reports * LOGINS),
	    .session = session,
	    .account = accounts[n % 10],
	    .from = from,
	    .port = 50112,
	    .method = method,
	    .has_key = true,
	    .key = p->f->realm,
	    .has_cert = true,
	    .ca = p->f->realm,
	    .serial = p->number * 1000000 + n,
	    .key_id = key_id};
}

static void
say_logins(struct peer *p, struct str *out)
{
	struct login_event events[LOGINS];
	struct report_statement r = {
	    .kind = REPORT_LOGINS, .events = events, .n_events = LOGINS};

	for (size_t i = 0; i < LOGINS; i++)
		make_login(p, p->reports * LOGINS + i, &events[i]);
	p->reports++;
	say_next(p, &r, out);
}

/* {"call": NAME, KEY: VALUE...}, ended by NULL; the caller clears. */
static struct str
call_of(const char *name, ...)
{
	struct str text = STR_INIT;
	const char *key;
	struct jw w;
	va_list ap;

	va_start(ap, name);
	jw_init(&w, &text, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", name);
	while ((key = va_arg(ap, const char *)) != NULL)
		jw_str(&w, key, va_arg(ap, const char *));
	jw_end(&w, '}');
	va_end(ap);
	if (str_check(&text) != 0)
		abort();
	return text;
}

/* --- peers ---------------------------------------------------------------- */

static void
on_up(void *ctx)
{
	(void)ctx;
}

/* Longer each time, and not all at once. */
static void
wait_longer(struct peer *p)
{
	struct fleet *f = p->f;
	uint32_t v;

	random_bytes(&v, sizeof(v));
	p->next_try = loop_now(f->loop) + p->backoff_ms / 2 + v % p->backoff_ms;
	if (f->next_try == 0 || p->next_try < f->next_try)
		f->next_try = p->next_try;
	if ((p->backoff_ms *= 2) > BACKOFF_MOST)
		p->backoff_ms = BACKOFF_MOST;
}

static void
on_down(void *ctx, const struct err *why)
{
	struct peer *p = ctx;

	/* One that was told all it wanted to know may be cut; one that is on
	   its way in comes again. */
	if (p->over)
		return;
	if (p->backoff_ms == 0 || p->wanting)
		die(p->id, why);
	p->f->lost++;
	wait_longer(p);
}

static const struct net_client_ops ops = {.up = on_up, .down = on_down};

static char *
key_text(const struct key *k)
{
	struct str s = STR_INIT;
	struct err e = {0};
	char *out;

	need(key_encode_openssh(k, "", NULL, 0, &s, &e), "key", &e);
	if (str_take(&s, &out) != 0)
		abort();
	return out;
}

static struct net_client *
reach(struct fleet *f, const char *user, const char *key, void *ctx)
{
	const char *keys[] = {f->host_key};
	const struct net_client_options o = {.host = f->host,
	    .port = f->port,
	    .host_keys = keys,
	    .n_host_keys = 1,
	    .key = key,
	    .user = user,
	    .subsystem = "writ",
	    .keepalive_ms = CALL_MS};
	struct net_client *c = NULL;
	struct err e = {0};

	need(net_client_new(f->loop, &o, &ops, ctx, &c, &e), "connect", &e);
	return c;
}

static void
connect_peer(struct peer *p, const char *user)
{
	char *text = key_text(p->link);

	p->c = reach(p->f, user, text, p);
	free(text);
}

static void
make_call(struct peer *p, struct str text, int ms, net_client_fn *fn)
{
	struct err e = {0};

	need(net_client_call(p->c, slice_of(text.p, text.n), ms, fn, p, &e),
	    p->id, &e);
	str_clear(&text);
	if (!p->due)
		TAILQ_INSERT_TAIL(&p->f->due, p, turn);
	p->due = true;
}

/*
 * Those that made a call, and now and then all: thousands of turns for every few
 * packets would be what is measured.
 */
static void
take_turns(struct fleet *f)
{
	int64_t now = loop_now(f->loop);
	struct peer *p;

	while ((p = TAILQ_FIRST(&f->due)) != NULL) {
		TAILQ_REMOVE(&f->due, p, turn);
		p->due = false;
		if (p->c != NULL)
			(void)net_client_turn(p->c);
	}
	if (now < f->next_look)
		return;
	f->next_look = now + LOOK_MS;
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].c != NULL)
			(void)net_client_turn(f->v[i].c);
}

/* One, unless the due turns were all that was wanted. */
static void
turn(struct fleet *f, size_t n)
{
	int64_t ms = LOOK_MS, now = loop_now(f->loop);
	struct err e = {0};

	take_turns(f);
	if (f->next_try != 0 && f->next_try - now < ms)
		ms = f->next_try > now ? f->next_try - now : 0;
	if (f->done < n)
		need(loop_turn(f->loop, (int)ms, &e), "turn", &e);
}

/* Turn until f->done peers are n. */
static void
turn_until(struct fleet *f, size_t n)
{
	while (f->done < n)
		turn(f, n);
}

static void
must(const struct peer *p, const struct net_client_answer *a)
{
	if (a->why != NULL)
		die(p->id, a->why);
	if (a->last && a->status != 0 && a->status != 3) {
		fprintf(stderr, "fleetpeers: %s: %.*s\n", p->id, (int)a->body.n,
		    (const char *)a->body.p);
		exit(1);
	}
}

/* --- enrol ---------------------------------------------------------------- */

static void
on_enrolled(void *ctx, const struct net_client_answer *a)
{
	struct peer *p = ctx;

	must(p, a);
	p->over = true;
	p->f->done++;
}

static void
ask_in(struct peer *p)
{
	struct str text = STR_INIT;

	say_enrol(p, &text);
	connect_peer(p, NET_GUEST_USER);
	p->over = false;
	make_call(p, call_of("enrol", "statement", text.p, NULL), CALL_MS,
	    on_enrolled);
	str_clear(&text);
}

static void
on_submitted(void *ctx, const struct net_client_answer *a)
{
	struct peer *p = ctx;

	must(p, a);
	if (a->last)
		p->f->answered = true;
}

/* A call of the operator's, by a connection of his own that stays. */
static void
operate(struct fleet *f, struct str text)
{
	struct err e = {0};

	if (f->me == NULL) {
		if ((f->me = calloc(1, sizeof(*f->me))) == NULL)
			abort();
		*f->me = (struct peer){.f = f, .id = "operator"};
		f->me->c = reach(f, NULL, f->operator_text, f->me);
	}
	f->answered = false;
	make_call(f->me, text, CALL_MS, on_submitted);
	while (!f->answered) {
		int ms = net_client_turn(f->me->c);

		/* The turn may have had the answer. */
		if (!f->answered)
			need(loop_turn(f->loop, ms < 0 ? 1000 : ms, &e), "turn",
			    &e);
	}
}

static void
accept_some(struct fleet *f, size_t from, size_t to)
{
	struct str text = STR_INIT;
	struct jw w;

	jw_init(&w, &text, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", "submit");
	jw_begin(&w, "statements", '[');
	for (size_t i = from; i < to; i++) {
		struct str one = STR_INIT;

		say_accept(&f->v[i], &one);
		jw_str(&w, NULL, one.p);
		str_clear(&one);
	}
	jw_end(&w, ']');
	jw_end(&w, '}');
	operate(f, text);
}

static double
enrol(struct fleet *f, char *words)
{
	double start = seconds();

	(void)words;
	for (size_t i = 0; i < f->n; i += WINDOW) {
		size_t to = i + WINDOW < f->n ? i + WINDOW : f->n;

		f->done = 0;
		for (size_t k = i; k < to; k++)
			ask_in(&f->v[k]);
		turn_until(f, to - i);
		for (size_t k = i; k < to; k++) {
			net_client_free(f->v[k].c);
			f->v[k].c = NULL;
		}
	}
	for (size_t i = 0; i < f->n; i += BATCH)
		accept_some(f, i, i + BATCH < f->n ? i + BATCH : f->n);
	/* His connection would not survive a restart of the master. */
	if (f->me != NULL) {
		if (f->me->due)
			TAILQ_REMOVE(&f->due, f->me, turn);
		net_client_free(f->me->c);
		free(f->me);
		f->me = NULL;
	}
	return seconds() - start;
}

/* --- attend, order, results ----------------------------------------------- */

static void
on_reported(void *ctx, const struct net_client_answer *a)
{
	struct peer *p = ctx;

	must(p, a);
	p->f->done++;
}

static void
on_order(void *ctx, const struct net_client_answer *a)
{
	struct peer *p = ctx;
	struct str text = STR_INIT;

	must(p, a);
	say_report(p, &text);
	make_call(p, call_of("report", "statement", text.p, NULL), CALL_MS,
	    on_reported);
	str_clear(&text);
}

static void
on_want(void *ctx, const struct net_client_answer *a)
{
	const char *hex;
	struct peer *p = ctx;
	struct err e = {0};
	json_t *o = NULL;
	struct hash h;

	if (a->why != NULL && !p->wanting)
		return; /* on_down() knows what to do */
	must(p, a);
	need(json_read(a->body, a->body.n, &o, &e), "want", &e);
	if (!p->wanting) {
		p->wanting = true;
		p->f->done++;
	}
	hex = json_string_value(json_object_get(json_object_get(o, "job"),
	    "statement"));
	if (hex != NULL && hash_from_hex(hex, &h) == 0 &&
	    !(p->ordered && hash_equal(&h, &p->job))) {
		p->job = h;
		p->ordered = true;
		/* An agent looks at its order and at whom it is for. */
		make_call(p, call_of("order", "job", hex, NULL), CALL_MS,
		    on_order);
	}
	json_decref(o);
}

static void
try_to_attend(struct peer *p)
{
	char boot[2 * BOOT_ID_LEN + 1];

	net_client_free(p->c);
	connect_peer(p, NULL);
	p->next_try = 0;
	p->f->tries++;
	(void)snprintf(boot, sizeof(boot), "%032zx", p->number + 1);
	make_call(p,
	    call_of("attend", "boot_id", boot, "root_version", "1",
		"policy_version", "1", "fleet_version", "0", "krl_version", "0",
		NULL),
	    -1, on_want);
}

/* Those whose time has come. */
static void
take_tries(struct fleet *f)
{
	int64_t now = loop_now(f->loop), next = 0;

	for (size_t i = 0; i < f->n; i++) {
		struct peer *p = &f->v[i];

		if (p->next_try != 0 && p->next_try <= now)
			try_to_attend(p);
		if (p->next_try != 0 && (next == 0 || p->next_try < next))
			next = p->next_try;
	}
	f->next_try = next;
}

/* All have just lost their master. */
static double
attend(struct fleet *f, char *words)
{
	double start = seconds();

	(void)words;
	f->done = f->tries = f->lost = 0;
	for (size_t i = 0; i < f->n; i++) {
		struct peer *p = &f->v[i];

		p->over = p->wanting = false;
		p->backoff_ms = BACKOFF_FIRST;
		wait_longer(p);
	}
	while (f->done < f->n) {
		if (f->next_try != 0 && loop_now(f->loop) >= f->next_try)
			take_tries(f);
		turn(f, f->n);
	}
	printf("%zu connections, %zu of them in vain\n", f->tries, f->lost);
	f->done = 0;
	return seconds() - start;
}

static double
drop(struct fleet *f, char *words)
{
	(void)words;
	for (size_t i = 0; i < f->n; i++) {
		f->v[i].over = true;
		net_client_free(f->v[i].c);
		f->v[i].c = NULL;
	}
	return 0;
}

static void
make_targets(size_t n, struct str *out)
{
	struct strs ids = {0};
	struct err e = {0};
	char id[64];

	for (size_t i = 0; i < n; i++) {
		(void)snprintf(id, sizeof(id), "h%zu.example.com", i);
		if (strs_add(&ids, id) != 0)
			abort();
	}
	need(targets_write(&ids, 1, out, &e), "targets", &e);
	strs_clear(&ids);
}

/* Ends the first. */
static char *
second_word(char *words)
{
	char *blank = strchr(words, ' ');

	if (blank != NULL)
		*blank++ = '\0';
	return blank;
}

/* Sign and submit an order to have the fleet of a file; its name. */
static struct hash
submit_order(struct fleet *f, const char *path, const struct str *targets)
{
	struct str job = STR_INIT, call = STR_INIT;
	struct statement fleet, s;
	struct err e = {0};
	struct jw w;
	size_t n;
	char *text = read_all(path, &n);

	statement_init(&fleet, ST_FLEET);
	need(statement_parse(path, slice_of(text, n), &fleet, &e), path, &e);
	statement_init(&s, ST_JOB);
	s.u.job = (struct job_statement){.version = fleet.u.bundle.version,
	    .bundle = fleet.hash,
	    .enforce = true,
	    .expires = clock_now() + 3600};
	need(job_set_targets(&s.u.job, slice_of(targets->p, targets->n), &e),
	    "targets", &e);
	say(f, &s, f->operator_id, f->operator, NULL, &job);
	jw_init(&w, &call, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", "submit");
	jw_begin(&w, "statements", '[');
	jw_str(&w, NULL, job.p);
	jw_end(&w, ']');
	jw_str(&w, "targets", targets->p);
	jw_end(&w, '}');
	operate(f, call);
	str_clear(&job);
	statement_clear(&fleet);
	free(text);
	return s.hash;
}

static double
order(struct fleet *f, char *words)
{
	char *path = words, *count = second_word(words);
	struct str targets = STR_INIT;
	double start = seconds();

	if (count == NULL)
		die("order FLEET M", NULL);
	make_targets(strtoul(count, NULL, 10), &targets);
	f->done = 0;
	(void)submit_order(f, path, &targets);
	str_clear(&targets);
	return seconds() - start;
}

static double
push(struct fleet *f, char *words)
{
	char *path = words, *host = second_word(words);
	struct str targets = STR_INIT;
	struct strs ids = {.v = &host, .n = 1};
	struct err e = {0};
	char hex[HASH_HEX];
	struct hash job;
	double start;

	if (host == NULL)
		die("push FLEET HOST", NULL);
	need(targets_write(&ids, 1, &targets, &e), "targets", &e);
	operate(f, call_of("hello", NULL));
	start = seconds();
	job = submit_order(f, path, &targets);
	hash_hex(&job, hex);
	operate(f, call_of("watch", "job", hex, NULL));
	str_clear(&targets);
	return seconds() - start;
}

static double
results(struct fleet *f, char *words)
{
	double start = seconds();

	(void)words;
	turn_until(f, f->n);
	f->done = 0;
	return seconds() - start;
}

static void
on_told(void *ctx, const struct net_client_answer *a)
{
	struct peer *p = ctx;
	struct str text = STR_INIT;

	must(p, a);
	if (p->reports == p->n_reports) {
		p->f->done++;
		return;
	}
	say_logins(p, &text);
	make_call(p, call_of("report", "statement", text.p, NULL), CALL_MS,
	    on_told);
	str_clear(&text);
}

static double
logins(struct fleet *f, char *words)
{
	const struct net_client_answer begin = {.why = NULL};
	double start = seconds();

	f->done = 0;
	for (size_t i = 0; i < f->n; i++) {
		f->v[i].reports = 0;
		f->v[i].n_reports = strtoul(words, NULL, 10);
		on_told(&f->v[i], &begin);
	}
	turn_until(f, f->n);
	f->done = 0;
	return seconds() - start;
}

static double
ask(struct fleet *f, char *words)
{
	struct str call = STR_INIT;
	double start;

	if (f->me == NULL)
		operate(f, call_of("hello", NULL));
	str_add(&call, words);
	start = seconds();
	operate(f, call);
	return seconds() - start;
}

/* --- the process ---------------------------------------------------------- */

static const struct {
	const char *word;
	double (*run)(struct fleet *f, char *words);
} commands[] = {{"enrol", enrol}, {"attend", attend}, {"drop", drop},
    {"order", order}, {"results", results}, {"push", push}, {"logins", logins},
    {"ask", ask}};

static void
obey(struct fleet *f, char *line)
{
	char *rest = strchr(line, ' ');
	double took;

	if (rest != NULL)
		*rest++ = '\0';
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(line, commands[i].word) == 0) {
			took = commands[i].run(f, rest != NULL ? rest : line);
			printf("%.4f %s\n", took, line);
			(void)fflush(stdout);
			return;
		}
	die(line, NULL);
}

static void
make_peers(struct fleet *f)
{
	struct err e = {0};

	if ((f->v = calloc(f->n, sizeof(*f->v))) == NULL)
		abort();
	for (size_t i = 0; i < f->n; i++) {
		struct peer *p = &f->v[i];

		p->f = f;
		p->number = f->first + i;
		(void)snprintf(p->id, sizeof(p->id), "h%zu.example.com",
		    p->number);
		need(key_generate(PUBKEY_ED25519, &p->host, &e), "key", &e);
		need(key_generate(PUBKEY_ED25519, &p->link, &e), "key", &e);
	}
}

int
main(int argc, char **argv)
{
	struct fleet f = {0};
	struct err e = {0};
	char line[1024], *text, *port;
	size_t n;

	if (argc != 8) {
		fprintf(stderr,
		    "usage: fleetpeers HOST:PORT HOSTKEY.pub ROOT.yaml FIRST N "
		    "OPERATOR ID\n");
		return 2;
	}
	f.host = argv[1];
	if ((port = strrchr(argv[1], ':')) == NULL)
		die("HOST:PORT", NULL);
	*port++ = '\0';
	f.port = (uint16_t)strtoul(port, NULL, 10);
	f.host_key = read_all(argv[2], &n);
	text = read_all(argv[3], &n);
	hash_sha256(text, n, &f.realm);
	free(text);
	f.first = strtoul(argv[4], NULL, 10);
	f.n = strtoul(argv[5], NULL, 10);
	f.operator_text = read_all(argv[6], &n);
	need(key_parse(argv[6], slice_of(f.operator_text, n), NULL,
		 &f.operator, & e),
	    argv[6], &e);
	f.operator_id = argv[7];
	/* Pages that come and go with each answer would be what is measured. */
	(void)mallopt(M_MMAP_THRESHOLD, 64 * 1024 * 1024);
	(void)mallopt(M_TRIM_THRESHOLD, 64 * 1024 * 1024);
	TAILQ_INIT(&f.due);
	need(loop_new(&f.loop, &e), "loop", &e);
	make_peers(&f);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		obey(&f, line);
	}
	return 0;
}
