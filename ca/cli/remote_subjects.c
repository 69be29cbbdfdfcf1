/* SPDX-License-Identifier: ISC */
#include "ca/cli/remote_subjects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/client/unsent.h"
#include "lib/base/json.h"
#include "lib/base/plural.h"

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

int
remote_subjects_fetch(struct by_remote *b, struct err *e)
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
