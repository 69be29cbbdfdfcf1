/* SPDX-License-Identifier: ISC */
/* decision: what an officer answered, and what he was shown. */
#include "lib/statement/fields.h"

#include <stdlib.h>
#include <string.h>

static const char *const keys[] = {
    ST_COMMON, "policy", "verdict", "for", "comment", "outcomes", "keys"};
static const char *const outcome_keys[] = {"kind", "principals", "for",
    "source", "force_command", "extensions", "requests"};
static const char *const verdicts[] = {"approve", "deny"};

void
outcome_clear(struct outcome *o)
{
	strs_clear(&o->principals);
	strs_clear(&o->source);
	free(o->force_command);
	strs_clear(&o->extensions);
	free(o->requests);
	*o = (struct outcome){0};
}

static int
read_outcome(const json_t *o, struct outcome *out, struct err *e)
{
	int r;

	if (!json_is_object(o))
		return err_set(e, ERR_PARSE, "wrong type, expected an object");
	if ((r = json_known(o, outcome_keys,
		 sizeof(outcome_keys) / sizeof(outcome_keys[0]), e)) != 0 ||
	    (r = st_read_kind(o, &out->kind, e)) != 0 ||
	    (r = st_read_set(o, "principals", 0, CERT_PRINCIPALS_MAX,
		 ST_PRINCIPAL_MAX, &out->principals, e)) != 0 ||
	    (r = json_span(o, "for", 0, &out->length, e)) != 0 ||
	    (r = st_read_set(o, "source", JSON_OPTIONAL, OUTCOME_SOURCES_MAX,
		 ST_SOURCE_MAX, &out->source, e)) != 0 ||
	    (r = json_strdup(o, "force_command", JSON_OPTIONAL, ST_COMMAND_MAX,
		 &out->force_command, e)) != 0 ||
	    (r = st_read_set(o, "extensions", JSON_EMPTY_OK, ST_EXTENSIONS_MAX,
		 ST_EXTENSION_MAX, &out->extensions, e)) != 0 ||
	    (r = st_read_hashes(o, "requests", 0, DECISION_REQUESTS_MAX,
		 &out->requests, &out->n_requests, e)) != 0)
		return r;
	for (size_t i = 1; i < out->extensions.n; i++)
		if (strcmp(out->extensions.v[i - 1], out->extensions.v[i]) > 0)
			return err_set(e, ERR_PARSE,
			    "field 'extensions' is not in order, expected it "
			    "sorted");
	return 0;
}

static int
compare_hashes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct hash));
}

/* All requests together: at most so many, and none in two outcomes. */
static int
check_requests(const struct decision *d, struct err *e)
{
	struct hash all[DECISION_REQUESTS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < d->n_outcomes; i++) {
		const struct outcome *o = &d->outcomes[i];

		if (o->n_requests > DECISION_REQUESTS_MAX - n)
			return err_set(e, ERR_LIMIT,
			    "too many requests, expected at most %d in one "
			    "decision",
			    DECISION_REQUESTS_MAX);
		memcpy(all + n, o->requests, o->n_requests * sizeof(*all));
		n += o->n_requests;
	}
	qsort(all, n, sizeof(*all), compare_hashes);
	for (size_t i = 1; i < n; i++)
		if (hash_equal(&all[i - 1], &all[i]))
			return err_set(e, ERR_PARSE,
			    "one request in two outcomes, expected each "
			    "request once");
	return 0;
}

static int
read_outcomes(const json_t *o, struct decision *d, struct err *e)
{
	const json_t *list = NULL;
	size_t n;
	int r;

	r = json_array_of(o, "outcomes", JSON_OPTIONAL, DECISION_REQUESTS_MAX,
	    &list, e);
	if (r != 0 || list == NULL)
		return r;
	n = json_array_size(list);
	if ((d->outcomes = calloc(n, sizeof(*d->outcomes))) == NULL)
		return err_nomem(e);
	d->n_outcomes = n;
	for (size_t i = 0; i < n; i++) {
		r = read_outcome(json_array_get(list, i), &d->outcomes[i], e);
		if (r != 0) {
			err_prefix(e, "outcome %zu", i + 1);
			return r;
		}
	}
	return check_requests(d, e);
}

static int
decision_read(const json_t *o, struct statement *s, struct err *e)
{
	struct decision *d = &s->u.d;
	size_t verdict;
	int r;

	if ((r = st_read_hash(o, "policy", &d->policy, e)) != 0 ||
	    (r = st_read_either(o, "verdict", verdicts, &verdict, e)) != 0 ||
	    (r = json_span(o, "for", JSON_OPTIONAL, &d->length, e)) != 0 ||
	    (r = json_strdup(o, "comment", JSON_OPTIONAL, STATEMENT_COMMENT_MAX,
		 &d->comment, e)) != 0 ||
	    (r = read_outcomes(o, d, e)) != 0 ||
	    (r = st_read_hashes(o, "keys", JSON_OPTIONAL, DECISION_REQUESTS_MAX,
		 &d->keys, &d->n_keys, e)) != 0)
		return r;
	d->approve = verdict == 0;
	if (d->n_outcomes == 0 && d->n_keys == 0)
		return err_set(e, ERR_PARSE,
		    "decides nothing, expected outcomes or keys");
	if (!d->approve && d->length != 0)
		return err_set(e, ERR_PARSE,
		    "field 'for' in a denial, expected none");
	return 0;
}

static void
write_outcome(const struct outcome *o, struct jw *w)
{
	jw_begin(w, NULL, '{');
	jw_str(w, "kind", st_kind_name(o->kind));
	jw_strs(w, "principals", &o->principals);
	jw_span(w, "for", o->length);
	if (o->source.n > 0)
		jw_strs(w, "source", &o->source);
	if (o->force_command != NULL)
		jw_str(w, "force_command", o->force_command);
	jw_strs(w, "extensions", &o->extensions);
	st_write_hashes(w, "requests", o->requests, o->n_requests);
	jw_end(w, '}');
}

static void
decision_write(const struct statement *s, struct jw *w)
{
	const struct decision *d = &s->u.d;

	st_write_hash(w, "policy", &d->policy);
	jw_str(w, "verdict", verdicts[d->approve ? 0 : 1]);
	if (d->length != 0)
		jw_span(w, "for", d->length);
	if (d->comment != NULL)
		jw_str(w, "comment", d->comment);
	if (d->n_outcomes > 0) {
		jw_begin(w, "outcomes", '[');
		for (size_t i = 0; i < d->n_outcomes; i++)
			write_outcome(&d->outcomes[i], w);
		jw_end(w, ']');
	}
	if (d->n_keys > 0)
		st_write_hashes(w, "keys", d->keys, d->n_keys);
}

static void
describe_outcome(const struct outcome *o, struct str *out)
{
	st_row(out, "shown", "%s certificate", st_kind_name(o->kind));
	st_row_strs(out, "  principals", &o->principals);
	st_row_span(out, "  for", o->length);
	if (o->source.n > 0)
		st_row_strs(out, "  from", &o->source);
	if (o->force_command != NULL)
		st_row(out, "  command", "%s", o->force_command);
	st_row_strs(out, "  extensions", &o->extensions);
	for (size_t i = 0; i < o->n_requests; i++)
		st_row_hash(out, "  request", &o->requests[i]);
}

static void
decision_describe(const struct statement *s, struct str *out)
{
	const struct decision *d = &s->u.d;

	st_row(out, "verdict", "%s", verdicts[d->approve ? 0 : 1]);
	if (d->length != 0)
		st_row_span(out, "at most for", d->length);
	if (d->comment != NULL)
		st_row(out, "comment", "%s", d->comment);
	for (size_t i = 0; i < d->n_outcomes; i++)
		describe_outcome(&d->outcomes[i], out);
	for (size_t i = 0; i < d->n_keys; i++)
		st_row_hash(out, "key", &d->keys[i]);
	st_row_hash(out, "policy", &d->policy);
}

static void
decision_clear(struct statement *s)
{
	struct decision *d = &s->u.d;

	free(d->comment);
	for (size_t i = 0; i < d->n_outcomes; i++)
		outcome_clear(&d->outcomes[i]);
	free(d->outcomes);
	free(d->keys);
}

const struct st_family st_decision = {
    .name = "decision",
    .ns = "decision@writ",
    .keys = keys,
    .n_keys = sizeof(keys) / sizeof(keys[0]),
    .read = decision_read,
    .write = decision_write,
    .describe = decision_describe,
    .clear = decision_clear,
};
