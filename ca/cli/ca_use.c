/* SPDX-License-Identifier: ISC */
/*
 * writ ca use.  A key that signs before hosts trust it locks everybody out who
 * gets a certificate of it, so what counts is the signed policy, and how long it
 * has had the key: hosts that were off for that long are not asked about.
 *
 * A log keeps its name and its tree under another key.  A new log instead would
 * begin without the requests, keys and revocations of the old one, on which all
 * that is decided rests.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/cli/ca.h"
#include "ca/cli/cli.h"
#include "lib/base/clock.h"
#include "lib/conf/edit.h"

#define AFTER_SECS (24 * 3600)

static bool
has_key(const struct policy *p, const struct ca_list *l, const char *name,
    const struct pubkey *key)
{
	const struct authority *a = policy_authority(p, name);

	return strs_has(ca_list_of(p, l), name) && a != NULL &&
	    pubkey_equal(a->key, key);
}

/* The statement with this hash: verified by whoever named the hash. */
static int
read_past(const char *dir, const struct hash *h, struct statement *s,
    struct err *e)
{
	struct bundle_chain *c = calloc(1, sizeof(*c));
	int r;

	if (c == NULL)
		return err_nomem(e);
	if ((r = bundles_read_past(dir, h, c, e)) == 0)
		r = statement_parse("policy", c->statement, s, e);
	bundle_chain_clear(c);
	free(c);
	return r;
}

int
ca_trusted_since(const char *dir, const struct policy *p,
    const struct ca_list *l, const char *name, int64_t early,
    struct ca_since *out, struct err *e)
{
	const struct pubkey *key = policy_authority(p, name)->key;
	struct hash h = p->hash;
	struct policy *past = NULL;
	bool more = true;
	int r = 0;

	while (more && r == 0) {
		struct statement s;

		statement_init(&s, ST_POLICY);
		if ((r = read_past(dir, &h, &s, e)) == 0 && past == NULL)
			r = bundles_load_policy(dir, &h, &past, e);
		if (r == 0 && has_key(past, l, name, key)) {
			out->version = s.u.bundle.version;
			out->at = s.at;
			more = s.u.bundle.has_previous && s.at > early;
			h = s.u.bundle.previous;
		} else {
			more = false;
		}
		policy_free(past);
		past = NULL;
		statement_clear(&s);
	}
	return r;
}

/* --- may it sign? --------------------------------------------------------- */

static int
find_list(const struct policy *p, const char *name, const struct ca_list **out,
    struct err *e)
{
	char quoted[QUOTE_MAX];
	int r;

	for (size_t i = 0; i < ca_lists_n; i++)
		if (strs_has(ca_list_of(p, &ca_lists[i]), name)) {
			*out = &ca_lists[i];
			return 0;
		}
	r = err_set(e, ERR_DENIED,
	    "%s is no authority of the signed policy: no host trusts it yet",
	    str_quote(quoted, name));
	err_hint(e, "make it with writ ca new, then writ policy sign");
	return r;
}

/* A log goes on under a further key of its own, never under another log's. */
static int
check_log(const struct config *c, const char *name, struct err *e)
{
	char log[POLICY_NAME_MAX + 1];
	int r;

	policy_log_of_key(name, log);
	if (strcmp(log, c->log_name) == 0)
		return 0;
	r = err_set(e, ERR_DENIED,
	    "%s is the key of log '%s', and the log here is '%s'", name, log,
	    c->log_name);
	err_hint(e, "a further key of this one is named %s.2: writ ca new",
	    c->log_name);
	return r;
}

static int
check_time(const struct cli_args *a, const struct ca_since *since,
    const char *name, int64_t now, int64_t after, struct err *e)
{
	char when[CLOCK_TEXT], span[SPAN_TEXT];
	int r;

	if (cli_flag(a, "now") || since->at + after <= now)
		return 0;
	clock_format(since->at, when);
	span_format(after, span);
	r = err_set(e, ERR_DENIED,
	    "%s is trusted since policy %llu of %s, which is less than %s ago: "
	    "hosts that do not have it yet would refuse what it signs",
	    name, (unsigned long long)since->version, when, span);
	err_hint(e, "wait, or say --now when every host has it");
	return r;
}

static int
check_key(const struct config *c, const struct policy *p, const char *name,
    struct err *e)
{
	struct key *key = NULL;
	int r = config_load_key(c, name, policy_authority(p, name)->key,
	    &cli_passphrase, &key, e);

	key_free(key);
	return r;
}

/* --- the change ----------------------------------------------------------- */

static void
say_by_hand(const char *file, const char *what, const char *name)
{
	cli_warn("%s is laid out so that it is left to you: %s %s", file, what,
	    name);
}

static int
change_files(const char *dir, const struct ca_list *l, const char *name,
    struct err *e)
{
	const char *const list[] = {"authorities", l->name, NULL};
	const char *const key[] = {l->config, NULL};
	int r;

	/* The draft may have gone on without it: then it is edited by hand. */
	r = ca_edit(dir, "policy/ca.yaml", yaml_move_first, list, name, e);
	if (r == EDIT_BY_HAND || r == ERR_NOTFOUND)
		say_by_hand("policy/ca.yaml", "put first", name);
	else if (r != 0)
		return r;
	r = ca_edit(dir, "writ.yaml", yaml_set_text, key, name, e);
	if (r == EDIT_BY_HAND || r == ERR_NOTFOUND) {
		r = err_set(e, ERR_DENIED,
		    "writ.yaml is laid out so that it is left to you: write "
		    "%s: %s",
		    l->config, name);
	}
	return r;
}

int
ca_run_use(struct cli_args *a, struct err *e)
{
	const char *dir = cli_dir(a), *name = cli_operand(a, 0);
	const char *span = cli_get(a, "after");
	int64_t after = AFTER_SECS, now = clock_now();
	const struct ca_list *l = NULL;
	struct ca_since since = {0};
	struct trust t;
	struct config c;
	int r;

	config_init(&c);
	trust_init(&t);
	if (span != NULL && span_parse(span, &after) != 0) {
		r = err_set(e, ERR_USAGE, "--after wants a span such as 24h");
		goto out;
	}
	if ((r = config_load(dir, &c, e)) != 0 ||
	    (r = cli_trust(a, &t, e)) != 0 ||
	    (r = find_list(t.policy, name, &l, e)) != 0)
		goto out;
	if (strcmp(l->name, "log") == 0 && (r = check_log(&c, name, e)) != 0)
		goto out;
	if ((r = ca_trusted_since(dir, t.policy, l, name, now - after, &since,
		 e)) != 0 ||
	    (r = check_time(a, &since, name, now, after, e)) != 0 ||
	    (r = check_key(&c, t.policy, name, e)) != 0 ||
	    (r = change_files(dir, l, name, e)) != 0)
		goto out;
	printf("%s signs: at once for commands, after a restart of the "
	       "service.\n"
	       "It is first in policy/ca.yaml, for the next policy that is "
	       "signed.  What was\ntrusted before stays so: take it out when "
	       "its last certificate has ended.\n",
	    name);
out:
	trust_clear(&t);
	config_clear(&c);
	return r;
}
