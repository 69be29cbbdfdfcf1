/* SPDX-License-Identifier: ISC */
/* writ fleet diff, show, export: what is published. */
#include <stdio.h>
#include <stdlib.h>

#include "agent/cli/cli.h"
#include "agent/cli/signer.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/bundle/bundles.h"
#include "lib/cli/signing.h"

/* --- diff ----------------------------------------------------------------- */

static int
run_diff(struct cli_args *a, struct err *e)
{
	struct policy_files files = {0};
	struct fleet_chain old = {0};
	struct err why = {0};
	int r;

	r = fleets_read(cli_dir(a), 0, &old, &why);
	if (r != 0 && (r != ERR_NOTFOUND || old.version > 0)) {
		if (e != NULL)
			*e = why;
		return r;
	}
	if ((r = fleet_read_draft(cli_dir(a), &files, e)) == 0)
		r = cli_print_diff(cli_dir(a), "fleet", &old.files, &files, e);
	policy_files_clear(&files);
	fleet_chain_clear(&old);
	return r;
}

/* --- show ----------------------------------------------------------------- */

/* What is in force, and judged. */
struct published {
	struct trust trust;
	struct fleet_held held;
	struct fleet_chain chain;
	struct strs signers;
};

static void
published_clear(struct published *p)
{
	strs_clear(&p->signers);
	fleet_chain_clear(&p->chain);
	trust_clear(&p->trust);
}

static int
published_open(const char *dir, struct published *p, struct err *e)
{
	int64_t now = clock_now();
	struct str text = STR_INIT;
	struct statement s;
	int r;

	trust_init(&p->trust);
	statement_init(&s, ST_FLEET);
	if ((r = cli_load_trust(dir, now, &p->trust, e)) != 0 ||
	    (r = fleets_load(dir, &p->trust, false, now, &p->held, &p->chain,
		 e)) < 0 ||
	    (r = fleet_expiry(&p->held, &p->trust, now, &text, e)) < 0 ||
	    (r = statement_parse("fleet", p->chain.statement, &s, e)) != 0 ||
	    (r = statement_verify(&s, e)) != 0)
		goto out;
	if (text.n > 0)
		cli_warn("%s", text.p);
	if (trust_operators(p->trust.root, &s, &p->signers) != 0)
		r = err_nomem(e);
out:
	str_clear(&text);
	statement_clear(&s);
	return r;
}

static void
show_text(const struct published *p, struct str *s)
{
	char when[CLOCK_TEXT], fp[FINGERPRINT_MAX], hex[HASH_HEX];

	clock_format(p->held.expires, when);
	str_addf(s, "fleet  %llu, until %s, signed by",
	    (unsigned long long)p->held.version, when);
	for (size_t i = 0; i < p->signers.n; i++)
		str_addf(s, " %s", p->signers.v[i]);
	hash_hex(&p->held.bundle, hex);
	hash_fingerprint(&p->trust.realm, fp);
	str_addf(s, " (threshold %u)\nname   %s\nrealm  %s\n\n",
	    p->trust.root->thresholds.fleet, hex, fp);
	for (size_t i = 0; i < p->chain.files.n; i++)
		str_addf(s, "%8zu  %s\n", p->chain.files.v[i].n,
		    p->chain.files.v[i].path);
}

static void
show_json(const struct published *p, struct str *s)
{
	char fp[FINGERPRINT_MAX];
	struct jw w;

	hash_fingerprint(&p->trust.realm, fp);
	jw_init(&w, s, true);
	jw_begin(&w, NULL, '{');
	jw_u64(&w, "version", p->held.version);
	jw_hex(&w, "hash", p->held.bundle.b, HASH_LEN);
	jw_time(&w, "expires", p->held.expires);
	jw_strs(&w, "signed_by", &p->signers);
	jw_str(&w, "realm", fp);
	jw_begin(&w, "files", '[');
	for (size_t i = 0; i < p->chain.files.n; i++) {
		jw_begin(&w, NULL, '{');
		jw_str(&w, "path", p->chain.files.v[i].path);
		jw_u64(&w, "size", p->chain.files.v[i].n);
		jw_end(&w, '}');
	}
	jw_end(&w, ']');
	jw_end(&w, '}');
	str_addc(s, '\n');
}

static int
run_show(struct cli_args *a, struct err *e)
{
	struct published p = {0};
	struct str s = STR_INIT;
	int r;

	if ((r = published_open(cli_dir(a), &p, e)) == 0) {
		if (cli_flag(a, "json"))
			show_json(&p, &s);
		else
			show_text(&p, &s);
		r = cli_print(&s, e);
	}
	published_clear(&p);
	return r;
}

/* --- export --------------------------------------------------------------- */

/* What a host without a master takes: policy and fleet, judged here first.
 * Files before statements, so that a cut leaves nothing half in force. */
static int
run_export(struct cli_args *a, struct err *e)
{
	const char *to = cli_operand(a, 0);
	struct bundle_chain *policy;
	struct published p = {0};
	char fp[FINGERPRINT_MAX];
	int r;

	if ((policy = calloc(1, sizeof(*policy))) == NULL)
		return err_nomem(e);
	if ((r = published_open(cli_dir(a), &p, e)) != 0 ||
	    (r = bundles_read(cli_dir(a), policy, e)) != 0 ||
	    (r = bundles_store(to, policy, e)) != 0 ||
	    (r = fleets_store(to, &p.chain, e)) != 0 ||
	    (r = fleets_copy_chain(cli_dir(a), to, e)) != 0)
		goto out;
	hash_fingerprint(&p.trust.realm, fp);
	printf("%s holds policy %llu and fleet %llu of %s\n", to,
	    (unsigned long long)p.trust.policy->version,
	    (unsigned long long)p.held.version, fp);
out:
	bundle_chain_clear(policy);
	free(policy);
	published_clear(&p);
	return r;
}

static const struct cli_option show_options[] = {CLI_JSON};

const struct cli_command cmd_diff = {.name = "diff",
    .operands = "",
    .summary = "what changed since the published version",
    .run = run_diff};

const struct cli_command cmd_show = {.name = "show",
    .operands = "",
    .summary = "the fleet in force",
    CLI_OPTIONS(show_options),
    .run = run_show};

const struct cli_command cmd_export = {.name = "export",
    .operands = "DIR",
    .summary = "a directory that writ-agent takes without a master",
    .min_operands = 1,
    .max_operands = 1,
    .run = run_export};
