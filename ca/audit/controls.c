/* SPDX-License-Identifier: ISC */
#include "ca/audit/controls.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"

#define IDS_MAX 256 /* controls of a state */

/* --- what is asked -------------------------------------------------------- */

static void
state_clear(struct control_state *s)
{
	free(s->host);
	free(s->id);
	strs_clear(&s->cis);
	free(s->reason);
	free(s->owner);
	*s = (struct control_state){0};
}

void
control_states_clear(struct control_states *s)
{
	for (size_t i = 0; i < s->n; i++)
		state_clear(&s->v[i]);
	free(s->v);
	*s = (struct control_states){0};
}

static int
read_answer(const json_t *row, const char *key, enum control_answer *out,
    struct err *e)
{
	const char *said = NULL;
	int r = json_str(row, key, JSON_EMPTY_OK, 16, &said, e);

	if (r != 0)
		return r;
	if (strcmp(said, "yes") == 0)
		*out = CONTROL_YES;
	else if (strcmp(said, "unknown") == 0)
		*out = CONTROL_MAYBE;
	else
		*out = CONTROL_NO;
	return 0;
}

static int
read_exception(const json_t *row, struct control_state *s, struct err *e)
{
	const char *spared = NULL;
	int r = json_str(row, "excepted", JSON_EMPTY_OK, 16, &spared, e);

	if (r != 0 || spared[0] == '\0')
		return r;
	if ((r = read_answer(row, "excepted", &s->spared, e)) != 0 ||
	    (r = json_strdup(row, "reason", 0, POLICY_REASON_MAX * 4,
		 &s->reason, e)) != 0 ||
	    (r = json_strdup(row, "owner", 0, ID_MAX, &s->owner, e)) != 0)
		return r;
	return json_time(row, "expires", 0, &s->expires, e);
}

static int
check_fleet(const json_t *row, const struct hash *want, struct err *e)
{
	struct hash is = {{0}};
	int r = json_hex(row, "fleet", 0, is.b, HASH_LEN, e);

	if (r == 0 && want != NULL && !hash_equal(&is, want))
		r = err_set(e, ERR_CORRUPT,
		    "the version at hand is not the one that the log has");
	return r;
}

static int
read_row(const json_t *row, const struct hash *fleet, struct control_state *s,
    struct err *e)
{
	int r;

	if ((r = check_fleet(row, fleet, e)) != 0 ||
	    (r = json_strdup(row, "host", 0, ID_MAX, &s->host, e)) != 0 ||
	    (r = json_strdup(row, "state", 0, ID_MAX, &s->id, e)) != 0 ||
	    (r = json_strs(row, "cis", 0, IDS_MAX, POLICY_REASON_MAX, &s->cis,
		 e)) != 0 ||
	    (r = read_answer(row, "applies", &s->applies, e)) != 0)
		return r;
	return read_exception(row, s, e);
}

int
control_states_read(const json_t *rows, const struct hash *fleet,
    struct control_states *out, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < json_array_size(rows) && r == 0; i++) {
		struct control_state s = {0};

		if (vec_grow(&out->v, out->n, &out->cap, CONTROLS_MAX) != 0)
			return err_nomem(e);
		if ((r = read_row(json_array_get(rows, i), fleet, &s, e)) == 0)
			out->v[out->n++] = s;
		else
			state_clear(&s);
	}
	if (r != 0)
		err_prefix(e, "controls");
	return r;
}

/* --- what came of it ------------------------------------------------------ */

const char *
control_result_name(enum control_result r)
{
	static const char *const names[] = {
	    [CONTROL_FAILED] = "failed",
	    [CONTROL_EXCEPTED] = "excepted",
	    [CONTROL_UNKNOWN] = "unknown",
	    [CONTROL_PASSED] = "passed",
	    [CONTROL_NONE] = "not applicable",
	};

	return names[r];
}

static const struct state_then *
find_state(const struct host_then *h, const char *id)
{
	for (size_t i = 0; i < h->n_states; i++)
		if (strcmp(h->states[i].id, id) == 0)
			return &h->states[i];
	return NULL;
}

/* Does the report name a state for which the run failed?  Else the run was
 * broken off, and the states it does not name are not known. */
static bool
says_what_failed(const struct host_then *h)
{
	for (size_t i = 0; i < h->n_states; i++)
		if (h->states[i].result != CHANGE_DONE)
			return true;
	return false;
}

/* Why nobody can tell of a state that the report does not name; NULL: it is as
 * it should be. */
static const char *
unknown(const struct host_then *h, const struct control_state *s)
{
	if (h->outcome == RUN_REFUSED)
		return "its last run was not begun";
	if ((h->outcome == RUN_FAILED || h->outcome == RUN_UNDONE) &&
	    !says_what_failed(h))
		return "its last run was broken off";
	if (h->more > 0)
		return "its report had no room for all changes";
	if (s->applies == CONTROL_MAYBE)
		return "whether it gets the state hangs on grains";
	if (s->reason != NULL && s->spared == CONTROL_MAYBE)
		return "whether it is spared hangs on grains";
	if (s->reason != NULL && s->spared == CONTROL_NO &&
	    s->expires >= h->run_at)
		return "its exception has ended since its last run";
	return NULL;
}

static enum control_result
judge(const struct host_then *h, const struct control_state *s,
    const char **why)
{
	const struct state_then *was = find_state(h, s->id);

	*why = NULL;
	if (s->applies == CONTROL_NO)
		return CONTROL_NONE;
	if (was != NULL && was->result == CHANGE_DONE && h->enforce)
		return CONTROL_PASSED;
	if (was != NULL) {
		*why = was->result == CHANGE_DONE
		    ? "would be changed"
		    : change_result_name(was->result);
		return CONTROL_FAILED;
	}
	if (s->reason != NULL && s->spared == CONTROL_YES &&
	    s->applies == CONTROL_YES)
		return CONTROL_EXCEPTED;
	*why = unknown(h, s);
	return *why != NULL ? CONTROL_UNKNOWN : CONTROL_PASSED;
}

/* --- by control ----------------------------------------------------------- */

static void
then_clear(struct control_then *t)
{
	free(t->states);
	*t = (struct control_then){0};
}

void
controls_then_clear(struct controls_then *c)
{
	for (size_t i = 0; i < c->n; i++)
		then_clear(&c->v[i]);
	free(c->v);
	*c = (struct controls_then){0};
}

static int
add_name(char **states, const char *id)
{
	struct str s = STR_INIT;
	char *all = NULL;

	str_addf(&s, "%s%s%s", *states != NULL ? *states : "",
	    *states != NULL ? ", " : "", id);
	if (str_take(&s, &all) != 0)
		return ERR_NOMEM;
	free(*states);
	*states = all;
	return 0;
}

static int
take_state(struct control_then *t, const struct control_state *s,
    enum control_result result, const char *why)
{
	if (result > t->result)
		return 0;
	if (result < t->result || t->states == NULL) {
		free(t->states);
		t->states = NULL;
		t->result = result;
		t->why = why;
		t->excepted = result == CONTROL_EXCEPTED ? s : NULL;
	}
	return add_name(&t->states, s->id);
}

static int
add_control(struct controls_then *c, const struct control_state *s,
    const char *cis, enum control_result result, const char *why)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->v[i].cis, cis) == 0)
			return take_state(&c->v[i], s, result, why);
	if (vec_grow(&c->v, c->n, &c->cap, CONTROLS_MAX) != 0)
		return ERR_NOMEM;
	c->v[c->n] = (struct control_then){.cis = cis, .result = CONTROL_NONE};
	return take_state(&c->v[c->n++], s, result, why);
}

static int
by_id(const void *a, const void *b)
{
	const struct control_then *x = a, *y = b;

	return strverscmp(x->cis, y->cis);
}

int
controls_judge(const struct host_then *h, const struct control_states *of,
    struct controls_then *out)
{
	int r = 0;

	for (size_t i = 0; i < of->n && r == 0; i++) {
		const struct control_state *s = &of->v[i];
		enum control_result result;
		const char *why;

		if (strcmp(s->host, h->id) != 0)
			continue;
		result = judge(h, s, &why);
		for (size_t j = 0; j < s->cis.n && r == 0; j++)
			r = add_control(out, s, s->cis.v[j], result, why);
	}
	if (r == 0 && out->n > 1)
		qsort(out->v, out->n, sizeof(*out->v), by_id);
	return r;
}
