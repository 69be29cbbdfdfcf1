/* SPDX-License-Identifier: ISC */
/*
 * writ ensure: for `Match exec` of ssh_config, so it says nothing where it has
 * nothing to say, and is quick where a certificate is at hand.  Status 0 makes
 * ssh use what DIR/ssh/ACCOUNT@HOST names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ca/cli/remote_request.h"
#include "ca/client/handover.h"
#include "ca/client/sshconf.h"
#include "lib/base/clock.h"
#include "lib/net/dest.h"

/* A certificate with less than this left is as good as none. */
#define LEFT_SECS 30

struct ensuring {
	struct remote r;
	const char *host, *account;
	struct str narrow; /* ACCOUNT@HOST */
	struct kept found;
	bool have;
};

/* --- at hand -------------------------------------------------------------- */

static bool
lets_in(const struct ensuring *n, const struct cert *c)
{
	return c->kind == CERT_USER &&
	    (strs_has(&c->principals, n->account) ||
		strs_has(&c->principals, n->narrow.p));
}

static int
try_one(void *ctx, struct kept *k)
{
	struct ensuring *n = ctx;

	if (!k->has_cert || !lets_in(n, &k->cert) ||
	    standing_serial_revoked(n->r.standing, k->cert.serial) ||
	    standing_key_id_revoked(n->r.standing, k->cert.key_id) ||
	    !handover_at_hand(k, clock_now(), LEFT_SECS))
		return 0;
	/* The one that is good for longest. */
	if (n->have && n->found.cert.valid_before >= k->cert.valid_before)
		return 0;
	kept_clear(&n->found);
	n->found = *k;
	kept_init(k);
	n->have = true;
	return 0;
}

/* --- asking --------------------------------------------------------------- */

static bool
grants(const struct ensuring *n, const struct person *who,
    const char *principal)
{
	const struct policy *p = n->r.trust.policy;

	for (size_t i = 0; i < p->n_grants; i++)
		if (p->grants[i].kind == CERT_USER &&
		    grant_allows_person(&p->grants[i], who) &&
		    grant_covers_principal(&p->grants[i], principal))
			return true;
	return false;
}

/* Which of the two that would do: the account anywhere, or on that host. */
static int
ask_principal(const struct ensuring *n, const struct person *who,
    const char **out, struct err *e)
{
	struct str question = STR_INIT;
	char *answer = NULL;
	int r;

	*out = n->account;
	if (!grants(n, who, n->account)) {
		*out = n->narrow.p;
		return 0;
	}
	str_addf(&question, "For 1) %s on any host, or 2) %s alone? [1] ",
	    n->account, n->narrow.p);
	if ((r = str_check(&question)) != 0)
		(void)err_nomem(e);
	else
		r = cli_ask_line(question.p, &answer, e);
	str_clear(&question);
	if (r != 0)
		return r;
	if (strcmp(answer, "2") == 0)
		*out = n->narrow.p;
	else if (answer[0] != '\0' && strcmp(answer, "1") != 0)
		r = err_set(e, ERR_DENIED, "expected 1 or 2");
	free(answer);
	return r;
}

static int
ask_and_request(struct ensuring *n, const struct cli_args *a,
    const struct person *who, struct err *e)
{
	const char *principal = NULL;
	struct ask q = {0};
	char *reason = NULL;
	int r;

	if ((r = cli_ask_line(
		 "Why do you need this? (nothing: no certificate) ", &reason,
		 e)) != 0)
		return r;
	if (reason[0] == '\0') {
		free(reason);
		return EXIT_REFUSED;
	}
	q.reason = reason;
	if ((r = ask_principal(n, who, &principal, e)) != 0)
		goto out;
	if (strs_add(&q.principals, principal) != 0) {
		r = err_nomem(e);
		goto out;
	}
	/* From here on with what the CA has now. */
	remote_clear(&n->r);
	cli_remote_init(&n->r);
	if ((r = cli_remote_open(&n->r, e)) == 0 &&
	    (r = remote_ask(&n->r, a, &q, false, true, &n->found, e)) == 0)
		n->have = true;
out:
	ask_clear(&q);
	free(reason);
	return r;
}

static int
nobody_to_ask(const struct ensuring *n, struct err *e)
{
	int r = err_set(e, ERR_DENIED, "no certificate for %s is at hand",
	    n->narrow.p);

	err_hint(e, "writ request %s -m REASON", n->account);
	return r;
}

static int
obtain(struct ensuring *n, const struct cli_args *a, struct err *e)
{
	const struct person *who = NULL;
	char *key = NULL;
	int r;

	/* Whose key is nobody's, or whose grants do not reach there, logs in
	 * without us, as he does to all the world. */
	if (cli_remote_signer(a, &n->r, &key, &who, NULL) != 0 ||
	    (!grants(n, who, n->account) && !grants(n, who, n->narrow.p))) {
		free(key);
		return EXIT_REFUSED;
	}
	if (!cli_has_terminal()) {
		free(key);
		return nobody_to_ask(n, e);
	}
	fprintf(stderr, "%s needs a certificate.\n", n->narrow.p);
	r = ask_and_request(n, a, who, e);
	free(key);
	return r;
}

/* --- the command ---------------------------------------------------------- */

/* The way to the CA itself must not need a certificate of it. */
static bool
is_the_ca(const struct ensuring *n)
{
	struct dest d = {0};
	bool same;

	if (dest_parse(n->r.profile.ca, &d, NULL) != 0)
		return false;
	same = strcasecmp(d.host, n->host) == 0;
	dest_clear(&d);
	return same;
}

static int
ensure(struct ensuring *n, const struct cli_args *a, struct err *e)
{
	int r;

	if ((r = remote_load(&n->r, e)) != 0)
		return r;
	if (is_the_ca(n))
		return EXIT_REFUSED;
	kept_clean(&n->r.profile);
	if ((r = kept_each(&n->r.profile, try_one, n, e)) != 0)
		return r;
	if (!n->have && (r = obtain(n, a, e)) != 0)
		return r;
	return sshconf_point(&n->r.profile, &n->found, n->host, n->account, e);
}

static int
run_ensure(struct cli_args *a, struct err *e)
{
	struct ensuring n = {
	    .host = cli_operand(a, 0), .account = cli_operand(a, 1)};
	int r;

	/* ssh that we ourselves run. */
	if (getenv("WRIT_INSIDE") != NULL)
		return EXIT_REFUSED;
	if (!sshconf_is_name(n.host) || !sshconf_is_name(n.account))
		return err_set(e, ERR_USAGE,
		    "expected the name of a host and of an account");
	str_init(&n.narrow);
	str_addf(&n.narrow, "%s@%s", n.account, n.host);
	kept_init(&n.found);
	cli_remote_init(&n.r);
	if ((r = str_check(&n.narrow)) != 0)
		(void)err_nomem(e);
	else
		r = ensure(&n, a, e);
	kept_clear(&n.found);
	str_clear(&n.narrow);
	remote_clear(&n.r);
	return r;
}

static const struct cli_option options[] = {
    {'i', NULL, "KEY", "your key, that signs"},
};

const struct cli_command cmd_ensure = {.name = "ensure",
    .operands = "HOST ACCOUNT",
    .summary = "a certificate for a login, asked for if need be",
    CLI_OPTIONS(options),
    .min_operands = 2,
    .max_operands = 2,
    .run = run_ensure};
