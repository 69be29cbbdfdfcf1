/* SPDX-License-Identifier: ISC */
/*
 * lib/key from the command line, for interop tests.
 *
 *	keytool generate TYPE FILE	ed25519 p256 p384 p521 rsa
 *	keytool convert FROM TO		rewrite any private key for OpenSSH
 *	keytool public FILE		its public key line
 *	keytool sign FILE NAMESPACE	SSHSIG over standard input
 *	keytool agent FILE.pub NAMESPACE	the same by $SSH_AUTH_SOCK
 *	keytool person FILE NAMESPACE	the same by ssh-keygen, as people do
 *
 * OLDPASS in the environment opens FROM or FILE, NEWPASS encrypts what is
 * written.  (A test's passphrases are no secrets.)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/key/key.h"
#include "lib/key/person.h"

static int
from_env(void *ctx, const char *what, char *out, size_t max, size_t *n)
{
	const char *phrase = getenv("OLDPASS");

	(void)ctx;
	(void)what;
	if (phrase == NULL || strlen(phrase) > max)
		return 1;
	*n = strlen(phrase);
	memcpy(out, phrase, *n);
	return 0;
}

static const struct passphrase old_pass = {from_env, NULL};

static int
save(const struct key *k, const char *path, struct err *e)
{
	const char *phrase = getenv("NEWPASS");
	struct str text = STR_INIT, line = STR_INIT;
	char *pub = NULL;
	int r;

	pubkey_add_line(&line, key_public(k), "keytool");
	str_add(&line, "\n");
	if ((r = key_encode_openssh(k, "keytool", phrase,
		 phrase != NULL ? strlen(phrase) : 0, &text, e)) == 0 &&
	    (r = file_write(path, text.p, text.n, 0600, 0, e)) == 0 &&
	    (r = path_joinf(&pub, "%s.pub", path)) == 0)
		r = file_write(pub, line.p, line.n, 0644, 0, e);
	free(pub);
	str_clear(&line);
	str_clear(&text);
	return r;
}

static int
generate(const char *type, const char *path, struct err *e)
{
	static const struct {
		const char *name;
		enum pubkey_type type;
	} types[] = {{"ed25519", PUBKEY_ED25519}, {"p256", PUBKEY_ECDSA256},
	    {"p384", PUBKEY_ECDSA384}, {"p521", PUBKEY_ECDSA521},
	    {"rsa", PUBKEY_RSA}};
	struct key *k = NULL;
	int r = ERR_USAGE;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, type) == 0)
			r = key_generate(types[i].type, &k, e);
	if (r == 0)
		r = save(k, path, e);
	key_free(k);
	return r;
}

static int
convert(const char *from, const char *to, struct err *e)
{
	struct key *k = NULL;
	int r;

	if ((r = key_load_file(from, &old_pass, &k, e)) == 0)
		r = save(k, to, e);
	key_free(k);
	return r;
}

static int
print_public(const char *path, const char *unused, struct err *e)
{
	struct key *k = NULL;
	struct str line = STR_INIT;
	int r;

	(void)unused;
	if ((r = key_load_file(path, &old_pass, &k, e)) == 0) {
		pubkey_add_line(&line, key_public(k), NULL);
		if ((r = str_check(&line)) == 0)
			puts(line.p);
	}
	str_clear(&line);
	key_free(k);
	return r;
}

static int
print_sshsig(struct key *k, const char *ns, struct err *e)
{
	struct str text = STR_INIT;
	char *msg = NULL;
	size_t n = 0;
	int r;

	if ((r = file_read("-", 1 << 20, &msg, &n, e)) == 0 &&
	    (r = key_sshsig(k, ns, slice_of(msg, n), &text, e)) == 0)
		fputs(text.p, stdout);
	str_clear(&text);
	free(msg);
	return r;
}

static int
sign_file(const char *path, const char *ns, struct err *e)
{
	struct key *k = NULL;
	int r;

	if ((r = key_load_file(path, &old_pass, &k, e)) == 0)
		r = print_sshsig(k, ns, e);
	key_free(k);
	return r;
}

static int
sign_agent(const char *path, const char *ns, struct err *e)
{
	struct pubkey *pub = NULL;
	struct key *k = NULL;
	int r;

	if ((r = person_pubkey(path, &pub, e)) == 0 &&
	    (r = key_from_agent(NULL, pub, &k, e)) == 0)
		r = print_sshsig(k, ns, e);
	key_free(k);
	pubkey_free(pub);
	return r;
}

static int
sign_person(const char *path, const char *ns, struct err *e)
{
	struct str text = STR_INIT;
	char *msg = NULL;
	size_t n = 0;
	int r;

	if ((r = file_read("-", 1 << 20, &msg, &n, e)) == 0 &&
	    (r = person_sign(path, ns, slice_of(msg, n), &text, e)) == 0)
		fputs(text.p, stdout);
	str_clear(&text);
	free(msg);
	return r;
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int n_args;
		int (*run)(const char *a, const char *b, struct err *e);
	} commands[] = {
	    {"generate", 2, generate},
	    {"convert", 2, convert},
	    {"public", 1, print_public},
	    {"sign", 2, sign_file},
	    {"agent", 2, sign_agent},
	    {"person", 2, sign_person},
	};
	struct err e = {0};
	int r = ERR_USAGE;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (argc >= 3 && strcmp(argv[1], commands[i].name) == 0 &&
		    argc == commands[i].n_args + 2)
			r = commands[i].run(argv[2], argv[3], &e);
	if (r == 0)
		return 0;
	fprintf(stderr, "keytool: %s\n",
	    e.msg[0] != '\0' ? e.msg : err_text(r));
	return 1;
}
