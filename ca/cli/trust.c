/* SPDX-License-Identifier: ISC */
/* writ trust: from now on this CA, and whoever its root of trust stands for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/cli/remote.h"
#include "ca/client/sshconf.h"
#include "lib/net/dest.h"

/* What is pinned already is not changed in passing. */
static int
check_before(const struct remote *r, struct err *e)
{
	struct profile old;
	struct err why = {0};
	int rc;

	profile_init(&old);
	if (!profile_exists())
		return 0;
	rc = profile_load(&old, &why);
	if (rc != 0) {
		if (e != NULL)
			*e = why;
	} else if (!hash_equal(&old.realm, &r->profile.realm)) {
		rc = err_set(e, ERR_EXISTS,
		    "another root of trust is pinned in %s", old.dir);
		err_hint(e, "WRIT_CONFIG=DIR keeps a second one; or remove %s",
		    old.dir);
	}
	profile_clear(&old);
	return rc;
}

/* Before anybody is asked. */
static int
check_operands(const struct cli_args *a, struct hash *realm, struct err *e)
{
	const char *address = cli_operand(a, 0), *root = cli_operand(a, 1);
	char quoted[QUOTE_MAX];
	struct dest d = {0};
	struct err why = {0};
	int r = dest_parse(address, &d, &why);

	dest_clear(&d);
	if (r == ERR_NOMEM)
		return err_nomem(e);
	if (r != 0)
		return err_set(e, ERR_USAGE, "%s", why.msg);
	if (hash_from_fingerprint(root, realm) != 0)
		return err_set(e, ERR_USAGE,
		    "%s is no root of trust, expected SHA256:... as writ "
		    "policy sign printed it",
		    str_quote(quoted, root));
	return 0;
}

static int
fill(const struct cli_args *a, struct remote *r, struct err *e)
{
	const char *key = cli_get(a, "i"), *person = cli_get(a, "person");
	struct profile *p = &r->profile;
	char *full;
	int rc;

	if ((rc = check_operands(a, &p->realm, e)) != 0)
		return rc;
	if ((rc = profile_dir(&p->dir, e)) != 0)
		return rc;
	if (person != NULL && !id_is_valid(person))
		return err_set(e, ERR_USAGE, "--person wants the id of one");
	if ((p->ca = str_dup(cli_operand(a, 0))) == NULL ||
	    (person != NULL && (p->person = str_dup(person)) == NULL))
		return err_nomem(e);
	if (key == NULL)
		return 0;
	/* Commands run in any directory. */
	if ((full = realpath(key, NULL)) == NULL)
		return err_sys(e, "%s", key);
	p->key = full;
	return 0;
}

static int
run_trust(struct cli_args *a, struct err *e)
{
	struct remote r;
	int rc;

	cli_remote_init(&r);
	if ((rc = fill(a, &r, e)) != 0 || (rc = check_before(&r, e)) != 0 ||
	    (rc = remote_trust(&r, e)) != 0)
		goto out;
	printf("trusted: policy %llu, root %llu\n",
	    (unsigned long long)r.trust.policy->version,
	    (unsigned long long)r.trust.root_version);
	if (r.person != NULL && r.person[0] != '\0')
		printf("the CA takes you for %s\n", r.person);
	rc = sshconf_write(&r.profile, r.trust.policy, e);
out:
	remote_clear(&r);
	return rc;
}

static const struct cli_option options[] = {
    {'i', NULL, "KEY", "the key that signs, and that ssh shows to the CA"},
    {0, "person", "ID", "whose it has to be"},
};

const struct cli_command cmd_trust = {.name = "trust",
    .operands = "ADDRESS SHA256:...",
    .summary = "pin a CA's root of trust, and ask it from now on",
    CLI_OPTIONS(options),
    .min_operands = 2,
    .max_operands = 2,
    .run = run_trust};
