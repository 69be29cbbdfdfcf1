/* SPDX-License-Identifier: ISC */
/*
 * A host that was accepted asks for the certificate of its own key.  An
 * operator's acceptance is the approval: it says the names, and until when.
 */
#include <stdlib.h>
#include <string.h>

#include "ca/issue/steps.h"

#include "lib/ssh/lint.h"

static int
check_host(struct issue_step *s, const struct fleet_host_row **row)
{
	const struct issue_input *in = s->in;
	struct fleet_judge j = {.policy = in->policy,
	    .realm = in->realm,
	    .standing = in->standing,
	    .now = in->now};
	const struct fleet_hosts *hosts = standing_hosts(in->standing);
	struct err why = {0};
	int r;

	if (hosts == NULL) {
		(void)issue_refuse(s->r, "host",
		    "no host was accepted in this log yet");
		return ISSUE_STOP;
	}
	r = fleet_hosts_renew(hosts, &j, in->request, row, &why);
	if (r != 0) {
		(void)issue_refuse(s->r, "host", "%s", why.msg);
		return ISSUE_STOP;
	}
	s->id = (*row)->id;
	return 0;
}

static const char *
not_covered(const struct grant *g, const struct strs *names)
{
	for (size_t i = 0; i < names->n; i++)
		if (!grant_covers_principal(g, names->v[i]))
			return names->v[i];
	return NULL;
}

/* The first grant for accepted hosts that gives all its names. */
static int
find_grant(struct issue_step *s, const struct strs *names)
{
	const struct policy *p = s->in->policy;
	const char *lacks = NULL;
	char quoted[QUOTE_MAX];

	for (size_t i = 0; i < p->n_grants; i++) {
		const struct grant *g = &p->grants[i];
		const char *missing;

		if (g->kind != CERT_HOST || !g->accepted_hosts)
			continue;
		if ((missing = not_covered(g, names)) == NULL) {
			s->r->grant = g;
			return 0;
		}
		lacks = missing;
	}
	if (lacks == NULL)
		return issue_refuse(s->r, "grant",
		    "the policy has no grant with accepted_hosts: yes");
	return issue_refuse(s->r, "grant",
	    "no grant with accepted_hosts: yes gives the name %s",
	    str_quote(quoted, lacks));
}

/* The leaf names what was counted: those statements, and no others. */
static int
count_statements(struct issue_step *s, const struct fleet_host_row *row)
{
	const struct hash *want[] = {row->by_token ? &row->token : NULL,
	    &row->accept, row->has_renamed ? &row->renamed : NULL};
	const struct issue_input *in = s->in;
	size_t need = 1 + (size_t)row->by_token + (size_t)row->has_renamed;
	bool have[] = {false, false, false};

	s->r->counted = calloc(in->n_decisions + 1, sizeof(*s->r->counted));
	if (s->r->counted == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < in->n_decisions; i++)
		for (size_t k = 0; k < sizeof(want) / sizeof(want[0]); k++)
			if (want[k] != NULL && !have[k] &&
			    hash_equal(&in->decisions[i]->hash, want[k])) {
				have[k] = true;
				s->r->counted[s->r->n_counted++] = i;
			}
	if (s->r->n_counted == need)
		return 0;
	return issue_refuse(s->r, "acceptance",
	    "%zu statements that the certificate of host %s stands on, "
	    "expected "
	    "%zu",
	    s->r->n_counted, row->id, need);
}

/* The key was looked at when the host was accepted; the policy may know more of
 * it since. */
static int
check_subject(struct issue_step *s)
{
	const struct pubkey *k = s->q->subject;
	const struct authority *a = policy_authority_of_key(s->in->policy, k);
	const struct person *who;
	struct err why = {0};
	int r;

	r = lint_subject(k, &why);
	if ((r = issue_lint_answer(s->r, "subject", r, &why)) != 0)
		return r;
	if (a != NULL)
		return issue_refuse(s->r, "subject",
		    "the host key is the key of authority '%s'", a->name);
	who = standing_person_of_key(s->in->standing, s->in->policy, k, NULL);
	if (who == NULL)
		who = policy_person_of_key(s->in->policy, k);
	if (who != NULL)
		return issue_refuse(s->r, "subject",
		    "the host key is a key of %s", who->id);
	return 0;
}

static int
fill_shown(struct issue_step *s, const struct strs *names)
{
	struct outcome *o = &s->r->shown;

	o->kind = CERT_HOST;
	o->length = s->renewal.length;
	return strs_dup(names, &o->principals);
}

int
issue_decide_renewal(struct issue_step *s)
{
	const struct statement *st = s->in->request;
	const struct fleet_host_row *row = NULL;
	int64_t left;
	int r;

	if ((r = issue_check_realm(s)) != 0 ||
	    (r = issue_check_policy(s)) != 0 ||
	    (r = check_host(s, &row)) != 0 ||
	    (r = find_grant(s, row->names)) != 0 ||
	    (r = issue_check_clock(s)) != 0)
		return r;
	left = row->renew_until - st->at;
	s->renewal = (struct request){.kind = CERT_HOST,
	    .subject = st->u.renew.key,
	    .length = left < s->r->grant->max ? left : s->r->grant->max};
	s->q = &s->renewal;
	if ((r = fill_shown(s, row->names)) != 0 ||
	    (r = count_statements(s, row)) != 0 ||
	    (r = check_subject(s)) != 0 || (r = issue_check_revoked(s)) != 0)
		return r;
	return issue_build(s, st->at, s->renewal.length);
}
