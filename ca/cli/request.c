/* SPDX-License-Identifier: ISC */
/* writ request: ask for a certificate, and see first what it would take. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/cli/cli.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/key/person.h"

struct asking {
	const struct cli_args *a;
	struct cli_world world;
	const struct person *who;
	const char *key_path; /* that signs */
	struct statement s;
};

/* --- what is asked -------------------------------------------------------- */

/* "10.0.0.0/8,fd00::/8" or several options, or both. */
static int
split_into(const struct strs *args, struct strs *out)
{
	int r = 0;

	for (size_t i = 0; i < args->n && r == 0; i++) {
		const char *p = args->v[i];

		while (*p != '\0' && r == 0) {
			size_t n = strcspn(p, ",");

			r = strs_addn(out, p, n);
			p += n + (p[n] == ',');
		}
	}
	return r;
}

static int
copy_text(const char *from, char **to)
{
	if (from != NULL && (*to = str_dup(from)) == NULL)
		return ERR_NOMEM;
	return 0;
}

static int
fill_principals(struct asking *k)
{
	const struct strs *lists[] = {
	    cli_operands(k->a), cli_all(k->a, "principal")};
	int r = 0;

	for (size_t i = 0; i < 2 && r == 0; i++)
		r = split_into(lists[i], &k->s.u.r.principals);
	return r;
}

static int
fill_times(struct asking *k, struct err *e)
{
	const char *length = cli_get(k->a, "for");
	const char *start = cli_get(k->a, "not-before");
	struct request *q = &k->s.u.r;

	if (length != NULL && span_parse(length, &q->length) != 0)
		return err_set(e, ERR_USAGE, "--for wants a span such as 2h");
	if (start != NULL)
		return cli_time("--not-before", start, k->s.at, 1,
		    &q->not_before, e);
	return 0;
}

static int
fill_request(struct asking *k, struct err *e)
{
	struct request *q = &k->s.u.r;
	const char *reason = cli_get(k->a, "reason");
	int r;

	if (reason == NULL)
		reason = cli_get(k->a, "m");
	if (reason == NULL)
		return err_set(e, ERR_USAGE, "why? expected --reason TEXT");
	q->kind = cli_flag(k->a, "host-cert") ? CERT_HOST : CERT_USER;
	if ((r = cli_read_pubkey(cli_get(k->a, "key"), &q->subject, e)) != 0 ||
	    (r = fill_times(k, e)) != 0)
		return r;
	q->has_extensions = cli_flag(k->a, "extension");
	if (fill_principals(k) != 0 || copy_text(reason, &q->reason) != 0 ||
	    copy_text(cli_get(k->a, "ticket"), &q->ticket) != 0 ||
	    copy_text(cli_get(k->a, "force-command"), &q->force_command) != 0 ||
	    split_into(cli_all(k->a, "from"), &q->source) != 0 ||
	    split_into(cli_all(k->a, "extension"), &q->extensions) != 0)
		return err_nomem(e);
	if (q->principals.n == 0)
		return err_set(e, ERR_USAGE,
		    "which account? expected at least one PRINCIPAL");
	strs_sort(&q->extensions);
	return 0;
}

/* --- under which grant ---------------------------------------------------- */

static bool
fits(const struct asking *k, const struct grant *g)
{
	const struct request *q = &k->s.u.r;

	if (g->kind != q->kind || !grant_allows_person(g, k->who))
		return false;
	for (size_t i = 0; i < q->principals.n; i++)
		if (!grant_covers_principal(g, q->principals.v[i]))
			return false;
	return true;
}

static int
use_grant(struct asking *k, const char *name, struct err *e)
{
	const struct grant *g = policy_grant(k->world.trust->policy, name);

	free(k->s.u.r.grant);
	if ((k->s.u.r.grant = str_dup(name)) == NULL)
		return err_nomem(e);
	if (k->s.u.r.length == 0)
		k->s.u.r.length = g != NULL ? g->max : 3600;
	return 0;
}

/* What each grant that fits would take, so that one can be chosen. */
static int
print_choices(struct asking *k, struct err *e)
{
	const struct policy *p = k->world.trust->policy;
	int64_t asked = k->s.u.r.length;
	int r = 0;

	for (size_t i = 0; i < p->n_grants && r == 0; i++) {
		struct issue_result res;
		struct str s = STR_INIT;

		if (!fits(k, &p->grants[i]))
			continue;
		k->s.u.r.length = asked;
		issue_result_init(&res);
		if ((r = use_grant(k, p->grants[i].name, e)) == 0 &&
		    (r = cli_decide(&k->world, &k->s, NULL, 0, k->who, &res,
			 e)) == 0) {
			str_addf(&s, "--grant %s\n", p->grants[i].name);
			cli_describe_result(&s, &res);
			fprintf(stderr, "%s", s.p);
		}
		str_clear(&s);
		issue_result_clear(&res);
	}
	k->s.u.r.length = asked;
	return r;
}

static int
no_grant(const struct asking *k, struct err *e)
{
	const struct policy *p = k->world.trust->policy;
	struct str has = STR_INIT;
	int r;

	for (size_t i = 0; i < p->n_grants; i++) {
		const struct grant *g = &p->grants[i];

		if (g->kind != k->s.u.r.kind || !grant_allows_person(g, k->who))
			continue;
		for (size_t j = 0; j < g->principals.n; j++)
			str_addf(&has, "%s%s", has.n > 0 ? ", " : "",
			    g->principals.v[j]);
	}
	r = err_set(e, ERR_DENIED, "no grant gives %s these principals",
	    k->who->id);
	err_hint(e, "you may ask for: %s", has.n > 0 ? has.p : "nothing");
	str_clear(&has);
	return r;
}

static int
choose_grant(struct asking *k, struct err *e)
{
	const struct policy *p = k->world.trust->policy;
	const char *name = cli_get(k->a, "grant");
	size_t n = 0;

	for (size_t i = 0; name == NULL && i < p->n_grants; i++)
		n += fits(k, &p->grants[i]);
	if (name != NULL)
		return use_grant(k, name, e);
	if (n == 0)
		return no_grant(k, e);
	if (n > 1) {
		int r = print_choices(k, e);

		return r != 0 ? r
			      : err_set(e, ERR_USAGE,
				    "%zu grants fit, expected --grant", n);
	}
	for (size_t i = 0; i < p->n_grants; i++)
		if (fits(k, &p->grants[i]))
			return use_grant(k, p->grants[i].name, e);
	return 0;
}

/* --- the command ---------------------------------------------------------- */

/* The request is signed with -i, or with the subject's own key. */
static int
find_asker(struct asking *k, struct err *e)
{
	const char *path = cli_get(k->a, "i");
	struct pubkey *key = NULL;
	int r;

	k->key_path = path != NULL ? path : cli_get(k->a, "key");
	if ((r = person_pubkey(k->key_path, &key, e)) != 0)
		return r;
	k->who = standing_person_of_key(k->world.standing,
	    k->world.trust->policy, key, e);
	pubkey_free(key);
	if (k->who != NULL)
		return 0;
	err_prefix(e, "%s", k->key_path);
	err_hint(e, "sign with an enrolled key of yours: -i KEY");
	return ERR_DENIED;
}

/* Refused at once is better than refused after somebody approved. */
static int
check_request(struct asking *k, bool print, struct err *e)
{
	struct issue_result res;
	struct str s = STR_INIT;
	int r;

	issue_result_init(&res);
	if ((r = cli_decide(&k->world, &k->s, NULL, 0, k->who, &res, e)) != 0)
		goto out;
	cli_describe_result(&s, &res);
	if (res.verdict == ISSUE_REFUSED) {
		if (e != NULL)
			*e = res.why;
		r = ERR_DENIED;
	} else if (print) {
		r = cli_print(&s, e);
	} else {
		fprintf(stderr, "%s", s.p);
	}
out:
	str_clear(&s);
	issue_result_clear(&res);
	return r;
}

static int
run_request(struct cli_args *a, struct err *e)
{
	struct asking k = {.a = a};
	struct str out = STR_INIT;
	int r;

	if (cli_get(a, "key") == NULL)
		return err_set(e, ERR_USAGE,
		    "for which key? expected --key SUBJECT.pub");
	statement_init(&k.s, ST_REQUEST);
	if ((r = cli_world_open(a, &k.world, e)) != 0)
		return r;
	if ((r = find_asker(&k, e)) != 0 ||
	    (r = cli_new_statement(&k.s, ST_REQUEST, &k.world.trust->realm,
		 k.who->id, e)) != 0 ||
	    (r = fill_request(&k, e)) != 0 || (r = choose_grant(&k, e)) != 0)
		goto out;
	if (cli_flag(a, "check")) {
		r = check_request(&k, true, e);
		goto out;
	}
	if ((r = check_request(&k, false, e)) == 0 &&
	    (r = cli_sign_statement(&k.s, &k.key_path, 1, &out, e)) == 0)
		r = cli_write_new(cli_get(a, "o"), slice_of(out.p, out.n), e);
out:
	str_clear(&out);
	statement_clear(&k.s);
	cli_world_clear(&k.world);
	return r;
}

static const struct cli_option options[] = {
    {0, "principal", "P", "account to be let into; may be repeated"},
    {0, "reason", "TEXT", "why; an auditor will read it"},
    {'m', NULL, "TEXT", "the same"},
    {0, "ticket", "T", "ticket that asks for it"},
    {0, "for", "SPAN", "how long (the grant's most)"},
    {0, "grant", "G", "under which grant, where several fit"},
    {0, "not-before", "SPAN|TIME", "not valid before"},
    {0, "from", "CIDR", "good from these addresses alone"},
    {0, "force-command", "COMMAND", "good for this command alone"},
    {0, "extension", "E", "instead of the grant's; may be repeated"},
    {0, "host-cert", NULL, "a host's certificate"},
    {0, "key", "SUBJECT.pub", "the key to be certified"},
    {'i', NULL, "KEY", "your key, that signs (the subject's)"},
    {'o', NULL, "FILE", "where to (standard output)"},
    {0, "check", NULL, "say what would be needed; write nothing"},
};

const struct cli_command cmd_request = {.name = "request",
    .operands = "[PRINCIPAL ...]",
    .summary = "ask for a certificate",
    CLI_OPTIONS(options),
    .max_operands = REQUEST_PRINCIPALS_MAX,
    .run = run_request};
