/* SPDX-License-Identifier: ISC */
/*
 * writ-master init: the two keys of a master and its master.yaml, and what officers
 * have to add to the policy so that hosts believe it.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/master/admin.h"
#include "agent/master/config.h"
#include "lib/base/file.h"
#include "lib/key/key.h"

enum { TRANSPORT, LOG, N_KEYS };

struct init {
	const char *dir, *name, *root, *home;
	struct hash realm;
	char *names[N_KEYS];
	struct key *keys[N_KEYS];
	struct strs made; /* files, to be taken away where it ends badly */
};

/* --- what was asked for --------------------------------------------------- */

static int
read_options(struct init *in, const struct cli_args *a, struct err *e)
{
	in->name = cli_get(a, "name");
	in->root = cli_get(a, "root");
	in->home = cli_get(a, "log") != NULL ? cli_get(a, "log") : "dir:log";
	if (in->name == NULL || in->root == NULL) {
		(void)err_set(e, ERR_USAGE,
		    "a master needs --name and --root SHA256:...");
		err_hint(e,
		    "the root is what the writ policy sign that completed "
		    "version "
		    "1 printed");
		return ERR_USAGE;
	}
	if (!master_name_is_valid(in->name))
		return err_set(e, ERR_USAGE,
		    "--name wants at most %d of a-z 0-9 . _ -, such as "
		    "master_1",
		    MASTER_NAME_MAX);
	if (hash_from_fingerprint(in->root, &in->realm) != 0)
		return err_set(e, ERR_USAGE,
		    "--root wants a fingerprint as ssh-keygen writes one: "
		    "SHA256:...");
	if (strncmp(in->home, "dir:", 4) != 0 &&
	    strncmp(in->home, "s3://", 5) != 0)
		return err_set(e, ERR_USAGE,
		    "--log wants dir:PATH or s3://BUCKET/PREFIX");
	/* It becomes a text of master.yaml between quotes. */
	if (strpbrk(in->home, "\"\\") != NULL ||
	    !text_is_clean(in->home, strlen(in->home), NULL))
		return err_set(e, ERR_USAGE,
		    "--log has a quote, a backslash or a control character");
	return 0;
}

/* --- writing -------------------------------------------------------------- */

static int
put(struct init *in, const char *name, const char *suffix, mode_t mode,
    const struct str *text, struct err *e)
{
	char *path = NULL;
	int r;

	if (str_check(text) != 0 ||
	    path_joinf(&path, "%s/%s%s", in->dir, name, suffix) != 0)
		return err_nomem(e);
	r = file_write(path, text->p, text->n, mode, FILE_NEW, e);
	if (r == ERR_EXISTS)
		err_hint(e, "init makes a new master and replaces nothing");
	if (r == 0 && strs_add(&in->made, path) != 0) {
		(void)unlink(path);
		r = err_nomem(e);
	}
	free(path);
	return r;
}

static int
put_key(struct init *in, int i, struct err *e)
{
	struct str text = STR_INIT, pub = STR_INIT, name = STR_INIT;
	int r;

	str_addf(&name, "keys/%s", in->names[i]);
	if (str_check(&name) != 0)
		return err_nomem(e);
	if ((r = key_generate(PUBKEY_ED25519, &in->keys[i], e)) == 0 &&
	    (r = key_encode_openssh(in->keys[i], in->names[i], NULL, 0, &text,
		 e)) == 0)
		r = put(in, name.p, "", 0600, &text, e);
	if (r == 0) {
		pubkey_add_line(&pub, key_public(in->keys[i]), in->names[i]);
		str_addc(&pub, '\n');
		r = put(in, name.p, ".pub", 0644, &pub, e);
	}
	str_clear(&text);
	str_clear(&pub);
	str_clear(&name);
	return r;
}

/* keys/transport: a name that does not change, for systemd's units. */
static int
put_link(struct init *in, struct err *e)
{
	char *path = NULL;
	int r = 0;

	if (path_join(in->dir, "keys/transport", &path) != 0)
		return err_nomem(e);
	if (strcmp(in->name, "transport") == 0)
		goto out; /* it is that very file */
	if (symlink(in->name, path) != 0)
		r = err_sys(e, "make %s", path);
	else if (strs_add(&in->made, path) != 0) {
		(void)unlink(path);
		r = err_nomem(e);
	}
out:
	free(path);
	return r;
}

static int
put_config(struct init *in, struct err *e)
{
	struct str s = STR_INIT;
	int r;

	str_addf(&s,
	    "# A master of a fleet: what it is called, whose it is, where its "
	    "log is.\n"
	    "# See writ-master(8), FILES.\n"
	    "name: %s\n"
	    "root: \"%s\"\n"
	    "log: \"%s\"\n"
	    "# listen: [\"*:2023\"]\n"
	    "# The CA: hosts get certificates and new policy through it.\n"
	    "# ca: {address: \"ca.example.com:2022\", key: \"ssh-ed25519 "
	    "AAAA...\"}\n",
	    in->name, in->root, in->home);
	r = put(in, "master.yaml", "", 0644, &s, e);
	str_clear(&s);
	return r;
}

static int
make_dirs(const struct init *in, struct err *e)
{
	static const char *const names[] = {"keys", "signer", "store"};
	char *path = NULL;
	int r = file_mkdirs(in->dir, 0755, e);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && r == 0;
	     i++) {
		if (path_join(in->dir, names[i], &path) != 0)
			return err_nomem(e);
		r = file_mkdirs(path, 0700, e);
		free(path);
		path = NULL;
	}
	return r;
}

/* A directory is one master's, whatever it is called. */
static int
is_new(const struct init *in, struct err *e)
{
	char *path = NULL;
	int r = 0;

	if (path_join(in->dir, "master.yaml", &path) != 0)
		return err_nomem(e);
	if (file_exists(path)) {
		r = err_set(e, ERR_EXISTS, "%s is there already", path);
		err_hint(e, "init makes a new master and replaces nothing");
	}
	free(path);
	return r;
}

/* master.yaml comes last: a directory that has one is whole. */
static int
make(struct init *in, struct err *e)
{
	struct str s = STR_INIT;
	int r;

	if ((r = is_new(in, e)) != 0)
		return r;
	str_addf(&s, "%s_log", in->name);
	if (str_check(&s) != 0 ||
	    (in->names[TRANSPORT] = str_dup(in->name)) == NULL ||
	    (in->names[LOG] = str_dup(s.p)) == NULL)
		r = err_nomem(e);
	else if ((r = make_dirs(in, e)) == 0 &&
	    (r = put_key(in, TRANSPORT, e)) == 0 &&
	    (r = put_key(in, LOG, e)) == 0 && (r = put_link(in, e)) == 0)
		r = put_config(in, e);
	str_clear(&s);
	for (size_t i = 0; r != 0 && i < in->made.n; i++)
		(void)unlink(in->made.v[i]);
	return r;
}

/* --- what is to be done with it ------------------------------------------- */

static int
tell(const struct init *in, struct err *e)
{
	struct str s = STR_INIT;

	str_addf(&s,
	    "%s is a master of realm %s.\n\n"
	    "For the policy, before any host believes it:\n",
	    in->name, in->root);
	for (int i = 0; i < N_KEYS; i++)
		str_addf(&s, "  cp %s/keys/%s.pub policy/authorities/\n",
		    in->dir, in->names[i]);
	str_addf(&s,
	    "and in policy/ca.yaml, below authorities:\n"
	    "  master: [%s]\n"
	    "  log: [..., %s]\n"
	    "then writ policy sign, and bring the signed policy here:\n"
	    "  cp -r bundle %s/\n",
	    in->names[TRANSPORT], in->names[LOG], in->dir);
	return cli_print(&s, e);
}

static int
run_init(struct cli_args *a, struct err *e)
{
	struct init in = {.dir = cli_dir(a)};
	int r;

	if ((r = read_options(&in, a, e)) == 0 && (r = make(&in, e)) == 0)
		r = tell(&in, e);
	for (int i = 0; i < N_KEYS; i++) {
		free(in.names[i]);
		key_free(in.keys[i]);
	}
	strs_clear(&in.made);
	return r;
}

static const struct cli_option options[] = {
    {0, "name", "NAME", "what the policy is to call it, such as master_1"},
    {0, "root", "SHA256:...", "the realm: the fingerprint of root.yaml 1"},
    {0, "log", "dir:PATH|s3://B/P", "where its log is (dir:log)"},
};

const struct cli_command cmd_master_init = {.name = "init",
    .operands = "",
    .summary = "make the keys and the configuration of a master",
    CLI_OPTIONS(options),
    .run = run_init};
