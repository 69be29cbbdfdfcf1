/* SPDX-License-Identifier: ISC */
/*
 * writ ca: another key for an authority, in two steps with a policy version in
 * between: hosts trust it first, and only then it signs.  What was trusted
 * before stays so until somebody takes it out of the policy.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/cli/ca.h"
#include "ca/cli/cli.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/conf/edit.h"

const struct ca_list ca_lists[] = {
    {"user", "user_ca", offsetof(struct policy, user_cas)},
    {"host", "host_ca", offsetof(struct policy, host_cas)},
    {"log", "log_key", offsetof(struct policy, logs)},
};
const size_t ca_lists_n = sizeof(ca_lists) / sizeof(ca_lists[0]);

const struct strs *
ca_list_of(const struct policy *p, const struct ca_list *l)
{
	return (const struct strs *)(const void *)((const char *)p + l->offset);
}

static const struct {
	const char *name;
	enum pubkey_type type;
} types[] = {
    {"ed25519", PUBKEY_ED25519},
    {"ecdsa256", PUBKEY_ECDSA256},
    {"ecdsa384", PUBKEY_ECDSA384},
    {"ecdsa521", PUBKEY_ECDSA521},
    {"rsa", PUBKEY_RSA},
};

/* --- files ------------------------------------------------------------------
 */

int
ca_edit(const char *dir, const char *name,
    int (*change)(const char *file, struct slice text, const char *const *path,
	const char *word, struct str *out, struct err *e),
    const char *const *path, const char *word, struct err *e)
{
	char *file = NULL, *text = NULL;
	struct str made = STR_INIT;
	size_t n;
	int r;

	if (path_join(dir, name, &file) != 0)
		return err_nomem(e);
	if ((r = file_read(file, POLICY_FILE_MAX, &text, &n, e)) == 0 &&
	    (r = change(file, slice_of(text, n), path, word, &made, e)) == 0)
		r = file_write(file, made.p, made.n, 0644, 0, e);
	str_clear(&made);
	free(text);
	free(file);
	return r;
}

static int
put(const char *dir, const char *name, const char *fmt, mode_t mode,
    const struct str *text, struct err *e)
{
	char *path = NULL;
	int r;

	if (str_check(text) != 0 ||
	    path_joinf(&path, "%s/%s%s%s", dir, fmt, name,
		mode == 0600 ? "" : ".pub") != 0)
		return err_nomem(e);
	r = file_write(path, text->p, text->n, mode, FILE_NEW, e);
	free(path);
	return r;
}

static int
put_key(const char *dir, const char *name, const struct key *key, struct err *e)
{
	struct str text = STR_INIT, pub = STR_INIT;
	int r;

	r = key_encode_openssh(key, name, NULL, 0, &text, e);
	pubkey_add_line(&pub, key_public(key), name);
	str_addc(&pub, '\n');
	if (r == 0 && (r = put(dir, name, "keys/", 0600, &text, e)) == 0)
		r = put(dir, name, "policy/authorities/", 0644, &pub, e);
	str_clear(&text);
	str_clear(&pub);
	return r;
}

/* --- new ------------------------------------------------------------------ */

static int
read_kind(const struct cli_args *a, const struct ca_list **list,
    enum pubkey_type *type, struct err *e)
{
	const char *purpose = cli_get(a, "for"), *t = cli_get(a, "type");

	*type = PUBKEY_ED25519;
	*list = NULL;
	for (size_t i = 0; i < ca_lists_n; i++)
		if (strcmp(purpose != NULL ? purpose : "user",
			ca_lists[i].name) == 0)
			*list = &ca_lists[i];
	if (*list == NULL)
		return err_set(e, ERR_USAGE, "--for wants user, host or log");
	if (t == NULL)
		return 0;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(t, types[i].name) == 0) {
			*type = types[i].type;
			if (strcmp((*list)->name, "log") == 0 &&
			    *type != PUBKEY_ED25519)
				return err_set(e, ERR_USAGE,
				    "a log's key is Ed25519");
			return 0;
		}
	return err_set(e, ERR_USAGE,
	    "--type wants ed25519, ecdsa256, ecdsa384, ecdsa521 or rsa");
}

/* A word that YAML takes for text, and a file's name. */
static int
check_name(const char *name, struct err *e)
{
	char quoted[QUOTE_MAX];

	if (id_is_valid(name) && strlen(name) <= POLICY_NAME_MAX &&
	    name[0] >= 'a' && name[0] <= 'z' && strchr(name, '@') == NULL)
		return 0;
	return err_set(e, ERR_USAGE,
	    "%s is no name of an authority, expected a word such as user_ca2",
	    str_quote(quoted, name));
}

static int
check_absent(const char *dir, const char *name, struct err *e)
{
	for (size_t i = 0; i < 2; i++) {
		struct str path = STR_INIT;
		bool there;

		str_addf(&path,
		    i == 0 ? "%s/keys/%s" : "%s/policy/authorities/%s.pub", dir,
		    name);
		there = file_exists(path.p);
		if (there)
			(void)err_set(e, ERR_EXISTS,
			    "%s is there already; nothing was changed", path.p);
		str_clear(&path);
		if (there)
			return ERR_EXISTS;
	}
	return 0;
}

static int
run_new(struct cli_args *a, struct err *e)
{
	const char *dir = cli_dir(a), *name = cli_operand(a, 0);
	const char *path[] = {"authorities", NULL, NULL};
	const struct ca_list *list;
	enum pubkey_type type;
	char fp[FINGERPRINT_MAX];
	struct key *key = NULL;
	struct config c;
	int r, edited;

	config_init(&c);
	if ((r = read_kind(a, &list, &type, e)) != 0 ||
	    (r = check_name(name, e)) != 0 ||
	    (r = config_load(dir, &c, e)) != 0 ||
	    (r = check_absent(dir, name, e)) != 0 ||
	    (r = key_generate(type, &key, e)) != 0 ||
	    (r = put_key(dir, name, key, e)) != 0)
		goto out;
	path[1] = list->name;
	/* Last, so that a list never names a key that is not there. */
	edited = ca_edit(dir, "policy/ca.yaml", yaml_add_last, path, name, e);
	if (edited < 0 && edited != ERR_NOTFOUND) {
		r = edited;
		goto out;
	}
	pubkey_fingerprint(key_public(key), fp);
	printf("%s  %s\n\n", name, fp);
	if (edited == 0)
		printf("It is the last of 'authorities: %s' in "
		       "%s/policy/ca.yaml.\n",
		    list->name, dir);
	else
		printf("Add it yourself to %s/policy/ca.yaml, at the end:\n"
		       "  authorities:\n    %s: [..., %s]\n",
		    dir, list->name, name);
	printf("Next, so that hosts trust it: writ policy sign -C %s -i KEY\n"
	       "and when they all do, so that it signs: writ ca use -C %s %s\n",
	    dir, dir, name);
out:
	key_free(key);
	config_clear(&c);
	return r;
}

/* --- list ----------------------------------------------------------------- */

static const char *
signs_with(const struct config *c, const struct ca_list *l)
{
	return strcmp(l->name, "user") == 0 ? c->user_ca
	    : strcmp(l->name, "host") == 0  ? c->host_ca
					    : config_log_key(c);
}

static int
add_row(struct table *t, const char *dir, const struct config *c,
    const struct policy *p, const struct ca_list *l, const char *name,
    struct err *e)
{
	const char *signs = signs_with(c, l);
	char fp[FINGERPRINT_MAX], when[CLOCK_TEXT];
	struct ca_since since;
	int r;

	if ((r = ca_trusted_since(dir, p, l, name, 0, &since, e)) != 0)
		return r;
	pubkey_fingerprint(policy_authority(p, name)->key, fp);
	clock_format(since.at, when);
	table_add(t, name);
	table_add(t, l->name);
	table_add(t, fp);
	table_add(t,
	    signs != NULL && strcmp(signs, name) == 0 ? "signs" : "trusted");
	table_addf(t, "%llu", (unsigned long long)since.version);
	table_add(t, when);
	return 0;
}

static int
run_list(struct cli_args *a, struct err *e)
{
	static const char *const columns[] = {
	    "name", "for", "key", "state", "since_version", "since"};
	struct table t;
	struct trust trust;
	struct config c;
	int r;

	config_init(&c);
	trust_init(&trust);
	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	if ((r = config_load(cli_dir(a), &c, e)) != 0 ||
	    (r = cli_trust(a, &trust, e)) != 0)
		goto out;
	for (size_t i = 0; i < ca_lists_n && r == 0; i++) {
		const struct strs *l = ca_list_of(trust.policy, &ca_lists[i]);

		for (size_t j = 0; j < l->n && r == 0; j++)
			r = add_row(&t, cli_dir(a), &c, trust.policy,
			    &ca_lists[i], l->v[j], e);
	}
	if (r == 0)
		r = cli_print_table(&t, cli_format(a), e);
out:
	table_clear(&t);
	trust_clear(&trust);
	config_clear(&c);
	return r;
}

static const struct cli_option new_options[] = {
    {0, "type", "TYPE", "ed25519 (default), ecdsa256, ecdsa384, ecdsa521, rsa"},
    {0, "for", "user|host|log", "what it will sign (default user)"},
};
static const struct cli_option list_options[] = {CLI_JSON, CLI_CSV};
static const struct cli_option use_options[] = {
    {0, "after", "SPAN", "how long hosts have trusted it (default 24h)"},
    {0, "now", NULL, "do not wait: every host trusts it already"},
};

static const struct cli_command subs[] = {
    {.name = "new",
	.operands = "NAME",
	.summary = "make a key that is to be trusted, and later to sign",
	CLI_OPTIONS(new_options),
	.min_operands = 1,
	.max_operands = 1,
	.run = run_new},
    {.name = "list",
	.operands = "",
	.summary = "which keys are trusted, since when, and which sign",
	CLI_OPTIONS(list_options),
	.run = run_list},
    {.name = "use",
	.operands = "NAME",
	.summary = "let a key sign that hosts trust",
	CLI_OPTIONS(use_options),
	.min_operands = 1,
	.max_operands = 1,
	.run = ca_run_use},
};

const struct cli_command cmd_ca = {.name = "ca",
    .operands = "",
    .summary = "change the keys of the authorities",
    CLI_SUBS(subs)};
