/* SPDX-License-Identifier: ISC */
/* writ-ca check: would the service work, and go on working? */
#include "ca/daemon/check.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ca/daemon/admin.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/bundle/bundles.h"

/* Where systemd puts what LoadCredential= of a unit names. */
#define CREDENTIALS "/run/credentials/"

void
check_add(struct check *c, enum finding f, const char *what, const char *fmt,
    ...)
{
	va_list ap;

	va_start(ap, fmt);
	findings_vadd(&c->found, f, what, fmt, ap);
	va_end(ap);
}

void
check_err(struct check *c, enum finding f, const char *what,
    const struct err *e)
{
	findings_err(&c->found, f, what, e);
}

/* --- policy and keys ------------------------------------------------------ */

static void
check_policy(struct check *c)
{
	struct err e = {0};
	int r;

	/* Expiry is looked at apart, so that the keys are checked all the same. */
	if ((r = bundles_load(c->dir, NULL, 0, &c->trust, &e)) < 0) {
		if (r == ERR_NOTFOUND)
			err_hint(&e, "writ policy sign -C %s", c->dir);
		check_err(c, FINDING_FAIL, "policy", &e);
		return;
	}
	findings_policy(&c->found, &c->trust, c->now);
}

/* The first of its list signs, by the policy; writ.yaml says who does. */
static void
check_first(struct check *c, const char *name, const struct strs *list,
    const char *which)
{
	if (!strs_has(list, name))
		check_add(c, FINDING_FAIL, name,
		    "is not in 'authorities: %s' of the signed policy: no host "
		    "trusts it",
		    which);
	else if (strcmp(list->v[0], name) != 0)
		check_add(c, FINDING_WARN, name,
		    "signs, and the signed policy has %s first (writ ca use)",
		    list->v[0]);
}

static void
check_key(struct check *c, const char *name)
{
	const struct authority *a = NULL;
	char fp[FINGERPRINT_MAX];
	struct key *key = NULL;
	struct err e = {0};

	if (name == NULL)
		return;
	if (c->trust.have &&
	    (a = policy_authority(c->trust.policy, name)) == NULL) {
		check_add(c, FINDING_FAIL, name,
		    "is no authority of the signed policy");
		return;
	}
	/* Nobody is there to type a passphrase when the machine starts. */
	if (config_load_key(&c->config, name, a != NULL ? a->key : NULL, NULL,
		&key, &e) != 0) {
		check_err(c, FINDING_FAIL, name, &e);
		return;
	}
	pubkey_fingerprint(key_public(key), fp);
	check_add(c, FINDING_OK, name, "%s%s", fp,
	    a != NULL ? ", as the signed policy has it" : "");
	key_free(key);
}

/* The front's host key, which is in no policy.  As a credential of systemd it is
 * there only while the front runs, and made of the file below keys/. */
static void
check_transport(struct check *c)
{
	const struct service_config *s = &c->config.service;
	const char *path = s->transport, *user = s->users.front;
	char fp[FINGERPRINT_MAX], *kept = NULL;
	struct key *key = NULL;
	struct err e = {0};
	int r;

	if (strncmp(path, CREDENTIALS, strlen(CREDENTIALS)) == 0) {
		if (path_join(c->dir, "keys/transport", &kept) != 0) {
			c->found.table.failed = true;
			return;
		}
		path = kept;
		user = s->users.signer; /* whose keys/ is */
	}
	if ((r = key_load_file_of(path, user, NULL, &key, &e)) != 0) {
		if (r == ERR_NOTFOUND)
			err_hint(&e,
			    "make one: ssh-keygen -t ed25519 -N '' -f %s",
			    path);
		check_err(c, FINDING_FAIL, "transport", &e);
	} else if (pubkey_type(key_public(key)) != PUBKEY_ED25519) {
		check_add(c, FINDING_FAIL, "transport",
		    "%s: the transport key must be an Ed25519 key", path);
	} else {
		pubkey_fingerprint(key_public(key), fp);
		check_add(c, FINDING_OK, "transport", "%s", fp);
	}
	key_free(key);
	free(kept);
}

static void
check_keys(struct check *c)
{
	const struct config *f = &c->config;

	check_key(c, f->user_ca);
	check_key(c, f->host_ca);
	check_key(c, config_log_key(f));
	check_transport(c);
	if (!c->trust.have)
		return;
	if (f->user_ca != NULL)
		check_first(c, f->user_ca, &c->trust.policy->user_cas, "user");
	if (f->host_ca != NULL)
		check_first(c, f->host_ca, &c->trust.policy->host_cas, "host");
	if (policy_log_keys(c->trust.policy, f->log_name, NULL) == 0)
		check_add(c, FINDING_FAIL, f->log_name,
		    "is not in 'authorities: log' of the signed policy");
}

/* --- stores --------------------------------------------------------------- */

static void
check_store(struct check *c, const char *what, const char *url)
{
	struct blob_store *s = NULL;
	struct blob_config bc;
	struct err e = {0};
	char span[SPAN_TEXT];

	config_blob(&c->config, &bc);
	bc.timeout_ms = 10000;
	if (blob_open(url, &bc, &s, &e) != 0 || blob_probe(s, &e) != 0) {
		check_err(c, FINDING_FAIL, what, &e);
	} else if (!blob_is_remote(s)) {
		check_add(c, FINDING_OK, what, "%s", url);
	} else {
		span_format(bc.retention_secs, span);
		check_add(c, FINDING_OK, what,
		    "%s is there, versioned, and locks for %s", url, span);
	}
	blob_close(s);
}

static void
check_stores(struct check *c)
{
	char *url = NULL;

	if (config_log_url(&c->config, &url) != 0)
		c->found.table.failed = true;
	else
		check_store(c, "log", url);
	free(url);
	for (size_t i = 0; i < c->config.home.copies.n; i++)
		check_store(c, "copy", c->config.home.copies.v[i]);
}

/* --- all of them ---------------------------------------------------------- */

static void
check_all(struct check *c)
{
	struct err e = {0};

	if (config_load(c->dir, &c->config, &e) != 0) {
		check_err(c, FINDING_FAIL, "config", &e);
		return;
	}
	check_add(c, FINDING_OK, "config", "%s/writ.yaml", c->dir);
	if (config_starts_nothing(&c->config, &e) != 0)
		check_err(c, FINDING_FAIL, "s3", &e);
	check_policy(c);
	check_keys(c);
	check_files(c);
	check_notify(c);
	check_clock(c);
	check_disk(c);
	check_stores(c);
	check_ports(c);
}

static int
run_check(struct cli_args *a, struct err *e)
{
	struct check c = {.dir = cli_dir(a), .now = clock_now()};
	int r;

	config_init(&c.config);
	trust_init(&c.trust);
	findings_init(&c.found);
	check_all(&c);
	r = findings_print(&c.found, cli_flag(a, "json"), e);
	findings_clear(&c.found);
	trust_clear(&c.trust);
	config_clear(&c.config);
	return r;
}

static const struct cli_option options[] = {CLI_JSON};

const struct cli_command cmd_check = {.name = "check",
    .operands = "",
    .summary = "would the service work? a line for each thing it needs",
    CLI_OPTIONS(options),
    .run = run_check};
