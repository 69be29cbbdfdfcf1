/* SPDX-License-Identifier: ISC */
/* Calls: read, handed to their function, answered. */
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/kp_impl.h"
#include "lib/front/front.h"
#include "lib/keeper/call.h"

/*
 * Who answers each call.  What a call may have beside "call" stands with it, so
 * that an unknown field is an error before anybody looks.
 */
#define FIELDS_MAX 5
static const struct {
	int call; /* enum call */
	kp_handler *handle;
	const char *fields[FIELDS_MAX];
} handlers[] = {
    {CALL_HELLO, kp_hello, {NULL}},
    {CALL_SUBMIT, kp_submit, {"statements"}},
    {CALL_SHOW, kp_show, {"ids"}},
    {CALL_WAIT, kp_wait, {"id", "seconds"}},
    {CALL_FETCH, kp_fetch, {"id"}},
    {CALL_PENDING, kp_pending, {"all", "watch"}},
    {CALL_STATUS, kp_status, {"limit"}},
    {CALL_DECISION, kp_decision, {"ids", "approve", "length", "comment"}},
    {CALL_POLICY, kp_policy, {"have"}},
    {CALL_OBJECT, kp_object, {"sha256"}},
    {CALL_PUT, kp_put, {"data"}},
    {CALL_PUSH, kp_push, {"roots", "statement", "manifest"}},
    {CALL_STANDING, kp_acts, {"from"}},
    {CALL_KRL, kp_krl_call, {"have"}},
    {CALL_WHY, kp_why, {"account", "host"}},
    {CALL_HELP, kp_help, {NULL}},
};

/* What whoever is on this machine and may connect to control.sock can ask. */
static const struct {
	const char *name;
	kp_handler *handle;
} control[] = {
    {"status", kp_control_status},
    {"metrics", kp_metrics},
    {"policy", kp_policy},
    {"krl", kp_krl_call},
};

/* --- answers -------------------------------------------------------------- */

void
kp_call_end(struct kp *k, struct kp_call *c, int status, const struct str *body)
{
	conn_answer(c->conn, c->control ? MSG_STATUS_IS : MSG_RESULT, c->id,
	    status, body);
	kp_call_free(k, c);
}

void
kp_call_event(struct kp *k, struct kp_call *c, const struct str *body)
{
	(void)k;
	conn_answer(c->conn, MSG_EVENT, c->id, 0, body);
}

void
kp_call_fail(struct kp *k, struct kp_call *c, const struct err *e)
{
	struct str s = STR_INIT;

	front_failure(NULL, c->form, e, &s);
	kp_call_end(k, c, call_status(e), &s);
	str_clear(&s);
}

/* --- arguments ------------------------------------------------------------ */

int
kp_texts(const json_t *args, const char *key, size_t max, const json_t **out,
    struct err *e)
{
	const json_t *a = NULL;
	int r;

	if ((r = json_array_of(args, key, 0, max, &a, e)) != 0)
		return r;
	for (size_t i = 0; i < json_array_size(a); i++)
		if (!json_is_string(json_array_get(a, i)))
			return err_set(e, ERR_PARSE,
			    "'%s' has an entry that is no text", key);
	*out = a;
	return 0;
}

static int
check_fields(struct kp_call *c, struct err *e)
{
	const char *known[FIELDS_MAX + 1] = {"call"};
	size_t n = 1;

	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (handlers[i].call != c->row->call)
			continue;
		if (kp_is_master(c) && !kp_master_calls(handlers[i].call))
			return err_set(e, ERR_DENIED,
			    "'%s' is a call of persons, and you are %s",
			    c->row->name, c->person);
		for (; n <= FIELDS_MAX && handlers[i].fields[n - 1] != NULL;
		     n++)
			known[n] = handlers[i].fields[n - 1];
		c->handle = handlers[i].handle;
		return json_known(c->args, known, n, e);
	}
	return err_set(e, ERR_USAGE, "'%s' is no call of the keeper",
	    c->row->name);
}

static int
find_control(struct kp_call *c, const char *name, struct err *e)
{
	char quoted[QUOTE_MAX];

	for (size_t i = 0; i < sizeof(control) / sizeof(control[0]); i++)
		if (strcmp(control[i].name, name) == 0) {
			c->handle = control[i].handle;
			return 0;
		}
	return err_set(e, ERR_USAGE,
	    "%s is no call of this machine, expected status, metrics, policy "
	    "or krl",
	    str_quote(quoted, name));
}

int
kp_call_read(struct kp_call *c, struct slice json, struct err *e)
{
	const char *name = NULL;
	char quoted[QUOTE_MAX];
	int r;

	if ((r = json_read(json, CALL_MAX, &c->args, e)) != 0 ||
	    (r = json_str(c->args, "call", 0, 64, &name, e)) != 0)
		return r;
	if (c->control)
		return find_control(c, name, e);
	if ((c->row = call_find(&ca_calls, name)) != NULL)
		return check_fields(c, e);
	(void)err_set(e, ERR_USAGE, "no call has the name %s",
	    str_quote(quoted, name));
	err_hint(e, "the call 'help' lists them");
	return ERR_USAGE;
}

/* --- frames --------------------------------------------------------------- */

void
kp_call_free(struct kp *k, struct kp_call *c)
{
	TAILQ_REMOVE(&k->calls, c, link);
	k->n_calls--;
	if (c->deadline != 0)
		LIST_REMOVE(c, waiting);
	for (size_t i = 0; i < c->n_parts; i++) {
		struct kp_part *p = &c->parts[i];

		if (p->asked != NULL)
			kp_asked_unpin(k, p->asked);
		statement_clear(&p->s);
		strs_clear(&p->notes);
		free(p->requests);
		str_clear(&p->certificate);
		statement_clear(&p->enrol);
	}
	free(c->parts);
	json_decref(c->args);
	free(c->person);
	free(c->address);
	free(c);
}

/* Jobs of a caller who has gone are done all the same, and told to nobody. */
static void
call_gone(struct kp *k, struct kp_call *c)
{
	c->conn = NULL;
	if (c->open_jobs == 0)
		kp_call_free(k, c);
}

void
kp_call_leave(struct kp *k, const struct err *e)
{
	struct kp_call *c;

	TAILQ_FOREACH (c, &k->calls, link) {
		struct str s = STR_INIT;

		if (c->open_jobs == 0 || c->conn == NULL)
			continue;
		front_failure(NULL, c->form, e, &s);
		conn_answer(c->conn, MSG_RESULT, c->id,
		    cli_exit_status(e->code), &s);
		c->conn = NULL;
		str_clear(&s);
	}
}

void
kp_call_gone(struct kp *k, const struct conn *conn, uint32_t id)
{
	struct kp_call *c = TAILQ_FIRST(&k->calls), *next;

	for (; c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->conn == conn && (id == 0 || c->id == id))
			call_gone(k, c);
	}
}

int
kp_call_open(struct kp_call *c, struct slice payload, struct slice *json,
    struct err *e)
{
	struct call_head h;
	int r;

	if ((r = call_head_read(payload, &h, e)) != 0)
		return r;
	c->person = h.name;
	c->address = h.address;
	c->form = h.form;
	*json = h.json;
	if (c->control ? c->person[0] != '\0' : !front_name_is_valid(c->person))
		return err_set(e, ERR_PARSE, "a call of nobody");
	return 0;
}

static void
run_call(struct kp *k, struct kp_call *c, struct slice json)
{
	struct kp_answer a = {.body = STR_INIT};
	struct err e = {0};
	int r;

	k->totals.calls++;
	if ((r = kp_call_read(c, json, &e)) == 0)
		r = c->handle(k, c, &a, &e);
	if (r == 0 && a.body.n > RESULT_MAX)
		r = err_set(&e, ERR_LIMIT,
		    "the answer has more than %d bytes, ask for less",
		    RESULT_MAX);
	if (r == 0)
		kp_call_end(k, c, a.status, &a.body);
	else if (r != KP_LATER) {
		e.code = r;
		if (e.msg[0] == '\0')
			(void)err_set(&e, r, "%s", err_text(r));
		kp_call_fail(k, c, &e);
	}
	str_clear(&a.body);
}

int
kp_call_new(struct kp *k, struct conn *conn, const struct frame *f,
    struct err *e)
{
	struct slice json = {0};
	struct kp_call *c;
	int r;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_nomem(e);
	c->conn = conn;
	c->id = f->id;
	c->control = conn->kind == CONN_CONTROL;
	TAILQ_INSERT_TAIL(&k->calls, c, link);
	k->n_calls++;
	if ((r = kp_call_open(c, f->payload, &json, e)) != 0) {
		kp_call_free(k, c);
		return r;
	}
	if (k->n_calls > KP_CALLS_MAX) {
		struct err busy = {0};

		(void)err_set(&busy, ERR_BUSY, "%d calls are open already",
		    KP_CALLS_MAX);
		err_hint(&busy, "try again in a while");
		kp_call_fail(k, c, &busy);
		return 0;
	}
	run_call(k, c, json);
	return 0;
}
