/* SPDX-License-Identifier: ISC */
#include "agent/client/logins.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/statement/statement.h"

static void
told_clear(struct login_told *t)
{
	free(t->host);
	login_event_clear(&t->event);
}

void
logins_told_clear(struct logins_told *l)
{
	for (size_t i = 0; i < l->n; i++)
		told_clear(&l->v[i]);
	free(l->v);
	*l = (struct logins_told){0};
}

/* --- reading --- */

static int
read_told(const json_t *o, struct login_told *t, struct err *e)
{
	int r;

	if (!json_is_object(o))
		return err_set(e, ERR_PARSE, "not an object");
	if ((r = json_strdup(o, "host", 0, ID_MAX, &t->host, e)) != 0 ||
	    (r = json_u64(o, "seq", 0, 0, UINT64_MAX, &t->seq, e)) != 0 ||
	    (r = json_int(o, "number", 0, 0, LOGIN_EVENTS_MAX - 1, &t->number,
		 e)) != 0 ||
	    (r = json_time(o, "came", 0, &t->came, e)) != 0 ||
	    (r = json_u64(o, "index", 0, 0, UINT64_MAX, &t->index, e)) != 0 ||
	    (r = json_hex(o, "report", 0, t->report.b, HASH_LEN, e)) != 0 ||
	    (r = json_int(o, "clock", JSON_OPTIONAL, -REPORT_CLOCK_MAX,
		 REPORT_CLOCK_MAX, &t->clock, e)) != 0)
		return r;
	if (!id_is_valid(t->host))
		return err_set(e, ERR_PARSE, "field 'host' is no id of a host");
	return login_event_read(o, &t->event, e);
}

/* The order that is promised, so that none is there twice. */
static bool
comes_after(const struct login_told *a, const struct login_told *b)
{
	int c = strcmp(a->host, b->host);

	if (a->event.at != b->event.at)
		return a->event.at < b->event.at;
	if (c != 0)
		return c < 0;
	return a->index != b->index ? a->index < b->index
				    : a->number < b->number;
}

static int
add(struct logins_told *out, const json_t *o, struct err *e)
{
	struct login_told t = {0};
	int r = read_told(o, &t, e);

	if (r == 0 && out->n > 0 && !comes_after(&out->v[out->n - 1], &t))
		r = err_set(e, ERR_PARSE,
		    "it does not come after the one before it");
	if (r == 0 &&
	    (r = vec_grow(&out->v, out->n, &out->cap, LOGINS_MAX)) != 0)
		r = r == ERR_NOMEM
		    ? err_nomem(e)
		    : err_set(e, r, "there are more than %d", LOGINS_MAX);
	if (r != 0) {
		told_clear(&t);
		return r;
	}
	out->v[out->n++] = t;
	return 0;
}

int
logins_told_parse(const json_t *answer, struct logins_told *out, char **next,
    struct err *e)
{
	const json_t *list = NULL;
	char *after = NULL;
	int r;

	r = json_array_of(answer, "events", JSON_EMPTY_OK, LOGINS_PAGE_MAX,
	    &list, e);
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
		if ((r = add(out, json_array_get(list, i), e)) == ERR_PARSE)
			err_prefix(e, "event %zu", i + 1);
	if (r == 0)
		r = json_strdup(answer, "next", JSON_OPTIONAL, LOGINS_NEXT_MAX,
		    &after, e);
	if (r == 0)
		*next = after;
	return r;
}

/* --- in words --- */

static void
word(struct str *out, const char *before, const char *text)
{
	if (text != NULL)
		str_addf(out, "%s%s%s", out->n > 0 ? " " : "", before, text);
}

/* What somebody else has chosen: a name must not look like another column. */
static void
quoted(struct str *out, const char *before, const char *text)
{
	if (text == NULL)
		return;
	word(out, before, "");
	str_add_quoted(out, text, strlen(text));
}

static void
add_key(const struct login_event *v, struct str *out)
{
	char text[FINGERPRINT_MAX];

	if (v->has_cert) {
		word(out, "certificate ", "");
		str_addf(out, "%llu", (unsigned long long)v->serial);
		quoted(out, "", v->key_id);
	} else if (v->has_key) {
		hash_fingerprint(&v->key, text);
		word(out, "", text);
	}
}

void
login_told_words(const struct login_event *v, struct str *out)
{
	char until[CLOCK_TEXT];

	if (v->what == LOGIN_FAILED) {
		clock_format(v->until, until);
		str_addf(out, "%llu until %s", (unsigned long long)v->count,
		    until);
	}
	word(out, "", v->method);
	add_key(v, out);
	word(out, "as ", v->as);
	quoted(out, login_event_denied(v) ? "refused: " : "", v->why);
	word(out, "", v->command);
}
