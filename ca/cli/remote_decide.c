/* SPDX-License-Identifier: ISC */
/*
 * writ approve, writ deny against a CA.  The CA hands over statements; that
 * they are signed, by whom, and what policy makes of them, is found out here
 * before the officer's key is used.
 */
#include "ca/cli/remote_decide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/client/kept.h"
#include "ca/client/seen.h"
#include "ca/client/unsent.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/plural.h"

#define PENDING_MAX 10000

struct by_remote {
	struct deciding d;
	struct remote r;
	struct strs ids;   /* asked for */
	char (*names)[13]; /* of subjects: the first digits of their ids */
	unsigned kept;     /* decisions that could not be sent */
};

/* --- fetching ------------------------------------------------------------- */

static int
call_show(struct by_remote *b, const struct strs *ids, json_t **body,
    struct err *e)
{
	struct str call = STR_INIT;
	struct jw w;

	jw_init(&w, &call, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", "show");
	jw_strs(&w, "ids", ids);
	jw_end(&w, '}');
	return remote_call(&b->r, &call, LINK_CALL_MS, NULL, body, e);
}

/* Verified decisions of others; what does not verify does not count. */
static int
read_decisions(const json_t *item, struct statement *out, size_t *n,
    struct err *e)
{
	const json_t *list = NULL, *text;
	size_t i;
	int r;

	if ((r = json_array_of(item, "decision_statements",
		 JSON_OPTIONAL | JSON_EMPTY_OK, ISSUE_DECISIONS_MAX, &list,
		 e)) != 0)
		return r;
	json_array_foreach (list, i, text) {
		struct statement *s = &out[*n];

		statement_init(s, ST_DECISION);
		if (json_is_string(text) &&
		    statement_parse("decision",
			slice_of(json_string_value(text),
			    json_string_length(text)),
			s, NULL) == 0 &&
		    s->type == ST_DECISION && statement_verify(s, NULL) == 0)
			(*n)++;
		else
			statement_clear(s);
	}
	return 0;
}

static int
evaluate(struct by_remote *b, struct subject *u, const json_t *item,
    struct err *e)
{
	const struct statement **list = NULL;
	struct statement *decisions = NULL;
	size_t n = 0;
	int r;

	decisions = calloc(ISSUE_DECISIONS_MAX, sizeof(*decisions));
	list = calloc(ISSUE_DECISIONS_MAX, sizeof(*list));
	if (decisions == NULL || list == NULL) {
		r = err_nomem(e);
		goto out;
	}
	if ((r = read_decisions(item, decisions, &n, e)) != 0)
		goto out;
	for (size_t i = 0; i < n; i++)
		list[i] = &decisions[i];
	r = decision_evaluate(&b->d, u, list, n, e);
out:
	while (n > 0)
		statement_clear(&decisions[--n]);
	free(list);
	free(decisions);
	return r;
}

/* The statement whose name was asked for, and no other. */
static int
read_subject(struct by_remote *b, struct subject *u, const char *id,
    const json_t *item, struct err *e)
{
	const json_t *text = json_object_get(item, "statement");
	char hex[HASH_HEX];
	int r;

	if (!json_is_string(text))
		return err_set(e, ERR_PARSE,
		    "%s: the CA hands over no statement", u->path);
	if ((r = statement_parse(u->path,
		 slice_of(json_string_value(text), json_string_length(text)),
		 &u->s, e)) != 0)
		return r;
	hash_hex(&u->s.hash, hex);
	if (strncmp(hex, id, strlen(id)) != 0)
		return err_set(e, ERR_DENIED,
		    "%s: the CA hands over another statement, %.12s", u->path,
		    hex);
	if ((r = decision_check(&b->d, u, e)) != 0 || u->s.type == ST_KEY)
		return r;
	return evaluate(b, u, item, e);
}

static int
room_for(struct by_remote *b, size_t n, struct err *e)
{
	b->d.subjects = calloc(n, sizeof(*b->d.subjects));
	b->names = calloc(n, sizeof(*b->names));
	return b->d.subjects != NULL && b->names != NULL ? 0 : err_nomem(e);
}

/* In parts of 200: the most that one call shows. */
static int
fetch_part(struct by_remote *b, size_t at, size_t n, struct err *e)
{
	const json_t *list = NULL;
	struct strs part = {0};
	json_t *body = NULL;
	struct err why = {0};
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = strs_add(&part, b->ids.v[at + i]);
	if (r != 0)
		(void)err_nomem(e);
	else
		r = call_show(b, &part, &body, e);
	if (r != 0 ||
	    (r = json_array_of(body, "requests", 0, SUBMIT_MAX, &list, e)) != 0)
		goto out;
	if (json_array_size(list) != n) {
		r = err_set(e, ERR_PARSE,
		    "the CA shows %zu %s, expected the %zu asked for",
		    json_array_size(list),
		    text_plural(json_array_size(list), "request", "requests"),
		    n);
		goto out;
	}
	for (size_t i = 0; i < n && r == 0; i++) {
		struct subject *u = &b->d.subjects[b->d.n];

		snprintf(b->names[b->d.n], sizeof(b->names[0]), "%s",
		    part.v[i]);
		subject_init(u, b->names[b->d.n]);
		b->d.n++;
		r = read_subject(b, u, part.v[i], json_array_get(list, i),
		    &why);
		if (r == 0 || r == ERR_NOMEM || cli_n_operands(b->d.a) > 0)
			continue;
		/* One of a list that is not in order hides no other. */
		cli_warn("%s is left out: %s", u->path, why.msg);
		subject_clear(u);
		b->d.n--;
		r = 0;
	}
	if (r != 0 && why.code != 0 && e != NULL)
		*e = why;
out:
	json_decref(body);
	strs_clear(&part);
	return r;
}

static int
fetch_subjects(struct by_remote *b, struct err *e)
{
	int r;

	if ((r = room_for(b, b->ids.n, e)) != 0)
		return r;
	for (size_t at = 0; at < b->ids.n && r == 0; at += SUBMIT_MAX) {
		size_t n = b->ids.n - at;

		r = fetch_part(b, at, n < SUBMIT_MAX ? n : SUBMIT_MAX, e);
	}
	return r;
}

/* --- choosing ------------------------------------------------------------- */

static int
ids_given(struct by_remote *b, struct err *e)
{
	for (size_t i = 0; i < cli_n_operands(b->d.a); i++) {
		const char *id = cli_operand(b->d.a, i);
		char quoted[QUOTE_MAX];

		if (!kept_is_id(id))
			return err_set(e, ERR_USAGE,
			    "%s is no file and no ID, expected 8 hex digits "
			    "or more",
			    str_quote(quoted, id));
		if (!strs_has(&b->ids, id) && strs_add(&b->ids, id) != 0)
			return err_nomem(e);
	}
	return 0;
}

static int
ids_pending(struct by_remote *b, struct err *e)
{
	const json_t *list = NULL, *item;
	struct str call = STR_INIT;
	json_t *body = NULL;
	size_t i;
	int r;

	str_add(&call, "{\"call\":\"pending\"}");
	if ((r = remote_call(&b->r, &call, LINK_CALL_MS, NULL, &body, e)) != 0)
		return r;
	r = json_array_of(body, "requests", JSON_EMPTY_OK, PENDING_MAX, &list,
	    e);
	json_array_foreach (list, i, item) {
		const char *id = NULL;

		if (r != 0 || b->ids.n >= DECISION_REQUESTS_MAX)
			break;
		if ((r = json_str(item, "id", 0, HASH_HEX - 1, &id, e)) != 0)
			break;
		if (!kept_is_id(id))
			r = err_set(e, ERR_PARSE, "the CA lists what is no id");
		else if (strs_add(&b->ids, id) != 0)
			r = err_nomem(e);
	}
	json_decref(body);
	return r;
}

bool
parse_marks(const char *text, size_t n, bool *marked)
{
	const char *p = text + strspn(text, " ,");
	bool any = false;

	memset(marked, 0, n * sizeof(*marked));
	if (strcmp(p, "all") == 0) {
		for (size_t i = 0; i < n; i++)
			marked[i] = true;
		return n > 0;
	}
	while (*p != '\0') {
		size_t len = strcspn(p, " ,"), dash = strcspn(p, "-");
		char from[8] = "", to[8] = "";
		uint64_t lo, hi;

		if (dash > len)
			dash = len;
		if (dash >= sizeof(from) || len - dash > sizeof(to))
			return false;
		memcpy(from, p, dash);
		if (dash < len)
			memcpy(to, p + dash + 1, len - dash - 1);
		else
			memcpy(to, from, sizeof(to));
		if (parse_u64(from, 1, n, &lo) != 0 ||
		    parse_u64(to, lo, n, &hi) != 0)
			return false;
		for (; lo <= hi; lo++)
			marked[lo - 1] = any = true;
		p += len;
		p += strspn(p, " ,");
	}
	return any;
}

static void
add_choice(struct str *s, size_t number, const struct subject *u)
{
	const struct request *q = &u->s.u.r;
	char span[SPAN_TEXT];

	str_addf(s, "%3zu  %s  %s  ", number, u->path, u->s.by);
	if (u->s.type == ST_KEY) {
		str_addf(s, "%s a key\n", u->s.u.k.add ? "adds" : "retires");
		return;
	}
	strs_join(&q->principals, ",", s);
	span_format(u->result.shown.length > 0 ? u->result.shown.length
					       : q->length,
	    span);
	str_addf(s, " for %s under %s: %s\n", span, q->grant, q->reason);
}

/* Those that were marked stay; the others are no longer decided on. */
static void
keep_marked(struct by_remote *b, const bool *marked)
{
	size_t n = 0;

	for (size_t i = 0; i < b->d.n; i++) {
		if (!marked[i]) {
			subject_clear(&b->d.subjects[i]);
			continue;
		}
		if (n != i)
			b->d.subjects[n] = b->d.subjects[i];
		n++;
	}
	b->d.n = n;
}

static int
choose(struct by_remote *b, struct err *e)
{
	bool marked[DECISION_REQUESTS_MAX] = {false};
	struct str s = STR_INIT;
	char *answer = NULL;
	int r;

	for (size_t i = 0; i < b->d.n; i++)
		add_choice(&s, i + 1, &b->d.subjects[i]);
	if ((r = cli_print(&s, e)) != 0 ||
	    (r = cli_ask_line(b->d.approve
		     ? "Approve which? (1,3-5 or all; nothing: none) "
		     : "Deny which? (1,3-5 or all; nothing: none) ",
		 &answer, e)) != 0) {
		err_hint(e, "writ %s ID ... -y decides on those that are named",
		    b->d.approve ? "approve" : "deny");
		return r;
	}
	if (!parse_marks(answer, b->d.n, marked))
		r = err_set(e, answer[0] == '\0' ? ERR_DENIED : ERR_USAGE,
		    answer[0] == '\0' ? "nothing was decided"
				      : "expected numbers of the list, "
					"such as 1,3-5");
	else
		keep_marked(b, marked);
	free(answer);
	return r;
}

/* --- sending -------------------------------------------------------------- */

static int
tell(const json_t *result, int status, struct err *e)
{
	const json_t *list, *item;
	size_t i;
	int r;

	if ((r = link_error(result, status, e)) != 0)
		return r;
	list = json_object_get(result, "requests");
	json_array_foreach (list, i, item) {
		struct str s = STR_INIT;
		struct seen q;

		if ((r = seen_parse(item, &q, e)) != 0)
			return r;
		str_addf(&s, "%.12s %s", q.id, seen_state_name(q.state));
		if (q.state == SEEN_WAITING) {
			str_add(&s, " for ");
			seen_needs(&q, &s);
		}
		str_addc(&s, '\n');
		if ((r = cli_print(&s, e)) != 0)
			return r;
	}
	return 0;
}

static int
keep_for_later(struct by_remote *b, const char *text, struct err *e)
{
	struct err why = e != NULL ? *e : (struct err){0};
	int r;

	if ((r = unsent_keep(&b->r.profile, text, e)) != 0)
		return r;
	b->kept++;
	cli_warn("the decision is signed and could not be sent: %s", why.msg);
	return 0;
}

static int
send_decision(void *ctx, const struct subject *u, size_t n, struct slice text,
    struct err *e)
{
	struct by_remote *b = ctx;
	struct strs one = {0};
	json_t *results = NULL;
	int status = 0, r;

	(void)u;
	(void)n;
	if (strs_addn(&one, text.p, text.n) != 0)
		return err_nomem(e);
	r = unsent_submit(&b->r, &one, &status, &results, e);
	if (r == ERR_NET)
		r = keep_for_later(b, one.v[0], e);
	else if (r == 0)
		r = tell(json_array_get(results, 0), status, e);
	json_decref(results);
	strs_clear(&one);
	return r;
}

/* --- the command ---------------------------------------------------------- */

static int
decide(struct by_remote *b, struct err *e)
{
	struct deciding *d = &b->d;
	bool picked = cli_n_operands(d->a) > 0;
	int r;

	if ((r = cli_remote_open(&b->r, e)) != 0)
		return r;
	cli_remote_world(&b->r, &d->world);
	if ((r = cli_remote_signer(d->a, &b->r, &d->key_path, &d->who, e)) != 0)
		return r;
	if ((r = picked ? ids_given(b, e) : ids_pending(b, e)) != 0)
		return r;
	if (b->ids.n == 0) {
		printf("nothing waits for you\n");
		return 0;
	}
	if ((r = fetch_subjects(b, e)) != 0)
		return r;
	if (b->d.n == 0) {
		printf("nothing waits for you that is in order\n");
		return 0;
	}
	if (!picked && (r = choose(b, e)) != 0)
		return r;
	for (size_t i = 0; i < d->n; i++)
		if ((r = decision_show(d, &d->subjects[i], e)) != 0)
			return r;
	if ((r = decision_confirm(d, e)) != 0 ||
	    (r = decision_sign(d, send_decision, b, e)) != 0)
		return r;
	if (b->kept == 0)
		return 0;
	r = err_set(e, ERR_NET, "%u signed and not sent, kept in %s/unsent",
	    b->kept, b->r.profile.dir);
	err_hint(e, "the next writ command that reaches the CA sends it");
	return r;
}

int
run_decide_remote(struct cli_args *a, bool approve, int64_t length,
    struct err *e)
{
	struct by_remote b = {.d = {.a = a, .approve = approve}};
	int r;

	b.d.length = length;
	if (cli_get(a, "o") != NULL)
		return err_set(e, ERR_USAGE,
		    "-o is for files; a decision on an ID is sent");
	cli_remote_init(&b.r);
	r = decide(&b, e);
	for (size_t i = 0; i < b.d.n; i++)
		subject_clear(&b.d.subjects[i]);
	free(b.d.subjects);
	free(b.d.key_path);
	free(b.names);
	strs_clear(&b.ids);
	remote_clear(&b.r);
	return r;
}
