/* SPDX-License-Identifier: ISC */
/* report: what a host says of itself, in names and hashes. */
#include "lib/statement/fields.h"

#include <stdlib.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const char *const keys[] = {ST_COMMON, "seq", "previous", "kind",
    "boot_id", "root_version", "policy_version", "fleet_version", "krl_version",
    "quiet", "clock", "job", "message", "mode", "outcome", "plan", "states",
    "changes", "more", "events", "lost"};
/* Those of a run, and of no other report. */
static const char *const run_keys[] = {
    "mode", "outcome", "plan", "states", "changes", "more"};
/* And of logins. */
static const char *const login_keys[] = {"events", "lost"};
static const char *const change_keys[] = {"state", "kind", "result", "diff"};

static const char *const kinds[] = {
    [REPORT_HEARTBEAT] = "heartbeat",
    [REPORT_RUN] = "run",
    [REPORT_DRIFT] = "drift",
    [REPORT_ALARM] = "alarm",
    [REPORT_LOGINS] = "logins",
};
static const char *const outcomes[] = {
    [RUN_UNCHANGED] = "unchanged",
    [RUN_CHANGED] = "changed",
    [RUN_FAILED] = "failed",
    [RUN_UNDONE] = "undone",
    [RUN_REFUSED] = "refused",
};
static const char *const results[] = {
    [CHANGE_DONE] = "done",
    [CHANGE_FAILED] = "failed",
    [CHANGE_UNDONE] = "undone",
    [CHANGE_SKIPPED] = "skipped",
};
static const char *const modes[] = {"enforce", "test"};

const char *
run_outcome_name(enum run_outcome o)
{
	return (size_t)o < N(outcomes) ? outcomes[o] : NULL;
}

bool
run_outcome_is_failure(enum run_outcome o)
{
	return o == RUN_FAILED || o == RUN_UNDONE || o == RUN_REFUSED;
}

const char *
change_result_name(enum change_result r)
{
	return (size_t)r < N(results) ? results[r] : NULL;
}

const char *
report_kind_name(enum report_kind k)
{
	return (size_t)k < N(kinds) ? kinds[k] : NULL;
}

static bool
is_of_run(const struct report_statement *p)
{
	return p->kind == REPORT_RUN || p->kind == REPORT_DRIFT;
}

/* --- in --- */

static int
read_change(const json_t *o, struct report_change *c, struct err *e)
{
	size_t result;
	int r;

	if (!json_is_object(o))
		return err_set(e, ERR_PARSE, "not an object");
	if ((r = json_known(o, change_keys, N(change_keys), e)) != 0 ||
	    (r = json_strdup(o, "state", 0, REPORT_NAME_MAX, &c->state, e)) !=
		0 ||
	    (r = json_strdup(o, "kind", 0, REPORT_NAME_MAX, &c->kind, e)) !=
		0 ||
	    (r = st_read_word(o, "result", results, N(results), &result, e)) !=
		0)
		return r;
	c->result = (enum change_result)result;
	return st_read_a_hash(o, "diff", &c->has_diff, &c->diff, e);
}

static int
read_changes(const json_t *o, struct report_statement *p, struct err *e)
{
	const json_t *list = NULL;
	int r;

	r = json_array_of(o, "changes", JSON_OPTIONAL, REPORT_CHANGES_MAX,
	    &list, e);
	if (r != 0 || list == NULL)
		return r;
	p->changes = calloc(json_array_size(list), sizeof(*p->changes));
	if (p->changes == NULL)
		return err_nomem(e);
	while (p->n_changes < json_array_size(list)) {
		size_t i = p->n_changes++;

		r = read_change(json_array_get(list, i), &p->changes[i], e);
		if (r != 0) {
			err_prefix(e, "change %zu", i + 1);
			return r;
		}
	}
	return 0;
}

/* Nothing of one kind may stand in a report of another. */
static int
check_none(const json_t *o, const char *const *names, size_t n,
    const struct report_statement *p, const char *where, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (json_object_get(o, names[i]) != NULL)
			return err_set(e, ERR_PARSE,
			    "field '%s' in a report of kind %s, expected it in "
			    "%s alone",
			    names[i], kinds[p->kind], where);
	return 0;
}

/* What a run came to. */
static int
read_run(const json_t *o, struct report_statement *p, struct err *e)
{
	size_t mode, outcome;
	int r;

	if (!is_of_run(p))
		return check_none(o, run_keys, N(run_keys), p, "run and drift",
		    e);
	if ((r = st_read_either(o, "mode", modes, &mode, e)) != 0 ||
	    (r = st_read_word(o, "outcome", outcomes, N(outcomes), &outcome,
		 e)) != 0 ||
	    (r = st_read_a_hash(o, "plan", &p->has_plan, &p->plan, e)) != 0 ||
	    (r = json_u64(o, "states", 0, 0, UINT64_MAX, &p->states, e)) != 0 ||
	    (r = read_changes(o, p, e)) != 0)
		return r;
	p->enforce = mode == 0;
	p->outcome = (enum run_outcome)outcome;
	if ((r = json_u64(o, "more", JSON_OPTIONAL, 1, UINT64_MAX, &p->more,
		 e)) != 0)
		return r;
	if (p->outcome == RUN_UNCHANGED && p->n_changes > 0)
		return err_set(e, ERR_PARSE,
		    "field 'changes' in a run that is unchanged, expected "
		    "none");
	if (p->more > 0 && p->n_changes == 0)
		return err_set(e, ERR_PARSE,
		    "field 'more' without 'changes', expected those first");
	return 0;
}

/* Who logged in. */
static int
read_logins(const json_t *o, struct report_statement *p, struct err *e)
{
	const json_t *list = NULL;
	int r;

	if (p->kind != REPORT_LOGINS)
		return check_none(o, login_keys, N(login_keys), p, "logins", e);
	r = json_array_of(o, "events", 0, LOGIN_EVENTS_MAX, &list, e);
	if (r != 0)
		return r;
	p->events = calloc(json_array_size(list), sizeof(*p->events));
	if (p->events == NULL)
		return err_nomem(e);
	while (p->n_events < json_array_size(list)) {
		size_t i = p->n_events++;
		const json_t *ev = json_array_get(list, i);

		if ((r = login_event_read(ev, &p->events[i], e)) != 0 ||
		    (r = json_known(ev, login_event_keys, LOGIN_EVENT_KEYS,
			 e)) != 0) {
			err_prefix(e, "event %zu", i + 1);
			return r;
		}
	}
	return json_u64(o, "lost", JSON_OPTIONAL, 1, UINT64_MAX, &p->lost, e);
}

static int
read_versions(const json_t *o, struct report_statement *p, struct err *e)
{
	const struct {
		const char *key;
		uint64_t *out;
	} fields[] = {
	    {"root_version", &p->root_version},
	    {"policy_version", &p->policy_version},
	    {"fleet_version", &p->fleet_version},
	    {"krl_version", &p->krl_version},
	    {"quiet", &p->quiet},
	};
	int r = 0;

	for (size_t i = 0; i < N(fields) && r == 0; i++)
		r = json_u64(o, fields[i].key, 0, 0, UINT64_MAX, fields[i].out,
		    e);
	return r;
}

static int
report_read(const json_t *o, struct statement *s, struct err *e)
{
	struct report_statement *p = &s->u.report;
	unsigned message;
	size_t kind;
	int r;

	if ((r = json_u64(o, "seq", 0, 1, UINT64_MAX, &p->seq, e)) != 0 ||
	    (r = st_read_a_hash(o, "previous", &p->has_previous, &p->previous,
		 e)) != 0)
		return r;
	if (p->has_previous != (p->seq > 1))
		return err_set(e, ERR_PARSE,
		    p->has_previous
			? "field 'previous' in the first report, expected none"
			: "field 'previous' is missing, expected the hash of "
			  "the report before");
	if ((r = st_read_word(o, "kind", kinds, N(kinds), &kind, e)) != 0)
		return r;
	p->kind = (enum report_kind)kind;
	message = p->kind == REPORT_ALARM ? 0 : JSON_OPTIONAL;
	p->has_clock = json_object_get(o, "clock") != NULL;
	if ((r = json_hex(o, "boot_id", 0, p->boot_id, BOOT_ID_LEN, e)) != 0 ||
	    (r = read_versions(o, p, e)) != 0 ||
	    (r = json_int(o, "clock", JSON_OPTIONAL, -REPORT_CLOCK_MAX,
		 REPORT_CLOCK_MAX, &p->clock, e)) != 0 ||
	    (r = st_read_a_hash(o, "job", &p->has_job, &p->job, e)) != 0 ||
	    (r = json_strdup(o, "message", message, STATEMENT_COMMENT_MAX,
		 &p->message, e)) != 0)
		return r;
	if ((r = read_run(o, p, e)) != 0)
		return r;
	return read_logins(o, p, e);
}

/* --- out --- */

static void
write_run(const struct report_statement *p, struct jw *w)
{
	jw_str(w, "mode", modes[p->enforce ? 0 : 1]);
	jw_str(w, "outcome", outcomes[p->outcome]);
	if (p->has_plan)
		st_write_hash(w, "plan", &p->plan);
	jw_u64(w, "states", p->states);
	if (p->n_changes > 0)
		jw_begin(w, "changes", '[');
	for (size_t i = 0; i < p->n_changes; i++) {
		const struct report_change *c = &p->changes[i];

		jw_begin(w, NULL, '{');
		jw_str(w, "state", c->state);
		jw_str(w, "kind", c->kind);
		jw_str(w, "result", results[c->result]);
		if (c->has_diff)
			st_write_hash(w, "diff", &c->diff);
		jw_end(w, '}');
	}
	if (p->n_changes > 0)
		jw_end(w, ']');
	if (p->more > 0)
		jw_u64(w, "more", p->more);
}

static void
write_logins(const struct report_statement *p, struct jw *w)
{
	jw_begin(w, "events", '[');
	for (size_t i = 0; i < p->n_events; i++) {
		jw_begin(w, NULL, '{');
		login_event_write(&p->events[i], w);
		jw_end(w, '}');
	}
	jw_end(w, ']');
	if (p->lost > 0)
		jw_u64(w, "lost", p->lost);
}

static void
report_write(const struct statement *s, struct jw *w)
{
	const struct report_statement *p = &s->u.report;

	jw_u64(w, "seq", p->seq);
	if (p->has_previous)
		st_write_hash(w, "previous", &p->previous);
	jw_str(w, "kind", kinds[p->kind]);
	jw_hex(w, "boot_id", p->boot_id, BOOT_ID_LEN);
	jw_u64(w, "root_version", p->root_version);
	jw_u64(w, "policy_version", p->policy_version);
	jw_u64(w, "fleet_version", p->fleet_version);
	jw_u64(w, "krl_version", p->krl_version);
	jw_u64(w, "quiet", p->quiet);
	if (p->has_clock)
		jw_int(w, "clock", p->clock);
	if (p->has_job)
		st_write_hash(w, "job", &p->job);
	if (p->message != NULL)
		jw_str(w, "message", p->message);
	if (is_of_run(p))
		write_run(p, w);
	if (p->kind == REPORT_LOGINS)
		write_logins(p, w);
}

static bool
report_whole(const struct statement *s)
{
	const struct report_statement *p = &s->u.report;

	if (report_kind_name(p->kind) == NULL ||
	    run_outcome_name(p->outcome) == NULL)
		return false;
	if (p->clock < -REPORT_CLOCK_MAX || p->clock > REPORT_CLOCK_MAX)
		return false;
	for (size_t i = 0; i < p->n_changes; i++)
		if (p->changes[i].state == NULL || p->changes[i].kind == NULL ||
		    change_result_name(p->changes[i].result) == NULL)
			return false;
	for (size_t i = 0; i < p->n_events; i++)
		if (!login_event_whole(&p->events[i]))
			return false;
	return true;
}

static void
describe_run(const struct report_statement *p, struct str *out)
{
	st_row(out, "run", "%s: %s, %llu states", modes[p->enforce ? 0 : 1],
	    outcomes[p->outcome], (unsigned long long)p->states);
	if (p->has_plan)
		st_row_hash(out, "plan", &p->plan);
	for (size_t i = 0; i < p->n_changes; i++) {
		const struct report_change *c = &p->changes[i];
		char hex[HASH_HEX] = "";

		if (c->has_diff)
			hash_hex(&c->diff, hex);
		st_row(out, results[c->result], "%s (%s)%s%s", c->state,
		    c->kind, c->has_diff ? ", diff " : "", hex);
	}
	if (p->more > 0)
		st_row(out, "and", "%llu more", (unsigned long long)p->more);
}

static void
describe_logins(const struct report_statement *p, struct str *out)
{
	for (size_t i = 0; i < p->n_events; i++) {
		str_addf(out, "  %-12s ", login_what_name(p->events[i].what));
		login_event_describe(&p->events[i], out);
		str_addc(out, '\n');
	}
	if (p->lost > 0)
		st_row(out, "lost", "%llu lines before them",
		    (unsigned long long)p->lost);
}

static void
report_describe(const struct statement *s, struct str *out)
{
	const struct report_statement *p = &s->u.report;

	st_row(out, "kind", "%s", kinds[p->kind]);
	st_row(out, "seq", "%llu", (unsigned long long)p->seq);
	if (p->has_previous)
		st_row_hash(out, "previous", &p->previous);
	st_row(out, "holds", "root %llu, policy %llu, fleet %llu, krl %llu",
	    (unsigned long long)p->root_version,
	    (unsigned long long)p->policy_version,
	    (unsigned long long)p->fleet_version,
	    (unsigned long long)p->krl_version);
	if (p->quiet > 0)
		st_row(out, "quiet runs", "%llu", (unsigned long long)p->quiet);
	if (p->has_clock)
		st_row(out, "clock", "%lld s ahead of the master's",
		    (long long)p->clock);
	if (p->has_job)
		st_row_hash(out, "job", &p->job);
	if (p->message != NULL)
		st_row(out, "message", "%s", p->message);
	if (is_of_run(p))
		describe_run(p, out);
	describe_logins(p, out);
}

static void
report_clear(struct statement *s)
{
	struct report_statement *p = &s->u.report;

	free(p->message);
	for (size_t i = 0; i < p->n_changes; i++) {
		free(p->changes[i].state);
		free(p->changes[i].kind);
	}
	free(p->changes);
	for (size_t i = 0; i < p->n_events; i++)
		login_event_clear(&p->events[i]);
	free(p->events);
}

const struct st_family st_report = {
    .name = "report",
    .ns = "report@writ",
    .keys = keys,
    .n_keys = N(keys),
    .read = report_read,
    .write = report_write,
    .whole = report_whole,
    .describe = report_describe,
    .clear = report_clear,
};
