/* SPDX-License-Identifier: ISC */
/* writ request: ask for a certificate, and see first what it would take. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/cli/asking.h"
#include "ca/cli/remote_request.h"
#include "lib/key/person.h"

/* The request is signed with -i, or with the subject's own key. */
static int
find_asker(const struct cli_args *a, struct asking *k, struct err *e)
{
	const char *path = cli_get(a, "i");
	struct pubkey *key = NULL;
	int r;

	if (path == NULL)
		path = cli_get(a, "key");
	if ((k->key_path = str_dup(path)) == NULL)
		return err_nomem(e);
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

/* Into a file, for writ approve and writ sign. */
static int
run_on_files(struct cli_args *a, const struct ask *q, struct err *e)
{
	struct pubkey *subject = NULL;
	struct str out = STR_INIT;
	struct cli_world world;
	struct asking k;
	int r;

	if (q->key == NULL)
		return err_set(e, ERR_USAGE,
		    "for which key? expected --key SUBJECT.pub");
	asking_init(&k);
	if ((r = cli_world_open(a, &world, e)) != 0)
		return r;
	k.world = world;
	if ((r = find_asker(a, &k, e)) != 0 ||
	    (r = person_read_pubkey(q->key, &subject, e)) != 0 ||
	    (r = asking_fill(&k, q, subject, e)) != 0 ||
	    (r = asking_choose(&k, q, e)) != 0)
		goto out;
	if (cli_flag(a, "check")) {
		r = asking_check(&k, true, NULL, e);
		goto out;
	}
	if ((r = asking_check(&k, false, NULL, e)) == 0 &&
	    (r = asking_sign(&k, &out, e)) == 0)
		r = cli_write_new(q->out, slice_of(out.p, out.n), e);
out:
	str_clear(&out);
	asking_clear(&k);
	cli_world_clear(&world);
	return r;
}

static int
run_request(struct cli_args *a, struct err *e)
{
	struct ask q = {0};
	int r;

	if ((r = ask_of_args(a, &q, e)) != 0)
		return r;
	r = cli_is_remote(a) ? run_request_remote(a, &q, e)
			     : run_on_files(a, &q, e);
	ask_clear(&q);
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
    {0, "key", "SUBJECT.pub", "the key to be certified (one made for it)"},
    {'i', NULL, "KEY", "your key, that signs"},
    {'o', NULL, "FILE", "where to"},
    {0, "check", NULL, "say what would be needed; write nothing"},
    {0, "no-wait", NULL, "send it and be done; writ fetch gets what comes"},
};

const struct cli_command cmd_request = {.name = "request",
    .operands = "[PRINCIPAL ...]",
    .summary = "ask for a certificate",
    CLI_OPTIONS(options),
    .max_operands = REQUEST_PRINCIPALS_MAX,
    .run = run_request};
