/* SPDX-License-Identifier: ISC */
#include "agent/client/states.h"

#include <stdlib.h>
#include <string.h>

#include "agent/client/master.h"
#include "lib/base/json.h"

#define ALARMS_MAX 100

static void
state_clear(struct host_state *s)
{
	free(s->host);
	free(s->outcome);
	free(s->drift);
	free(s->boot_id);
	strs_clear(&s->alarms);
}

void
host_states_clear(struct host_states *s)
{
	for (size_t i = 0; i < s->n; i++)
		state_clear(&s->v[i]);
	free(s->v);
	*s = (struct host_states){0};
}

/* --- reading -------------------------------------------------------------- */

/* Text, or yes and no; "" where there is none. */
static int
read_text(const json_t *o, const char *key, char **out, struct err *e)
{
	const json_t *v = json_object_get(o, key);

	if (v == NULL || json_is_null(v) || json_is_false(v))
		*out = str_dup("");
	else if (json_is_true(v))
		*out = str_dup("yes");
	else
		return json_strdup(o, key, JSON_EMPTY_OK, MASTER_TEXT_MAX, out,
		    e);
	return *out != NULL ? 0 : err_nomem(e);
}

/* [{"at","what"}]; the oldest first. */
static int
read_alarms(const json_t *o, struct strs *out, struct err *e)
{
	const json_t *list = NULL;
	int r = json_array_of(o, "alarms", JSON_OPTIONAL | JSON_EMPTY_OK,
	    ALARMS_MAX, &list, e);

	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		const char *what = NULL;

		if ((r = json_str(json_array_get(list, i), "what", 0,
			 MASTER_TEXT_MAX, &what, e)) != 0)
			err_prefix(e, "'alarms'");
		else if (strs_add(out, what) != 0)
			r = err_nomem(e);
	}
	return r;
}

static int
read_state(const json_t *o, struct host_state *s, struct err *e)
{
	static const unsigned may = JSON_OPTIONAL;
	int r;

	if ((r = json_strdup(o, "host", 0, ID_MAX, &s->host, e)) != 0 ||
	    (r = json_bool(o, "connected", may, &s->connected, e)) != 0 ||
	    (r = json_time(o, "last_contact", may, &s->last_contact, e)) != 0 ||
	    (r = json_u64(o, "fleet_version", may, 0, UINT64_MAX,
		 &s->fleet_version, e)) != 0 ||
	    (r = json_u64(o, "target", may, 0, UINT64_MAX, &s->target, e)) !=
		0 ||
	    (r = json_u64(o, "policy_version", may, 0, UINT64_MAX,
		 &s->policy_version, e)) != 0 ||
	    (r = json_u64(o, "krl_version", may, 0, UINT64_MAX, &s->krl_version,
		 e)) != 0 ||
	    (r = read_text(o, "outcome", &s->outcome, e)) != 0 ||
	    (r = read_text(o, "drift", &s->drift, e)) != 0 ||
	    (r = read_text(o, "boot_id", &s->boot_id, e)) != 0 ||
	    (r = json_bool(o, "rejected", may, &s->rejected, e)) != 0)
		return r;
	return read_alarms(o, &s->alarms, e);
}

static int
read_states(const json_t *list, struct host_states *s, struct err *e)
{
	int r = 0;

	if ((s->v = calloc(json_array_size(list) + 1, sizeof(*s->v))) == NULL)
		return err_nomem(e);
	s->n = json_array_size(list);
	for (size_t i = 0; i < s->n && r == 0; i++)
		if ((r = read_state(json_array_get(list, i), &s->v[i], e)) != 0)
			err_prefix(e, "hosts, entry %zu", i + 1);
	return r;
}

/* What is in `from` moves. */
static int
add_states(struct host_states *to, struct host_states *from, struct err *e)
{
	struct host_state *v;

	if (from->n > MASTER_LIST_MAX - to->n)
		return err_set(e, ERR_LIMIT, "more than %d hosts",
		    MASTER_LIST_MAX);
	if ((v = reallocarray(to->v, to->n + from->n + 1, sizeof(*v))) == NULL)
		return err_nomem(e);
	if (from->n > 0)
		memcpy(v + to->n, from->v, from->n * sizeof(*v));
	to->v = v;
	to->n += from->n;
	from->n = 0;
	return 0;
}

int
host_states_parse(const json_t *answer, struct host_states *out, uint64_t *next,
    struct err *e)
{
	struct host_states s = {0};
	const json_t *list = NULL;
	uint64_t after = 0;
	int r;

	if ((r = json_array_of(answer, "hosts", JSON_EMPTY_OK, MASTER_LIST_MAX,
		 &list, e)) != 0 ||
	    (r = json_u64(answer, "next", JSON_OPTIONAL, 1, UINT64_MAX, &after,
		 e)) != 0 ||
	    (r = read_states(list, &s, e)) != 0)
		goto out;
	/* Else there could be no end of them. */
	if (after != 0 && s.n == 0)
		r = err_set(e, ERR_PARSE,
		    "a page of nothing, and 'next' says there is more");
	else
		r = add_states(out, &s, e);
	if (r == 0 && next != NULL)
		*next = after;
out:
	host_states_clear(&s);
	return r;
}

const struct host_state *
host_state_find(const struct host_states *s, const char *host)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i].host, host) == 0)
			return &s->v[i];
	return NULL;
}

/* --- looking -------------------------------------------------------------- */

bool
host_state_is_behind(const struct host_state *s)
{
	static const char *const well[] = {"", "changed", "unchanged"};
	bool bad = true;

	for (size_t i = 0; i < sizeof(well) / sizeof(well[0]); i++)
		bad = bad && strcmp(s->outcome, well[i]) != 0;
	return bad || s->alarms.n > 0 || s->fleet_version < s->target;
}

static int
compare(const void *a, const void *b)
{
	const struct host_state *x = a, *y = b;
	bool bx = host_state_is_behind(x), by = host_state_is_behind(y);

	return bx != by ? (bx ? -1 : 1) : strcmp(x->host, y->host);
}

void
host_states_sort(struct host_states *s)
{
	if (s->n > 1)
		qsort(s->v, s->n, sizeof(*s->v), compare);
}

void
host_states_summary(const struct host_states *s, struct str *out)
{
	size_t connected = 0, behind = 0, alarms = 0;

	for (size_t i = 0; i < s->n; i++) {
		connected += s->v[i].connected;
		behind += host_state_is_behind(&s->v[i]);
		alarms += s->v[i].alarms.n > 0;
	}
	str_addf(out, "%zu host%s, %zu connected, %zu behind, %zu with alarms",
	    s->n, s->n == 1 ? "" : "s", connected, behind, alarms);
}

void
host_state_ago(int64_t then, int64_t now, struct str *out)
{
	static const struct {
		int64_t secs;
		char unit;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	int64_t gone = now - then;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (gone >= units[i].secs) {
			str_addf(out, "%lld %c",
			    (long long)(gone / units[i].secs), units[i].unit);
			return;
		}
	str_add(out, "now");
}
