/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/cli/cli.h"
#include "ca/cli/remote.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/key/person.h"

const struct passphrase cli_passphrase = {.ask = cli_ask_passphrase};

static void
warn(void *ctx, const char *sentence)
{
	(void)ctx;
	cli_warn("%s", sentence);
}

int
cli_open(const struct cli_args *a, unsigned mode, struct local **out,
    struct err *e)
{
	struct local_options o = {.dir = cli_dir(a),
	    .mode = mode,
	    .pass = &cli_passphrase,
	    .warn = warn};

	if (mode != LOCAL_READ)
		cli_warn_emergency(o.dir);
	return local_open(&o, out, e);
}

int
cli_trust(const struct cli_args *a, struct trust *out, struct err *e)
{
	int r = cli_load_trust(cli_dir(a), clock_now(), out, e);

	/* Who asks a CA has its policy where he copies it to. */
	if (r == ERR_NOTFOUND && cli_is_remote(a))
		err_hint(e,
		    "writ policy pull DIR copies the CA's policy, and "
		    "-C DIR names it");
	return r;
}

int
cli_krl(const struct cli_args *a, struct buf **out, struct err *e)
{
	struct local *l = NULL;
	int r;

	if ((r = cli_open(a, LOCAL_READ, &l, e)) != 0)
		return r;
	if ((r = local_last_krl(l, out, e)) == 1) {
		/* Nothing was revoked yet: hosts get an empty list to start. */
		local_free(l);
		l = NULL;
		if ((r = cli_open(a, LOCAL_LOG, &l, e)) == 0 &&
		    (r = local_last_krl(l, out, e)) == 1)
			r = local_new_krl(l, out, e);
	}
	local_free(l);
	return r;
}

int
cli_check_text(const char *what, const char *text, size_t max, struct err *e)
{
	size_t n = text != NULL ? strlen(text) : 0, at = 0;

	if (n > max)
		return err_set(e, ERR_USAGE,
		    "%s has %zu bytes, expected at most %zu", what, n, max);
	if (n > 0 && !text_is_clean(text, n, &at))
		return err_set(e, ERR_USAGE,
		    "%s has an invisible or invalid character at byte %zu, "
		    "expected one line of clean UTF-8",
		    what, at);
	return 0;
}

/* --- who signs ------------------------------------------------------------ */

/* In ssh(1)'s order, hardware keys first: who has one means to use it. */
static const char *const default_keys[] = {
    "id_ed25519_sk", "id_ecdsa_sk", "id_ed25519", "id_ecdsa", "id_rsa"};

static const struct person *
person_of_file(const char *path, const struct policy *p,
    const struct standing *st, struct err *e)
{
	const struct person *who;
	struct pubkey *key = NULL;

	if (person_pubkey(path, &key, e) != 0)
		return NULL;
	who = standing_person_of_key(st, p, key, e);
	pubkey_free(key);
	return who;
}

static int
default_signer(const struct policy *p, const struct standing *st,
    char **key_path, const struct person **who, struct err *e)
{
	const char *home = getenv("HOME");
	size_t n = sizeof(default_keys) / sizeof(default_keys[0]);

	for (size_t i = 0; home != NULL && i < n; i++) {
		char *path = NULL;

		if (path_joinf(&path, "%s/.ssh/%s", home, default_keys[i]) != 0)
			return err_nomem(e);
		if ((*who = person_of_file(path, p, st, NULL)) != NULL) {
			*key_path = path;
			return 0;
		}
		free(path);
	}
	return err_set(e, ERR_USAGE,
	    "whose act is this? expected -i KEY, a private key or a public key "
	    "that is in the agent");
}

int
cli_signer(const struct cli_args *a, const struct policy *p,
    const struct standing *st, char **key_path, const struct person **who,
    struct err *e)
{
	return cli_signer_file(cli_get(a, "i"), p, st, key_path, who, e);
}

int
cli_signer_file(const char *path, const struct policy *p,
    const struct standing *st, char **key_path, const struct person **who,
    struct err *e)
{
	struct err why = {0};

	if (path == NULL)
		return default_signer(p, st, key_path, who, e);
	if ((*who = person_of_file(path, p, st, &why)) == NULL) {
		if (e != NULL)
			*e = why;
		/* Most faults of a file name it themselves. */
		if (strncmp(why.msg, path, strlen(path)) != 0)
			err_prefix(e, "%s", path);
		return why.code != 0 ? (int)why.code : ERR_DENIED;
	}
	return (*key_path = str_dup(path)) != NULL ? 0 : err_nomem(e);
}

/* --- output --------------------------------------------------------------- */

void
cli_print_diags(const struct conf_diags *d)
{
	fflush(stdout);
	for (size_t i = 0; i < d->n; i++)
		fprintf(stderr, "%s%s\n", d->v[i].warning ? "warning: " : "",
		    d->v[i].text);
}
