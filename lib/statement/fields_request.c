/* SPDX-License-Identifier: ISC */
/* request: a certificate that somebody asks for. */
#include "lib/statement/fields.h"

#include <stdlib.h>

static const char *const keys[] = {ST_COMMON, "kind", "grant", "key",
    "principals", "reason", "ticket", "for", "not_before", "source",
    "force_command", "extensions"};

/* What the request asks for beyond its grant. */
static int
read_options(const json_t *o, struct request *q, struct err *e)
{
	int r;

	q->has_extensions = json_object_get(o, "extensions") != NULL;
	if ((r = json_time(o, "not_before", JSON_OPTIONAL, &q->not_before,
		 e)) != 0 ||
	    (r = st_read_set(o, "source", JSON_OPTIONAL, REQUEST_SOURCES_MAX,
		 ST_SOURCE_MAX, &q->source, e)) != 0 ||
	    (r = json_strdup(o, "force_command", JSON_OPTIONAL, ST_COMMAND_MAX,
		 &q->force_command, e)) != 0 ||
	    (r = st_read_set(o, "extensions", JSON_OPTIONAL | JSON_EMPTY_OK,
		 ST_EXTENSIONS_MAX, ST_EXTENSION_MAX, &q->extensions, e)) != 0)
		return r;
	/* 0 stands for "now" in memory, so it cannot be said. */
	if (json_object_get(o, "not_before") != NULL && q->not_before <= 0)
		return err_set(e, ERR_LIMIT,
		    "field 'not_before' is out of range, expected a time "
		    "after 1970");
	return 0;
}

static int
request_read(const json_t *o, struct statement *s, struct err *e)
{
	struct request *q = &s->u.r;
	int r;

	if ((r = st_read_kind(o, &q->kind, e)) != 0 ||
	    (r = json_strdup(o, "grant", 0, STATEMENT_GRANT_MAX, &q->grant,
		 e)) != 0 ||
	    (r = st_read_pubkey(o, "key", &q->subject, e)) != 0 ||
	    (r = st_read_set(o, "principals", 0, REQUEST_PRINCIPALS_MAX,
		 ST_PRINCIPAL_MAX, &q->principals, e)) != 0 ||
	    (r = json_strdup(o, "reason", 0, STATEMENT_REASON_MAX, &q->reason,
		 e)) != 0 ||
	    (r = json_strdup(o, "ticket", JSON_OPTIONAL, STATEMENT_TICKET_MAX,
		 &q->ticket, e)) != 0 ||
	    (r = json_span(o, "for", 0, &q->length, e)) != 0)
		return r;
	return read_options(o, q, e);
}

static void
request_write(const struct statement *s, struct jw *w)
{
	const struct request *q = &s->u.r;

	jw_str(w, "kind", st_kind_name(q->kind));
	jw_str(w, "grant", q->grant);
	st_write_pubkey(w, "key", q->subject);
	jw_strs(w, "principals", &q->principals);
	jw_str(w, "reason", q->reason);
	if (q->ticket != NULL)
		jw_str(w, "ticket", q->ticket);
	jw_span(w, "for", q->length);
	if (q->not_before != 0)
		jw_time(w, "not_before", q->not_before);
	if (q->source.n > 0)
		jw_strs(w, "source", &q->source);
	if (q->force_command != NULL)
		jw_str(w, "force_command", q->force_command);
	if (q->has_extensions)
		jw_strs(w, "extensions", &q->extensions);
}

static void
request_describe(const struct statement *s, struct str *out)
{
	const struct request *q = &s->u.r;

	st_row(out, "asks for", "%s certificate", st_kind_name(q->kind));
	st_row_strs(out, "principals", &q->principals);
	st_row(out, "grant", "%s", q->grant);
	st_row(out, "reason", "%s", q->reason);
	if (q->ticket != NULL)
		st_row(out, "ticket", "%s", q->ticket);
	st_row_span(out, "for", q->length);
	if (q->not_before != 0)
		st_row_time(out, "not before", q->not_before);
	if (q->source.n > 0)
		st_row_strs(out, "from", &q->source);
	if (q->force_command != NULL)
		st_row(out, "command", "%s", q->force_command);
	if (q->has_extensions)
		st_row_strs(out, "extensions", &q->extensions);
	st_row_key(out, "key", q->subject);
}

static void
request_clear(struct statement *s)
{
	struct request *q = &s->u.r;

	free(q->grant);
	pubkey_free(q->subject);
	strs_clear(&q->principals);
	free(q->reason);
	free(q->ticket);
	strs_clear(&q->source);
	free(q->force_command);
	strs_clear(&q->extensions);
}

static bool
request_whole(const struct statement *s)
{
	const struct request *r = &s->u.r;

	return r->grant != NULL && r->subject != NULL && r->reason != NULL &&
	    st_is_time(r->not_before);
}

const struct st_family st_request = {
    .name = "request",
    .ns = "request@writ",
    .keys = keys,
    .n_keys = sizeof(keys) / sizeof(keys[0]),
    .read = request_read,
    .write = request_write,
    .whole = request_whole,
    .describe = request_describe,
    .clear = request_clear,
};
