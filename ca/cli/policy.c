/* SPDX-License-Identifier: ISC */
/* writ policy: the subcommands, and check and diff of the working copy. */
#include "ca/cli/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/plural.h"
#include "lib/cli/draft.h"

#define ZONE_FILE_MAX 65536

/* --- zones ---------------------------------------------------------------- */

/* The last line of a TZif file of version 2 and later (RFC 8536). */
int
policy_zone_rule(const char *zone, char **rule, struct err *e)
{
	char *path = NULL, *text = NULL, *start;
	struct tz_rule parsed;
	size_t n;
	int r;

	if (zone[0] == '/' || strstr(zone, "..") != NULL)
		return err_set(e, ERR_PARSE, "not the name of a time zone");
	if (path_join("/usr/share/zoneinfo", zone, &path) != 0)
		return err_nomem(e);
	r = file_read(path, ZONE_FILE_MAX, &text, &n, e);
	free(path);
	if (r != 0)
		return r;
	r = ERR_PARSE;
	if (n > 2 && memcmp(text, "TZif", 4) == 0 && text[n - 1] == '\n') {
		text[n - 1] = '\0';
		start = memrchr(text, '\n', n - 1);
		if (start != NULL && tz_parse(start + 1, &parsed) == 0)
			r = (*rule = str_dup(start + 1)) != NULL ? 0
								 : ERR_NOMEM;
	}
	free(text);
	if (r != 0)
		return err_set(e, r,
		    "time zone %s has no rule, expected one "
		    "as RFC 8536 has it",
		    zone);
	return 0;
}

static bool
zone_known(void *ctx, const char *zone)
{
	char *rule = NULL;
	bool known = policy_zone_rule(zone, &rule, NULL) == 0;

	(void)ctx;
	free(rule);
	return known;
}

/* --- check, diff ---------------------------------------------------------- */

int
policy_read_draft(const char *dir, struct policy_files *files,
    struct policy **out, struct err *e)
{
	struct conf_diags diags = {0};
	struct policy_files f = {0};
	struct policy *p = NULL;
	int r;

	if ((r = draft_read(dir, &draft_policy, &f, e)) != 0)
		return r;
	r = policy_parse(&f, &p, &diags);
	if (r == 0)
		r = policy_check(p, clock_now(), zone_known, NULL, &diags);
	cli_print_diags(&diags);
	if (r != 0 && diags.n_errors > 0)
		r = err_set(e, ERR_DENIED, "policy has %zu %s and %zu %s",
		    diags.n_errors,
		    text_plural(diags.n_errors, "error", "errors"),
		    diags.n_warnings,
		    text_plural(diags.n_warnings, "warning", "warnings"));
	else if (r != 0)
		(void)err_set(e, r, "policy: %s", err_text(r));
	conf_diags_clear(&diags);
	if (r != 0) {
		policy_free(p);
		policy_files_clear(&f);
		return r;
	}
	*files = f;
	*out = p;
	return 0;
}

static int
run_check(struct cli_args *a, struct err *e)
{
	struct policy_files files = {0};
	struct policy *p = NULL;
	int r = policy_read_draft(cli_dir(a), &files, &p, e);

	if (r == 0)
		printf("policy works: %zu %s, %zu %s, %zu %s\n", p->n_people,
		    text_plural(p->n_people, "person", "people"), p->n_grants,
		    text_plural(p->n_grants, "grant", "grants"),
		    p->n_authorities,
		    text_plural(p->n_authorities, "authority", "authorities"));
	policy_free(p);
	policy_files_clear(&files);
	return r;
}

int
policy_print_diff(const char *dir, const struct policy_files *draft,
    struct err *e)
{
	struct bundle_chain *c;
	struct err why = {0};
	int r;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_nomem(e);
	r = bundles_read(dir, c, &why);
	if (r != 0 && r != ERR_NOTFOUND) {
		if (e != NULL)
			*e = why;
		goto out;
	}
	r = cli_print_diff(dir, "policy", &c->files, draft, e);
out:
	bundle_chain_clear(c);
	free(c);
	return r;
}

static int
run_diff(struct cli_args *a, struct err *e)
{
	struct policy_files files = {0};
	int r;

	if ((r = draft_read(cli_dir(a), &draft_policy, &files, e)) == 0)
		r = policy_print_diff(cli_dir(a), &files, e);
	policy_files_clear(&files);
	return r;
}

/* --- the table ------------------------------------------------------------ */

static const struct cli_option json_options[] = {CLI_JSON};
static const struct cli_option table_options[] = {CLI_JSON, CLI_CSV};
static const struct cli_option sign_options[] = {{'i', NULL, "KEY", "your key"},
    {0, "expires", "SPAN|TIME", "until when (180d)"}, CLI_YES};
static const struct cli_option who_options[] = {
    {0, "principal", "P", "who may become P"},
    {0, "person", "ID", "what this person may become"}, CLI_JSON, CLI_CSV};

static const struct cli_command subs[] = {
    {.name = "check",
	.operands = "",
	.summary = "is it right, does it work",
	.run = run_check},
    {.name = "diff",
	.operands = "",
	.summary = "what changed since the published version",
	.run = run_diff},
    {.name = "sign",
	.operands = "",
	.summary = "sign it, and publish it once the threshold holds",
	CLI_OPTIONS(sign_options),
	.run = run_policy_sign},
    {.name = "show",
	.operands = "",
	.summary = "the policy in force",
	CLI_OPTIONS(json_options),
	.run = run_policy_show},
    {.name = "signers",
	.operands = "",
	.summary = "people's keys, for ssh-keygen -Y verify",
	.run = run_policy_signers},
    {.name = "log",
	.operands = "",
	.summary = "every published version",
	CLI_OPTIONS(table_options),
	.run = run_policy_log},
    {.name = "who",
	.operands = "",
	.summary = "who may become what",
	CLI_OPTIONS(who_options),
	.run = run_policy_who},
    {.name = "pull",
	.operands = "[DIR]",
	.summary = "fetch the CA's policy; into DIR to edit it",
	.max_operands = 1,
	.run = run_policy_pull},
    {.name = "push",
	.operands = "",
	.summary = "send the CA a policy that has its signatures",
	.run = run_policy_push},
};

const struct cli_command cmd_policy = {.name = "policy",
    .operands = "",
    .summary = "who may have what: check, sign, publish",
    CLI_SUBS(subs)};
