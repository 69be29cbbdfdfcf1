/* SPDX-License-Identifier: ISC */
/* writ policy show, signers, who: what is in force, for people to read. */
#include <stdlib.h>
#include <string.h>

#include "ca/cli/policy.h"
#include "ca/issue/issue.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/json.h"

/* --- show ----------------------------------------------------------------- */

static void
add_terms(struct str *s, const struct grant *g)
{
	if (g->n_approve == 0)
		str_add(s, "nobody's");
	for (size_t i = 0; i < g->n_approve; i++)
		str_addf(s, "%s%u of %s", i > 0 ? ", " : "", g->approve[i].n,
		    g->approve[i].group);
}

static void
show_text(const struct trust *t, const struct strs *signers, struct str *s)
{
	const struct policy *p = t->policy;
	char fp[FINGERPRINT_MAX], when[CLOCK_TEXT], span[SPAN_TEXT];

	hash_fingerprint(&t->realm, fp);
	clock_format(p->expires, when);
	str_addf(s, "policy %llu, until %s, signed by ",
	    (unsigned long long)p->version, when);
	strs_join(signers, " ", s);
	clock_format(p->root_expires, when);
	str_addf(s,
	    "\nroot   %llu, until %s; thresholds root %u, policy %u, fleet "
	    "%u\nrealm  %s\n\n",
	    (unsigned long long)t->root_version, when, p->thresholds.root,
	    p->thresholds.policy, p->thresholds.fleet, fp);
	for (size_t i = 0; i < p->n_grants; i++) {
		const struct grant *g = &p->grants[i];

		span_format(g->max, span);
		str_addf(s, "grant %s: ", g->name);
		strs_join(&g->principals, " ", s);
		str_add(s, " to ");
		strs_join(&g->to, " ", s);
		str_addf(s, ", at most %s, on approval of ", span);
		add_terms(s, g);
		str_addc(s, '\n');
	}
}

static void
show_json(const struct trust *t, const struct strs *signers, struct str *s)
{
	const struct policy *p = t->policy;
	char fp[FINGERPRINT_MAX];
	struct jw w;

	hash_fingerprint(&t->realm, fp);
	jw_init(&w, s, true);
	jw_begin(&w, NULL, '{');
	jw_u64(&w, "version", p->version);
	jw_hex(&w, "hash", p->hash.b, HASH_LEN);
	jw_time(&w, "expires", p->expires);
	jw_strs(&w, "signed_by", signers);
	jw_u64(&w, "root_version", t->root_version);
	jw_time(&w, "root_expires", p->root_expires);
	jw_str(&w, "realm", fp);
	jw_begin(&w, "grants", '[');
	for (size_t i = 0; i < p->n_grants; i++) {
		const struct grant *g = &p->grants[i];

		jw_begin(&w, NULL, '{');
		jw_str(&w, "name", g->name);
		jw_strs(&w, "to", &g->to);
		jw_strs(&w, "principals", &g->principals);
		jw_span(&w, "max", g->max);
		jw_begin(&w, "approve", '[');
		for (size_t j = 0; j < g->n_approve; j++) {
			jw_begin(&w, NULL, '{');
			jw_str(&w, "group", g->approve[j].group);
			jw_int(&w, "n", g->approve[j].n);
			jw_end(&w, '}');
		}
		jw_end(&w, ']');
		jw_end(&w, '}');
	}
	jw_end(&w, ']');
	jw_end(&w, '}');
	str_addc(s, '\n');
}

/* The statement in force and who signed it. */
static int
published_signers(const char *dir, const struct policy *root, struct strs *out,
    struct err *e)
{
	struct bundle_chain *c;
	struct statement s;
	int r;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_nomem(e);
	statement_init(&s, ST_POLICY);
	if ((r = bundles_read(dir, c, e)) == 0 &&
	    (r = statement_parse("policy", c->statement, &s, e)) == 0 &&
	    (r = statement_verify(&s, e)) == 0 &&
	    trust_signers(root, &s, out) != 0)
		r = err_nomem(e);
	statement_clear(&s);
	bundle_chain_clear(c);
	free(c);
	return r;
}

int
run_policy_show(struct cli_args *a, struct err *e)
{
	struct strs signers = {0};
	struct str s = STR_INIT;
	struct trust t;
	int r;

	trust_init(&t);
	if ((r = cli_trust(a, &t, e)) == 0 &&
	    (r = published_signers(cli_dir(a), t.root, &signers, e)) == 0) {
		if (cli_flag(a, "json"))
			show_json(&t, &signers, &s);
		else
			show_text(&t, &signers, &s);
		r = cli_print(&s, e);
	}
	strs_clear(&signers);
	trust_clear(&t);
	return r;
}

/* --- signers -------------------------------------------------------------- */

static const char people_namespaces[] =
    "request@writ,decision@writ,revoke@writ,key@writ";
static const char officer_namespaces[] = ",root@writ,policy@writ";
static const char operator_namespaces[] =
    ",fleet@writ,job@writ,accept@writ,reject@writ,rename@writ,forget@writ,"
    "token@writ";

static int
add_signer(void *ctx, const struct person *who, const struct pubkey *key,
    const char *comment)
{
	struct str *s = ctx;
	/* What is an officer's or an operator's needs a key of root.yaml. */
	bool root = person_has_root_key(who, key);

	str_addf(s, "%s namespaces=\"%s%s%s\" ", who->id, people_namespaces,
	    root && who->officer ? officer_namespaces : "",
	    root && who->operator? operator_namespaces : "");
	pubkey_add_line(s, key, comment);
	str_addc(s, '\n');
	return str_check(s);
}

static void
add_log_signers(const struct policy *p, struct str *s)
{
	char log[POLICY_NAME_MAX + 1];

	for (size_t i = 0; i < p->n_authorities; i++) {
		const struct authority *au = &p->authorities[i];

		if (!au->log)
			continue;
		policy_log_of_key(au->name, log);
		str_addf(s, "%s namespaces=\"krl@writ\" ", log);
		pubkey_add_line(s, au->key, NULL);
		str_addc(s, '\n');
	}
}

int
run_policy_signers(struct cli_args *a, struct err *e)
{
	struct local *l = NULL;
	struct str s = STR_INIT;
	int r;

	if ((r = cli_open(a, LOCAL_READ, &l, e)) == 0) {
		r = standing_each_key(keeper_standing(l->keeper),
		    l->trust.policy, add_signer, &s);
		if (r != 0)
			r = err_nomem(e);
	}
	if (r == 0) {
		add_log_signers(l->trust.policy, &s);
		r = cli_print(&s, e);
	}
	str_clear(&s);
	local_free(l);
	return r;
}

/* --- who: the access review ---------------------------------------------- */

static void
add_restrictions(struct str *s, const struct grant *g)
{
	const char *sep = "";

	if (g->source.n > 0) {
		str_add(s, "from ");
		strs_join(&g->source, " ", s);
		sep = "; ";
	}
	if (g->hours.set) {
		str_add(s, sep);
		issue_hours_text(&g->hours, s);
		sep = "; ";
	}
	if (g->force_command != NULL) {
		str_addf(s, "%sonly %s", sep, g->force_command);
		sep = "; ";
	}
	if (g->ticket != NULL) {
		str_addf(s, "%sticket %s", sep, g->ticket);
		sep = "; ";
	}
	if (g->touch || g->pin) {
		str_addf(s, "%s%s%s%s", sep, g->touch ? "touch" : "",
		    g->touch && g->pin ? " and " : "", g->pin ? "PIN" : "");
		sep = "; ";
	}
	if (g->verify_required)
		str_addf(s, "%sPIN or finger at each login", sep);
}

static void
add_access(struct table *t, const struct person *who, const struct grant *g,
    bool revoked)
{
	struct str principals = STR_INIT, terms = STR_INIT, limits = STR_INIT;
	char span[SPAN_TEXT];

	strs_join(&g->principals, " ", &principals);
	add_terms(&terms, g);
	add_restrictions(&limits, g);
	span_format(g->max, span);
	table_add(t, who->id);
	table_add(t, g->name);
	table_add(t, principals.p);
	table_add(t, span);
	table_add(t, terms.p);
	table_add(t, limits.p);
	table_add(t, revoked ? "revoked" : "");
	str_clear(&principals);
	str_clear(&terms);
	str_clear(&limits);
}

int
run_policy_who(struct cli_args *a, struct err *e)
{
	static const char *const columns[] = {"person", "grant", "principals",
	    "max", "approval", "restrictions", "standing"};
	const char *principal = cli_get(a, "principal");
	const char *person = cli_get(a, "person");
	const struct policy *p;
	struct local *l = NULL;
	struct table t;
	int r;

	if ((r = cli_open(a, LOCAL_READ, &l, e)) != 0)
		return r;
	p = l->trust.policy;
	table_init(&t, columns, 7);
	if (person != NULL && policy_person(p, person) == NULL) {
		char quoted[QUOTE_MAX];

		r = err_set(e, ERR_NOTFOUND, "%s is nobody in the policy",
		    str_quote(quoted, person));
		goto out;
	}
	for (size_t i = 0; i < p->n_people; i++)
		for (size_t j = 0; j < p->n_grants; j++) {
			const struct person *who = &p->people[i];
			const struct grant *g = &p->grants[j];

			if (grant_allows_person(g, who) &&
			    (person == NULL || strcmp(person, who->id) == 0) &&
			    (principal == NULL ||
				grant_covers_principal(g, principal)))
				add_access(&t, who, g,
				    standing_person_revoked(
					keeper_standing(l->keeper), who->id));
		}
	r = cli_print_table(&t, cli_format(a), e);
out:
	table_clear(&t);
	local_free(l);
	return r;
}
