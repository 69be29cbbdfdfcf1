/* SPDX-License-Identifier: ISC */
#include "ca/client/seen.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/statement/statement.h"

#define LIST_MAX 1000
#define TEXT_MAX 4096

static const char *const states[] = {
    [SEEN_WAITING] = "waiting",
    [SEEN_ISSUED] = "issued",
    [SEEN_DENIED] = "denied",
    [SEEN_REFUSED] = "refused",
    [SEEN_ENDED] = "ended",
};
#define N_STATES (sizeof(states) / sizeof(states[0]))

const char *
seen_state_name(enum seen_state s)
{
	return states[s];
}

/* --- reading -------------------------------------------------------------- */

static int
read_state(const json_t *o, enum seen_state *out, struct err *e)
{
	const char *name = NULL;
	char quoted[QUOTE_MAX];
	int r;

	if ((r = json_str(o, "state", 0, 32, &name, e)) != 0)
		return r;
	for (size_t i = SEEN_WAITING; i < N_STATES; i++)
		if (strcmp(states[i], name) == 0) {
			*out = (enum seen_state)i;
			return 0;
		}
	return err_set(e, ERR_PARSE, "'state' is %s, expected one of a request",
	    str_quote(quoted, name));
}

static int
check_texts(const json_t *list, const char *key, struct err *e)
{
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (!json_is_string(item) ||
		    !text_is_clean(json_string_value(item),
			json_string_length(item), NULL))
			return err_set(e, ERR_PARSE,
			    "'%s' has an entry that is no clean text", key);
	return 0;
}

static int
check_need(const json_t *item, struct err *e)
{
	const char *group = NULL;
	const json_t *who = NULL;
	int64_t n = 0;
	int r;

	if ((r = json_str(item, "group", 0, 256, &group, e)) != 0 ||
	    (r = json_int(item, "need", 0, 0, LIST_MAX, &n, e)) != 0 ||
	    (r = json_int(item, "have", 0, 0, LIST_MAX, &n, e)) != 0 ||
	    (r = json_array_of(item, "who", JSON_OPTIONAL | JSON_EMPTY_OK,
		 100000, &who, e)) != 0)
		return r;
	return who != NULL ? check_texts(who, "who", e) : 0;
}

static int
check_told(const json_t *item, struct err *e)
{
	const char *text = NULL;
	int64_t t = 0;
	bool sent = false;
	int r;

	if ((r = json_str(item, "person", 0, ID_MAX, &text, e)) != 0 ||
	    (r = json_str(item, "how", 0, 256, &text, e)) != 0 ||
	    (r = json_time(item, "at", JSON_OPTIONAL, &t, e)) != 0)
		return r;
	return json_bool(item, "sent", JSON_OPTIONAL, &sent, e);
}

static int
check_decision(const json_t *item, struct err *e)
{
	const char *text = NULL;
	int64_t t = 0;
	bool approve = false;
	int r;

	if ((r = json_str(item, "person", 0, ID_MAX, &text, e)) != 0 ||
	    (r = json_bool(item, "approve", 0, &approve, e)) != 0 ||
	    (r = json_str(item, "comment", JSON_OPTIONAL | JSON_EMPTY_OK,
		 TEXT_MAX, &text, e)) != 0 ||
	    (r = json_int(item, "length", JSON_OPTIONAL, 0, INT64_MAX, &t,
		 e)) != 0)
		return r;
	return json_time(item, "at", JSON_OPTIONAL, &t, e);
}

static int
read_list(const json_t *o, const char *key, const json_t **out,
    int (*check)(const json_t *item, struct err *e), struct err *e)
{
	const json_t *item;
	size_t i;
	int r;

	if ((r = json_array_of(o, key, JSON_OPTIONAL | JSON_EMPTY_OK, LIST_MAX,
		 out, e)) != 0)
		return r;
	json_array_foreach (*out, i, item)
		if ((r = check(item, e)) != 0) {
			err_prefix(e, "%s", key);
			return r;
		}
	return 0;
}

static int
read_texts(const json_t *o, struct seen *q, struct err *e)
{
	const char *kind = NULL;
	int r;

	if ((r = json_str(o, "id", 0, HASH_HEX - 1, &q->id, e)) != 0 ||
	    (r = json_str(o, "person", 0, ID_MAX, &q->person, e)) != 0 ||
	    (r = json_str(o, "kind", 0, 16, &kind, e)) != 0 ||
	    (r = json_str(o, "grant", 0, 256, &q->grant, e)) != 0 ||
	    (r = json_str(o, "reason", 0, TEXT_MAX, &q->reason, e)) != 0 ||
	    (r = json_str(o, "why", JSON_OPTIONAL | JSON_EMPTY_OK, TEXT_MAX,
		 &q->why, e)) != 0 ||
	    (r = json_str(o, "ticket", JSON_OPTIONAL | JSON_EMPTY_OK, TEXT_MAX,
		 &q->ticket, e)) != 0)
		return r;
	q->host = strcmp(kind, "host") == 0;
	if (q->why != NULL && q->why[0] == '\0')
		q->why = NULL;
	return 0;
}

static int
read_numbers(const json_t *o, struct seen *q, struct err *e)
{
	int r;

	if ((r = json_int(o, "length", 0, 0, INT64_MAX, &q->length, e)) != 0 ||
	    (r = json_time(o, "at", 0, &q->at, e)) != 0 ||
	    (r = json_time(o, "ends", JSON_OPTIONAL, &q->ends, e)) != 0 ||
	    (r = json_bool(o, "break_glass", JSON_OPTIONAL, &q->break_glass,
		 e)) != 0 ||
	    (r = json_bool(o, "revoked", JSON_OPTIONAL, &q->revoked, e)) != 0 ||
	    (r = json_u64(o, "serial", JSON_OPTIONAL, 0, UINT64_MAX, &q->serial,
		 e)) != 0)
		return r;
	return json_time(o, "valid_before", JSON_OPTIONAL, &q->valid_before, e);
}

int
seen_parse(const json_t *o, struct seen *out, struct err *e)
{
	struct seen q = {0};
	int r;

	if (!json_is_object(o))
		return err_set(e, ERR_PARSE, "a request is missing");
	if ((r = read_texts(o, &q, e)) != 0 ||
	    (r = read_state(o, &q.state, e)) != 0 ||
	    (r = read_numbers(o, &q, e)) != 0 ||
	    (r = json_array_of(o, "principals", 0, REQUEST_PRINCIPALS_MAX,
		 &q.principals, e)) != 0 ||
	    (r = check_texts(q.principals, "principals", e)) != 0 ||
	    (r = read_list(o, "needs", &q.needs, check_need, e)) != 0 ||
	    (r = read_list(o, "told", &q.told, check_told, e)) != 0 ||
	    (r = read_list(o, "decisions", &q.decisions, check_decision, e)) !=
		0)
		return r;
	*out = q;
	return 0;
}

/* --- telling -------------------------------------------------------------- */

static void
add_texts(struct str *s, const json_t *list, const char *between, size_t most)
{
	size_t n = json_array_size(list);

	for (size_t i = 0; i < n && i < most; i++)
		str_addf(s, "%s%s", i > 0 ? between : "",
		    json_string_value(json_array_get(list, i)));
	if (n > most)
		str_addf(s, " and %zu more", n - most);
}

void
seen_principals(const struct seen *q, struct str *s)
{
	add_texts(s, q->principals, ",", REQUEST_PRINCIPALS_MAX);
}

void
seen_needs(const struct seen *q, struct str *s)
{
	const json_t *item;
	bool first = true;
	size_t i;

	json_array_foreach (q->needs, i, item) {
		json_int_t need =
		    json_integer_value(json_object_get(item, "need"));
		json_int_t have =
		    json_integer_value(json_object_get(item, "have"));
		const json_t *who = json_object_get(item, "who");

		if (have >= need)
			continue;
		str_addf(s, "%s%lld of %s", first ? "" : " and ",
		    (long long)(need - have), json_text(item, "group"));
		if (json_array_size(who) > 0) {
			str_add(s, " (");
			add_texts(s, who, ", ", 8);
			str_add(s, ")");
		}
		first = false;
	}
}

/* "12:03" of a time of today and any other day: what a person looks for. */
static void
add_hour(struct str *s, const json_t *item)
{
	const char *at = json_text(item, "at");

	if (strlen(at) == CLOCK_TEXT - 1)
		str_addf(s, " at %.5sZ", at + 11);
}

void
seen_told(const struct seen *q, struct str *s)
{
	const json_t *item;
	size_t i;

	json_array_foreach (q->told, i, item) {
		const json_t *sent = json_object_get(item, "sent");
		const char *how = json_text(item, "how");

		str_addf(s, "%s%s", i > 0 ? ", " : "",
		    json_text(item, "person"));
		/* No channel of notify.yaml is for that person. */
		if (strcmp(how, "none") == 0) {
			str_add(s, " in no way");
			continue;
		}
		str_addf(s, " by %s", how);
		add_hour(s, item);
		if (sent != NULL && !json_is_true(sent))
			str_add(s, " (not sent)");
	}
}

void
seen_decisions(const struct seen *q, struct str *s)
{
	const json_t *item;
	size_t i;

	json_array_foreach (q->decisions, i, item) {
		const char *comment = json_text(item, "comment");

		str_addf(s, "  %-11s%s by %s", i == 0 ? "decisions" : "",
		    json_is_true(json_object_get(item, "approve")) ? "approved"
								   : "denied",
		    json_text(item, "person"));
		if (json_text(item, "at")[0] != '\0')
			str_addf(s, ", %s", json_text(item, "at"));
		if (comment[0] != '\0')
			str_addf(s, ": %s", comment);
		str_addc(s, '\n');
	}
}

static void
add_time(struct str *s, const char *label, int64_t t)
{
	char text[CLOCK_TEXT];

	if (t == 0)
		return;
	clock_format(t, text);
	str_addf(s, "  %-11s%s\n", label, text);
}

void
seen_describe(const struct seen *q, struct str *s)
{
	char span[SPAN_TEXT];
	struct str line = STR_INIT;

	str_addf(s, "  %-11s%s%s%s\n", "state", states[q->state],
	    q->why != NULL ? ": " : "", q->why != NULL ? q->why : "");
	str_addf(s, "  %-11s%s\n", "person", q->person);
	seen_principals(q, &line);
	str_addf(s, "  %-11s%s%s\n", "principals", line.p,
	    q->host ? " (host)" : "");
	span_format(q->length > 0 ? q->length : 1, span);
	str_addf(s, "  %-11s%s for %s%s\n", "grant", q->grant, span,
	    q->break_glass ? ", break glass" : "");
	str_addf(s, "  %-11s%s\n", "reason", q->reason);
	if (q->ticket != NULL && q->ticket[0] != '\0')
		str_addf(s, "  %-11s%s\n", "ticket", q->ticket);
	add_time(s, "asked", q->at);
	if (q->state == SEEN_WAITING) {
		str_reset(&line);
		seen_needs(q, &line);
		str_addf(s, "  %-11s%s\n", "needs", line.p);
		add_time(s, "until", q->ends);
	}
	str_reset(&line);
	seen_told(q, &line);
	if (line.n > 0)
		str_addf(s, "  %-11s%s\n", "told", line.p);
	seen_decisions(q, s);
	if (q->serial != 0)
		str_addf(s, "  %-11s%llu%s\n", "serial",
		    (unsigned long long)q->serial,
		    q->revoked ? ", REVOKED" : "");
	add_time(s, "good until", q->valid_before);
	str_clear(&line);
}

/* --- as JSON -------------------------------------------------------------- */

static void
strings_json(struct jw *w, const char *key, const json_t *list)
{
	const json_t *item;
	size_t i;

	jw_begin(w, key, '[');
	json_array_foreach (list, i, item)
		jw_str(w, NULL, json_string_value(item));
	jw_end(w, ']');
}

/* What an item has of these; no other was looked at. */
static void
item_json(struct jw *w, const json_t *item, const char *const *keys)
{
	jw_begin(w, NULL, '{');
	for (; *keys != NULL; keys++) {
		const json_t *v = json_object_get(item, *keys);

		if (json_is_string(v))
			jw_str(w, *keys, json_string_value(v));
		else if (json_is_integer(v))
			jw_int(w, *keys, json_integer_value(v));
		else if (json_is_boolean(v))
			jw_bool(w, *keys, json_is_true(v));
		else if (json_is_array(v))
			strings_json(w, *keys, v);
	}
	jw_end(w, '}');
}

static void
items_json(struct jw *w, const char *key, const json_t *list,
    const char *const *keys)
{
	const json_t *item;
	size_t i;

	if (list == NULL)
		return;
	jw_begin(w, key, '[');
	json_array_foreach (list, i, item)
		item_json(w, item, keys);
	jw_end(w, ']');
}

void
seen_json(const struct seen *q, struct jw *w, const char *key)
{
	static const char *const needs[] = {
	    "group", "need", "have", "who", NULL};
	static const char *const told[] = {"person", "how", "at", "sent", NULL};
	static const char *const decisions[] = {
	    "person", "approve", "comment", "length", "at", NULL};

	jw_begin(w, key, '{');
	jw_str(w, "state", states[q->state]);
	if (q->why != NULL)
		jw_str(w, "why", q->why);
	items_json(w, "needs", q->needs, needs);
	items_json(w, "told", q->told, told);
	items_json(w, "decisions", q->decisions, decisions);
	if (q->ends != 0)
		jw_time(w, "ends", q->ends);
	if (q->serial != 0) {
		jw_u64(w, "serial", q->serial);
		jw_bool(w, "revoked", q->revoked);
	}
	if (q->valid_before != 0)
		jw_time(w, "valid_before", q->valid_before);
	jw_end(w, '}');
}
