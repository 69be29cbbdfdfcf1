/* SPDX-License-Identifier: ISC */
/* Calls: read, handed to their function, answered. */
#include <stdlib.h>
#include <string.h>

#include "agent/master/mk_calls.h"
#include "agent/master/mk_impl.h"
#include "lib/cli/cli.h"
#include "lib/front/front.h"
#include "lib/keeper/call.h"

#define HOST_PREFIX "host/"

/*
 * Who answers each call, and to whom.  What a call may have beside "call" stands
 * with it, so that an unknown field is an error before anybody looks.
 */
#define FIELDS_MAX 9
enum { G = 1 << CALLER_GUEST, H = 1 << CALLER_HOST, P = 1 << CALLER_PERSON };
static const struct {
	enum master_call call;
	unsigned who;
	mk_handler *handle;
	const char *fields[FIELDS_MAX];
} handlers[] = {
    {CALL_HELLO, G | H | P, mk_hello, {NULL}},
    {CALL_HELP, P, mk_help, {NULL}},
    {CALL_ENROL, G | H, mk_enrol, {"statement", "accept"}},
    {CALL_ATTEND, H, mk_attend,
	{"boot_id", "root_version", "policy_version", "fleet_version",
	    "krl_version"}},
    {CALL_CHAIN, H | P, mk_chain, {"what", "after"}},
    {CALL_OBJECT, H | P, mk_object, {"hash", "offset"}},
    {CALL_ORDER, H, mk_order, {"job"}},
    {CALL_REPORT, H, mk_report, {"statement"}},
    {CALL_RENEW, H, mk_renew, {"statement"}},
    {CALL_DIFF, H, mk_diff, {"id", "text", "error"}},
    {CALL_DIAL, H, mk_dial, {"port"}},
    {CALL_KEYS, P, mk_keys, {"after"}},
    {CALL_SUBMIT, P, mk_submit, {"statements", "targets"}},
    {CALL_PUT, P, mk_put, {"data"}},
    {CALL_PUSH, P, mk_push,
	{"what", "roots", "statement", "manifest", "between"}},
    {CALL_STATUS, P, mk_status, {"on", "after"}},
    {CALL_FACTS, P, mk_facts, {"host"}},
    {CALL_JOBS, P, mk_jobs, {"id"}},
    {CALL_WATCH, P, mk_watch, {"job"}},
    {CALL_SHOW_DIFF, P, mk_show_diff, {"host", "hash"}},
    {CALL_LOGINS, P, mk_logins,
	{"host", "account", "ca", "serial", "what", "since", "until", "after",
	    "limit"}},
};
#define N_HANDLERS (sizeof(handlers) / sizeof(handlers[0]))

/* What whoever is on this machine and may connect to control.sock can ask. */
static const struct {
	const char *name;
	mk_handler *handle;
} control[] = {
    {"status", mk_control_status},
    {"metrics", mk_metrics},
    {"hosts", mk_status},
    {"jobs", mk_jobs},
};

/* --- answers -------------------------------------------------------------- */

void
mk_call_end(struct mk *k, struct mk_call *c, int status, const struct str *body)
{
	conn_answer(c->conn,
	    c->caller == CALLER_CONTROL ? MSG_STATUS_IS : MSG_RESULT, c->id,
	    status, body);
	mk_call_free(k, c);
}

void
mk_call_event(struct mk *k, struct mk_call *c, const struct str *body)
{
	(void)k;
	conn_answer(c->conn, MSG_EVENT, c->id, 0, body);
}

/* Is it the caller's doing?  What is damaged is damaged here. */
static bool
is_offence(int code)
{
	return err_is_theirs(code) || code == ERR_USAGE;
}

/* What it tried and what it was told: one attempt is one alarm. */
static void
raise_alarm(struct mk *k, struct mk_call *c, const struct err *e)
{
	struct str s = STR_INIT;

	if (c->row != NULL)
		str_addf(&s, "%s: ", c->row->name);
	str_add(&s, e->msg);
	if (c->about[0] != '\0')
		str_addf(&s, " (%s)", c->about);
	mk_alarm(k, c->host, c->address != NULL ? c->address : "unknown",
	    str_check(&s) == 0 ? s.p : e->msg);
	str_clear(&s);
}

void
mk_call_fail(struct mk *k, struct mk_call *c, const struct err *e)
{
	struct str s = STR_INIT;

	k->totals.refused++;
	if ((c->caller == CALLER_HOST || c->caller == CALLER_GUEST) &&
	    is_offence(e->code))
		raise_alarm(k, c, e);
	front_failure(NULL, c->form, e, &s);
	mk_call_end(k, c, call_status(e), &s);
	str_clear(&s);
}

void
mk_about(struct mk_call *c, const struct hash *h)
{
	hex_encode(h->b, (sizeof(c->about) - 1) / 2, c->about);
}

/* --- arguments ------------------------------------------------------------ */

int
mk_statement(const char *text, size_t n, const char *what, struct statement *s,
    struct err *e)
{
	int r;

	if ((r = statement_parse(what, slice_of(text, n), s, e)) == 0)
		r = statement_verify(s, e);
	return r;
}

int
mk_arg_statement(struct mk_call *c, const char *key, struct statement *s,
    struct err *e)
{
	const json_t *t = json_object_get(c->args, key);
	int r;

	if (!json_is_string(t))
		return err_set(e, ERR_PARSE, "'%s' is missing, or no text",
		    key);
	r = mk_statement(json_string_value(t), json_string_length(t), key, s,
	    e);
	if (s->bytes != NULL)
		mk_about(c, &s->hash);
	return r;
}

static int
find_control(const char *name, mk_handler **out, struct err *e)
{
	char quoted[QUOTE_MAX];

	for (size_t i = 0; i < sizeof(control) / sizeof(control[0]); i++)
		if (strcmp(control[i].name, name) == 0) {
			*out = control[i].handle;
			return 0;
		}
	return err_set(e, ERR_USAGE,
	    "%s is no call of this machine, expected status, metrics, hosts or "
	    "jobs",
	    str_quote(quoted, name));
}

/* Does it stand in the table, for whoever makes it, with these fields? */
static int
find_handler(struct mk_call *c, mk_handler **out, struct err *e)
{
	const char *known[FIELDS_MAX + 1] = {"call"};
	size_t n = 1, i = 0;

	while (i < N_HANDLERS && (int)handlers[i].call != c->row->call)
		i++;
	if (i == N_HANDLERS || (handlers[i].who & 1u << c->caller) == 0)
		return err_set(e, ERR_DENIED, "the call '%s' is not for %s",
		    c->row->name,
		    c->caller == CALLER_GUEST      ? "strangers"
			: c->caller == CALLER_HOST ? "hosts"
						   : "persons");
	for (; n <= FIELDS_MAX && handlers[i].fields[n - 1] != NULL; n++)
		known[n] = handlers[i].fields[n - 1];
	*out = handlers[i].handle;
	return json_known(c->args, known, n, e);
}

static int
read_call(struct mk_call *c, struct slice json, mk_handler **out, struct err *e)
{
	const char *name = NULL;
	char quoted[QUOTE_MAX];
	int r;

	if ((r = json_read(json, CALL_MAX, &c->args, e)) != 0 ||
	    (r = json_str(c->args, "call", 0, 64, &name, e)) != 0)
		return r;
	if (c->caller == CALLER_CONTROL)
		return find_control(name, out, e);
	if ((c->row = call_find(&master_calls, name)) != NULL)
		return find_handler(c, out, e);
	(void)err_set(e, ERR_USAGE, "no call has the name %s",
	    str_quote(quoted, name));
	err_hint(e, "the call 'help' lists them");
	return ERR_USAGE;
}

/* --- frames --------------------------------------------------------------- */

/* Nothing below waits for the arguments of a call that is answered later. */
static void
forget_arguments(struct mk_call *c)
{
	json_decref(c->args);
	c->args = NULL;
}

void
mk_call_free(struct mk *k, struct mk_call *c)
{
	mk_items_forget(k, c);
	if (c->host != NULL && c->host->attend == c) {
		c->host->attend = NULL;
		c->host->left_ms = k->now_ms;
		k->n_attend--;
	}
	if (c->watches)
		TAILQ_REMOVE(&k->watchers, c, watch);
	if (c->asked != 0)
		TAILQ_REMOVE(&k->asking, c, watch);
	if (c->ask != NULL)
		mk_ask_free(k, c->ask);
	TAILQ_REMOVE(&k->calls, c, link);
	LIST_REMOVE(c, bucket);
	k->n_calls--;
	forget_arguments(c);
	free(c->parts);
	free(c->name);
	free(c->address);
	free(c);
}

void
mk_call_asks(struct mk *k, struct mk_call *c, uint32_t asked)
{
	c->asked = asked;
	TAILQ_INSERT_TAIL(&k->asking, c, watch);
}

struct mk_call *
mk_call_asking(struct mk *k, uint32_t asked)
{
	struct mk_call *c;

	TAILQ_FOREACH (c, &k->asking, watch)
		if (c->asked == asked)
			return c;
	return NULL;
}

static size_t
bucket_of(uint32_t id)
{
	return id % MK_CALL_BUCKETS;
}

/* What is on its way into the log goes on, and is told to nobody. */
void
mk_call_gone(struct mk *k, const struct conn *conn, uint32_t id)
{
	struct mk_call *c = TAILQ_FIRST(&k->calls), *next;

	for (; id == 0 && c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->conn == conn)
			mk_call_free(k, c);
	}
	if (id == 0)
		return;
	LIST_FOREACH (c, &k->buckets[bucket_of(id)], bucket)
		if (c->id == id && c->conn == conn) {
			mk_call_free(k, c);
			return;
		}
}

/* Whose call it is says the front, by the key he came with. */
static int
find_caller(struct mk *k, struct mk_call *c, struct err *e)
{
	size_t skip = strlen(HOST_PREFIX);

	if (c->conn->kind == CONN_CONTROL) {
		c->caller = CALLER_CONTROL;
		return c->name[0] == '\0'
		    ? 0
		    : err_set(e, ERR_PARSE, "a local call of somebody");
	}
	if (c->name[0] == '\0') {
		c->caller = CALLER_GUEST;
	} else if (strncmp(c->name, HOST_PREFIX, skip) == 0) {
		c->caller = CALLER_HOST;
		if (!id_is_valid(c->name + skip))
			return err_set(e, ERR_PARSE, "a call of no host");
		c->host = board_find(&k->board, c->name + skip);
	} else {
		c->caller = CALLER_PERSON;
		if (!id_is_valid(c->name))
			return err_set(e, ERR_PARSE, "a call of nobody");
	}
	return 0;
}

static int
open_call(struct mk *k, struct mk_call *c, struct slice payload,
    struct slice *json, struct err *e)
{
	struct call_head h;
	int r;

	if ((r = call_head_read(payload, &h, e)) != 0)
		return r;
	c->name = h.name;
	c->address = h.address;
	c->form = h.form;
	*json = h.json;
	return find_caller(k, c, e);
}

/* A host is one as long as it is accepted, whatever the front knows yet. */
static int
check_host(struct mk *k, struct mk_call *c, struct err *e)
{
	if (c->caller != CALLER_HOST)
		return 0;
	if (c->host == NULL || mk_row(k, c->host) == NULL)
		return err_set(e, ERR_DENIED, "%s is no host of this fleet",
		    c->name + strlen(HOST_PREFIX));
	c->host->contact = k->now;
	return 0;
}

static void
run_call(struct mk *k, struct mk_call *c, struct slice json)
{
	struct str body = STR_INIT;
	mk_handler *handle = NULL;
	struct err e = {0};
	int r;

	k->totals.calls++;
	if ((r = check_host(k, c, &e)) == 0 &&
	    (r = read_call(c, json, &handle, &e)) == 0)
		r = handle(k, c, &body, &e);
	if (r == 0 && body.n > RESULT_MAX)
		r = err_set(&e, ERR_LIMIT,
		    "the answer has more than %d bytes, ask for less",
		    RESULT_MAX);
	if (r == 0) {
		mk_call_end(k, c, c->failing ? EXIT_SYSTEM : 0, &body);
	} else if (r == MK_LATER) {
		forget_arguments(c);
	} else if (r != MK_ENDED) {
		e.code = r;
		if (e.msg[0] == '\0')
			(void)err_set(&e, r, "%s", err_text(r));
		mk_call_fail(k, c, &e);
	}
	str_clear(&body);
}

int
mk_call_new(struct mk *k, struct conn *conn, const struct frame *f,
    struct err *e)
{
	struct slice json = {0};
	struct err busy = {0};
	struct mk_call *c;
	int r;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_nomem(e);
	c->conn = conn;
	c->id = f->id;
	TAILQ_INSERT_TAIL(&k->calls, c, link);
	LIST_INSERT_HEAD(&k->buckets[bucket_of(c->id)], c, bucket);
	k->n_calls++;
	if ((r = open_call(k, c, f->payload, &json, e)) != 0) {
		mk_call_free(k, c);
		return r;
	}
	if (k->n_calls <= MK_CALLS_MAX) {
		run_call(k, c, json);
		return 0;
	}
	(void)err_set(&busy, ERR_BUSY, "%d calls are open already",
	    MK_CALLS_MAX);
	err_hint(&busy, "try again in a while");
	mk_call_fail(k, c, &busy);
	return 0;
}
