/* SPDX-License-Identifier: ISC */
/* writ-master check: would the master work, and go on working? */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/master/admin.h"
#include "agent/master/config.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/bundle/bundles.h"
#include "lib/cli/findings.h"
#include "lib/key/key.h"
#include "lib/net/port.h"
#include "lib/proc/socket.h"

struct check {
	const char *dir;
	int64_t now;
	struct master_config config;
	struct trust trust; /* have: false where there is none */
	struct findings found;
};

/* --- policy and keys ------------------------------------------------------ */

static void
check_policy(struct check *c)
{
	struct err e = {0};
	int r;

	/* Expiry is looked at apart, so that the keys are checked all the same. */
	r = bundles_load(c->dir, &c->config.realm, 0, &c->trust, &e);
	if (r == ERR_NOTFOUND)
		err_hint(&e,
		    "the master needs the signed policy once: copy bundle/ of "
		    "the CA there");
	if (r < 0) {
		findings_err(&c->found, FINDING_FAIL, "policy", &e);
		return;
	}
	findings_policy(&c->found, &c->trust, c->now);
}

/* Is it, under that name, in that list of the policy? */
static void
check_listed(struct check *c, const char *name, const struct pubkey *key,
    const struct strs *list, const char *which)
{
	const struct authority *a = policy_authority(c->trust.policy, name);

	if (a == NULL || !strs_has(list, name))
		findings_add(&c->found, FINDING_FAIL, name,
		    "is not in 'authorities: %s' of the signed policy: no host "
		    "believes it",
		    which);
	else if (!pubkey_equal(a->key, key))
		findings_add(&c->found, FINDING_FAIL, name,
		    "is another key than authorities/%s.pub of the signed "
		    "policy",
		    name);
	else
		findings_add(&c->found, FINDING_OK, name,
		    "as the signed policy has it");
}

static void
check_key(struct check *c, const char *path, const char *name,
    const struct strs *list, const char *which)
{
	struct key *key = NULL;
	struct err e = {0};

	/* Nobody is there to type a passphrase when the machine starts.  Where
	 * the signer is a user of its own, keys are its. */
	if (key_load_file_of(path, c->config.users.signer, NULL, &key, &e) != 0)
		findings_err(&c->found, FINDING_FAIL, name, &e);
	else if (pubkey_type(key_public(key)) != PUBKEY_ED25519)
		findings_add(&c->found, FINDING_FAIL, name,
		    "%s must be an Ed25519 key", path);
	else if (c->trust.have)
		check_listed(c, name, key_public(key), list, which);
	else
		findings_add(&c->found, FINDING_OK, name, "%s", path);
	key_free(key);
}

static void
check_keys(struct check *c)
{
	static const struct strs none;
	const struct policy *p = c->trust.have ? c->trust.policy : NULL;

	check_key(c, c->config.transport, c->config.name,
	    p != NULL ? &p->masters : &none, "master");
	check_key(c, c->config.log_key_file, c->config.log_key,
	    p != NULL ? &p->logs : &none, "log");
}

/* --- what is around it ---------------------------------------------------- */

static void
check_place(struct check *c, const char *what, const char *url)
{
	struct blob_store *s = NULL;
	struct blob_config bc;
	struct err e = {0};

	log_home_blob(&c->config.home, &bc);
	bc.timeout_ms = 10000;
	if (blob_open(url, &bc, &s, &e) != 0 || blob_probe(s, &e) != 0)
		findings_err(&c->found, FINDING_FAIL, what, &e);
	else
		findings_add(&c->found, FINDING_OK, what, "%s", url);
	blob_close(s);
}

/* A log of its own directory is made at the first start. */
static void
check_log(struct check *c)
{
	const struct log_home *h = &c->config.home;
	char *dir = NULL, *url = NULL;

	if (log_home_dir(h, c->dir, &dir) != 0 ||
	    log_home_url(h, c->dir, &url) != 0)
		c->found.table.failed = true;
	else if (!file_exists(dir) && strncmp(url, "dir:", 4) == 0)
		findings_add(&c->found, FINDING_OK, "log",
		    "%s is made at the first start", url);
	else
		check_place(c, "log", url);
	for (size_t i = 0; i < h->copies.n; i++)
		check_place(c, "copy", h->copies.v[i]);
	free(dir);
	free(url);
}

/* Its own sockets are no fault: then it runs. */
static bool
runs(const struct check *c)
{
	char *path = NULL;
	int fd;
	bool there = false;

	if (path_join(c->config.runtime, "control.sock", &path) == 0 &&
	    socket_connect(path, &fd, NULL) == 0) {
		(void)close(fd);
		there = true;
	}
	free(path);
	return there;
}

static void
check_port(struct check *c, const char *address)
{
	char who[PORT_WHO_MAX];
	struct err e = {0};
	int r = port_is_free(address, who, &e);

	if (r == 0)
		findings_add(&c->found, FINDING_OK, "port", "%s is free",
		    address);
	else if (r != PORT_TAKEN)
		findings_err(&c->found, FINDING_FAIL, "port", &e);
	else if (runs(c))
		findings_add(&c->found, FINDING_OK, "port",
		    "%s is served: the master runs", address);
	else
		findings_add(&c->found, FINDING_FAIL, "port",
		    "%s is in use%s%s", address, who[0] != '\0' ? " by " : "",
		    who);
}

static void
check_all(struct check *c)
{
	struct err e = {0};

	if (master_config_load(c->dir, &c->config, &e) != 0) {
		findings_err(&c->found, FINDING_FAIL, "config", &e);
		return;
	}
	findings_add(&c->found, FINDING_OK, "config", "%s/master.yaml", c->dir);
	if (log_home_starts_nothing(&c->config.home, "master.yaml", &e) != 0)
		findings_err(&c->found, FINDING_FAIL, "s3", &e);
	check_policy(c);
	check_keys(c);
	check_log(c);
	for (size_t i = 0; i < c->config.listen.n; i++)
		check_port(c, c->config.listen.v[i]);
	if (c->config.metrics != NULL)
		check_port(c, c->config.metrics);
	if (c->config.ca.address == NULL)
		findings_add(&c->found, FINDING_WARN, "ca",
		    "none is named: hosts get no certificates, and policy only "
		    "by a push");
}

static int
run_check(struct cli_args *a, struct err *e)
{
	struct check c = {.dir = cli_dir(a), .now = clock_now()};
	int r;

	master_config_init(&c.config);
	trust_init(&c.trust);
	findings_init(&c.found);
	check_all(&c);
	r = findings_print(&c.found, cli_flag(a, "json"), e);
	findings_clear(&c.found);
	trust_clear(&c.trust);
	master_config_clear(&c.config);
	return r;
}

static const struct cli_option options[] = {CLI_JSON};

const struct cli_command cmd_master_check = {.name = "check",
    .operands = "",
    .summary = "would the master work? a line for each thing it needs",
    CLI_OPTIONS(options),
    .run = run_check};
