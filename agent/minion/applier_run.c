/* SPDX-License-Identifier: ISC */
/* A run, and what is reported of it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/minion/applier.h"
#include "agent/minion/arm.h"
#include "agent/minion/others.h"
#include "agent/states/run.h"
#include "lib/base/clock.h"
#include "lib/ssh/cert.h"
#include "lib/ssh/krl.h"

/* --- reports -------------------------------------------------------------- */

int
applier_say(struct applier *a, struct report_statement *r, struct err *e)
{
	const struct report_by by = {.state_dir = a->state_dir,
	    .host = a->held.host,
	    .realm = &a->held.realm,
	    .key = a->host_key,
	    .now = a->now};
	int res;

	r->has_clock = json_object_get(a->args, "clock") != NULL;
	if ((res = json_int(a->args, "clock", JSON_OPTIONAL, -REPORT_CLOCK_MAX,
		 REPORT_CLOCK_MAX, &r->clock, e)) != 0)
		return res;
	r->root_version = a->trust.root_version;
	r->policy_version = a->held.policy_version;
	r->fleet_version = a->held.fleet.version;
	r->krl_version = a->held.krl_version;
	if ((res = report_make(&by, &a->reports, r, &a->made, e)) != 0)
		return res;
	a->first_made = a->reports.seq - a->made.n + 1;
	return 0;
}

static enum change_result
result_of(enum run_result r)
{
	switch (r) {
	case RESULT_WOULD:
	case RESULT_CHANGED:
		return CHANGE_DONE;
	case RESULT_UNDONE:
		return CHANGE_UNDONE;
	case RESULT_SKIPPED:
		return CHANGE_SKIPPED;
	default:
		return CHANGE_FAILED;
	}
}

static bool
is_worth_a_line(const struct run_state *s)
{
	switch (s->result) {
	case RESULT_OK:
	case RESULT_OFF:
	case RESULT_EXCEPTED:
	case RESULT_NOT_APPLICABLE:
		return false;
	default:
		return true;
	}
}

/* Longer than a call can carry is cut; its hash is of what is kept. */
static void
keep_diff(struct applier *a, char *text, struct report_change *c)
{
	struct err e = {0};

	if (text == NULL || text[0] == '\0')
		return;
	if (strlen(text) > VERB_TEXT_MAX)
		text[VERB_TEXT_MAX] = '\0';
	/* A report without a diff is one still. */
	c->has_diff = diff_keep(a->state_dir, text, &c->diff, &e) == 0;
}

static int
add_changes(struct applier *a, const struct run_out *out,
    struct report_statement *r, struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < out->n; i++)
		n += is_worth_a_line(&out->v[i]);
	if (n == 0)
		return 0;
	if ((r->changes =
		    calloc(n < REPORT_CHANGES_MAX ? n : REPORT_CHANGES_MAX,
			sizeof(*r->changes))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < out->n; i++) {
		const struct run_state *s = &out->v[i];
		struct report_change *c = &r->changes[r->n_changes];

		if (!is_worth_a_line(s))
			continue;
		if (r->n_changes == REPORT_CHANGES_MAX) {
			r->more++;
			continue;
		}
		c->state = str_dup(s->s->h->decl->id);
		c->kind = str_dup(s->s->ops->name);
		c->result = result_of(s->result);
		r->n_changes++;
		if (c->state == NULL || c->kind == NULL)
			return err_nomem(e);
		keep_diff(a, s->diff, c);
	}
	return 0;
}

static enum run_outcome
outcome_of(const struct run_out *out)
{
	switch (out->end) {
	case RUN_END_NOTHING:
		return out->n_failed > 0 ? RUN_FAILED : RUN_UNCHANGED;
	case RUN_END_WOULD:
	case RUN_END_DONE:
	case RUN_END_WAITS:
		return out->n_failed > 0 ? RUN_FAILED : RUN_CHANGED;
	case RUN_END_REFUSED:
		return RUN_REFUSED;
	case RUN_END_UNDONE:
		return RUN_UNDONE;
	case RUN_END_BROKEN:
		break;
	}
	return RUN_FAILED;
}

static void
report_clear(struct report_statement *r)
{
	for (size_t i = 0; i < r->n_changes; i++) {
		free(r->changes[i].state);
		free(r->changes[i].kind);
	}
	free(r->changes);
	free(r->message);
	*r = (struct report_statement){0};
}

static void
set_message(struct report_statement *r, const char *why, const char *others)
{
	struct str s = STR_INIT;

	if (why != NULL && why[0] != '\0')
		str_addf(&s, "%.*s", STATEMENT_REASON_MAX - 200, why);
	if (others[0] != '\0')
		str_addf(&s, "%sother managers of this host: %.*s",
		    s.n > 0 ? "; " : "", 150, others);
	if (s.n > 0 && str_take(&s, &r->message) != 0)
		r->message = NULL; /* the rest is said without it */
	str_clear(&s);
}

/* --- a run ---------------------------------------------------------------- */

struct arming {
	struct applier *a;
	bool connected;
};

static int
arm(void *ctx, uint64_t number, struct err *e)
{
	const struct arming *m = ctx;
	int r;

	if (!m->connected)
		return err_set(e, ERR_DENIED,
		    "this would touch a way in, and there is no connection to "
		    "a master who could say that one is left");
	if ((r = arm_has_boot_unit(m->a->host, e)) != 0)
		return r;
	return arm_watch(m->a->host, m->a->state_dir, number, true, e);
}

/* What a master brought, for kind ssh_ca; kept until the run is over. */
struct brought {
	char *krl, *cert;
	size_t n_krl, n_cert;
};

static int
add_brought(struct applier *a, struct session *s, struct brought *b,
    struct err *e)
{
	int r;

	if ((r = applier_read_krl(a, &b->krl, &b->n_krl, e)) != 0)
		return r;
	if (b->krl != NULL) {
		s->env.krl = slice_of(b->krl, b->n_krl);
		s->env.krl_version = a->held.krl_version;
	}
	r = applier_read(a, "certificate", CERT_LINE_MAX, &b->cert, &b->n_cert,
	    NULL);
	while (r == 0 && b->n_cert > 0 && b->cert[b->n_cert - 1] == '\n')
		b->n_cert--;
	if (r == 0)
		s->env.host_cert = slice_of(b->cert, b->n_cert);
	return r == ERR_NOMEM ? err_nomem(e) : 0;
}

static int
report_run(struct applier *a, struct session *s, const struct applier_run *how,
    const struct run_out *out, const struct err *why, struct err *e)
{
	struct report_statement rep = {
	    .kind = how->kind, .enforce = how->enforce};
	struct str others = STR_INIT;
	int r;

	if (how->job != NULL) {
		rep.has_job = true;
		rep.job = *how->job;
	}
	rep.outcome = outcome_of(out);
	rep.has_plan = out->n_changes > 0;
	rep.plan = out->plan;
	rep.states = out->n;
	if (!how->enforce || how->first)
		other_managers(s->host, &others);
	set_message(&rep, why->msg, others.p);
	if (rep.outcome == RUN_UNCHANGED && how->job == NULL) {
		a->reports.quiet++;
		r = report_state_write(a->state_dir, &a->reports, e);
	} else if ((r = add_changes(a, out, &rep, e)) != 0) {
		;
	} else if (out->end == RUN_END_WAITS) {
		r = applier_wait(a, out->number, s->fleet->confirm_within, &rep,
		    e);
	} else {
		r = applier_say(a, &rep, e);
	}
	str_clear(&others);
	report_clear(&rep);
	return r;
}

int
applier_run(struct applier *a, struct session *s, const struct applier_run *how,
    struct err *e)
{
	struct arming arming = {a, how->connected};
	struct run_in in = {.host = s->host,
	    .env = &s->env,
	    .states = &s->states,
	    .dir = s->state_dir,
	    .stage = s->stage,
	    .flags = RUN_DIFF | (how->enforce ? 0 : RUN_TEST | RUN_AGAIN),
	    .within = s->fleet->confirm_within,
	    .arm = arm,
	    .ctx = &arming};
	struct brought b = {0};
	struct run_out out = {0};
	struct err why = {0};
	int r;

	if ((r = add_brought(a, s, &b, e)) != 0)
		goto out;
	if ((r = run(&in, &out, &why)) == 0) {
		a->now = clock_now();
		r = report_run(a, s, how, &out, &why, e);
	} else if (e != NULL) {
		*e = why;
	}
	run_clear(&out);
out:
	free(b.krl);
	free(b.cert);
	return r;
}

int
applier_refused(struct applier *a, const struct applier_run *how,
    const struct err *why, struct err *e)
{
	struct report_statement rep = {
	    .kind = how->kind, .enforce = how->enforce, .outcome = RUN_REFUSED};
	int r;

	if (how->job != NULL) {
		rep.has_job = true;
		rep.job = *how->job;
	}
	set_message(&rep, why->msg, "");
	r = applier_say(a, &rep, e);
	report_clear(&rep);
	return r;
}

int
applier_session(struct applier *a, struct policy_files *files,
    struct session *s, struct err *e)
{
	const struct session_opts o = {.config = a->config_path,
	    .state_dir = a->state_dir,
	    .id = a->held.host};
	const struct session_given g = {.trust = &a->trust,
	    .files = files,
	    .roles = &a->accept.u.accept.roles};

	return session_open_given(&o, &g, s, e);
}
