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

#include "ca/cli/remote_subjects.h"
#include "ca/client/kept.h"
#include "ca/client/seen.h"
#include "ca/client/unsent.h"
#include "lib/base/json.h"

#define PENDING_MAX 10000

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
	if ((r = remote_subjects_fetch(b, e)) != 0)
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
