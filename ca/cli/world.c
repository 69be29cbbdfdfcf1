/* SPDX-License-Identifier: ISC */
/* The policy and standing that people's tools decide with, before they sign. */
#include <stdlib.h>
#include <string.h>

#include "ca/cli/cli.h"
#include "lib/base/clock.h"

/* An engineer's copy of DIR may have the policy and not the log. */
static int
open_without_log(const struct cli_args *a, struct cli_world *w, struct err *e)
{
	int r;

	if ((r = cli_trust(a, &w->own, e)) != 0)
		return r;
	if (standing_new(&w->own_standing) != 0)
		return err_nomem(e);
	w->trust = &w->own;
	w->standing = w->own_standing;
	return 0;
}

int
cli_world_open(const struct cli_args *a, struct cli_world *out, struct err *e)
{
	struct err why = {0};
	int r;

	memset(out, 0, sizeof(*out));
	trust_init(&out->own);
	r = cli_open(a, LOCAL_READ, &out->local, &why);
	if (r == 0) {
		out->trust = &out->local->trust;
		out->standing = keeper_standing(out->local->keeper);
		return 0;
	}
	/* Whatever is wrong with the log, the policy has to be right. */
	if ((r = open_without_log(a, out, e)) != 0) {
		cli_world_clear(out);
		/* Neither config nor policy: it is no deployment at all. */
		if (r == ERR_NOTFOUND && why.code == ERR_NOTFOUND && e != NULL)
			*e = why;
		return r;
	}
	cli_warn("without the log, keys added or revoked later are not known: "
		 "%s",
	    why.msg);
	return 0;
}

void
cli_world_clear(struct cli_world *w)
{
	local_free(w->local);
	trust_clear(&w->own);
	standing_free(w->own_standing);
	memset(w, 0, sizeof(*w));
	trust_init(&w->own);
}

static const struct pubkey *
first_ca(const struct policy *p, enum cert_kind kind)
{
	const struct strs *list =
	    kind == CERT_HOST ? &p->host_cas : &p->user_cas;
	const struct authority *a;

	if (list->n == 0)
		return NULL;
	a = policy_authority(p, list->v[0]);
	return a != NULL ? a->key : NULL;
}

int
cli_decide(const struct cli_world *w, const struct statement *request,
    const struct statement *const *decisions, size_t n_decisions,
    const struct person *who, struct issue_result *out, struct err *e)
{
	struct issue_input in = {.policy = w->trust->policy,
	    .standing = w->standing,
	    .realm = &w->trust->realm,
	    .request = request,
	    .decisions = decisions,
	    .n_decisions = n_decisions,
	    .now = clock_now(),
	    .who = who};

	in.ca = first_ca(w->trust->policy, request->u.r.kind);
	return issue_decide(&in, out, e);
}

static void
add_list(struct str *s, const char *label, const struct strs *l)
{
	if (l->n == 0)
		return;
	str_addf(s, "  %-11s", label);
	strs_join(l, ", ", s);
	str_addc(s, '\n');
}

void
cli_describe_result(struct str *s, const struct issue_result *r)
{
	char span[SPAN_TEXT], from[CLOCK_TEXT], to[CLOCK_TEXT];

	if (r->shown.principals.n > 0) {
		span_format(r->shown.length, span);
		str_addf(s, "  %-11s%s certificate under grant %s, for %s\n",
		    "gives", r->shown.kind == CERT_HOST ? "host" : "user",
		    r->grant != NULL ? r->grant->name : "?", span);
		add_list(s, "principals", &r->shown.principals);
		add_list(s, "from", &r->shown.source);
		if (r->shown.force_command != NULL)
			str_addf(s, "  %-11s%s\n", "only",
			    r->shown.force_command);
		add_list(s, "extensions", &r->shown.extensions);
	}
	for (size_t i = 0; i < r->n_terms; i++)
		str_addf(s, "  %-11s%u of %s, has %u\n",
		    i == 0 ? "needs" : "and", r->terms[i].need,
		    r->terms[i].group, r->terms[i].have);
	if (r->verdict == ISSUE_READY) {
		clock_format(r->start, from);
		clock_format(r->end, to);
		str_addf(s, "  %-11s%s to %s%s\n", "valid", from, to,
		    r->n_terms == 0 ? ", without anybody's approval" : "");
	} else {
		str_addf(s, "  %-11s%s\n",
		    r->verdict == ISSUE_WAITING ? "so it" : "refused",
		    r->why.msg);
	}
}
