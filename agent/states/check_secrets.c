/* SPDX-License-Identifier: ISC */
/*
 * Pillar is not for secrets: the master reads it, and so does every host that
 * gets it, and it is kept as long as the bundle.  What looks like one is
 * refused; this is a net with holes, and finds the usual slips.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "agent/states/check_impl.h"

#define SECRET_MIN      16 /* bytes: shorter ones are words */
#define SECRET_DISTINCT 8  /* of its characters, as chance would have it */

enum suspicion { NONE, IF_RANDOM, ALWAYS };

/* What the last words of a key say of its value. */
static const struct {
	const char *word;
	enum suspicion s;
} words[] = {
    {"password", ALWAYS},
    {"passwd", ALWAYS},
    {"passphrase", ALWAYS},
    {"private_key", ALWAYS},
    {"secret", IF_RANDOM},
    {"secret_key", IF_RANDOM},
    {"token", IF_RANDOM},
    {"tokens", IF_RANDOM},
    {"secrets", IF_RANDOM},
    {"api_key", IF_RANDOM},
    {"apikey", IF_RANDOM},
    {"access_key", IF_RANDOM},
    {"credential", IF_RANDOM},
    {"credentials", IF_RANDOM},
};

/* "db-Password" ends in the word password. */
static enum suspicion
suspect(const char *key)
{
	char low[YAML_KEY_MAX + 1];
	size_t n = strlen(key);

	for (size_t i = 0; i <= n; i++)
		low[i] =
		    key[i] == '-' ? '_' : (char)tolower((unsigned char)key[i]);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t w = strlen(words[i].word);

		if (n >= w && strcmp(low + n - w, words[i].word) == 0 &&
		    (n == w || low[n - w - 1] == '_' || low[n - w - 1] == '.'))
			return words[i].s;
	}
	return NONE;
}

/* Hex or base64, with letters and digits: no word, no name of a host. */
static bool
is_random(const char *text, size_t n)
{
	static const char digits[] = "0123456789";
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t distinct = 0;
	char set[80];

	(void)snprintf(set, sizeof(set), "%s%s+/=_-", digits, letters);
	if (n < SECRET_MIN || strspn(text, set) != n ||
	    strpbrk(text, digits) == NULL || strpbrk(text, letters) == NULL)
		return false;
	for (const char *c = set; *c != '\0'; c++)
		distinct += strchr(text, *c) != NULL;
	return distinct >= SECRET_DISTINCT;
}

/* Whatever its key is called: NULL where it is none. */
static const char *
is_secret(const char *text)
{
	static const char *const hashes[] = {"$1$", "$2a$", "$2b$", "$2y$",
	    "$5$", "$6$", "$y$", "$gy$", "$7$", "$argon2"};
	static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

	if (strstr(text, "PRIVATE KEY-----") != NULL ||
	    strstr(text, "PRIVATE KEY BLOCK-----") != NULL)
		return "a private key";
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
		if (strncmp(text, hashes[i], strlen(hashes[i])) == 0)
			return "the hash of a password";
	if ((strncmp(text, "AKIA", 4) == 0 || strncmp(text, "ASIA", 4) == 0) &&
	    strlen(text) == 20 && strspn(text, upper) == 20)
		return "a key of AWS";
	return NULL;
}

static void
say(struct conf_diags *d, struct conf_pos pos, const char *key,
    const char *what)
{
	char quoted[QUOTE_MAX];

	conf_error(d, pos,
	    "%s looks like %s, expected none: whoever has the bundle or gets "
	    "this pillar reads it",
	    str_quote(quoted, key), what);
}

/* A public key is called a key, and is none to hide. */
static bool
is_public(const char *text)
{
	return strncmp(text, "ssh-", 4) == 0 ||
	    strncmp(text, "ecdsa-", 6) == 0 || strncmp(text, "sk-", 3) == 0 ||
	    strncmp(text, "SHA256:", 7) == 0;
}

static void
look(struct conf_diags *d, const struct yaml_node *n, const char *key,
    enum suspicion s, bool pillar)
{
	const char *what;

	if (n->kind == YAML_LIST) {
		for (size_t i = 0; i < n->n; i++)
			look(d, n->items[i], key, s, pillar);
		return;
	}
	if (n->kind == YAML_MAP) {
		for (size_t i = 0; i < n->n; i++) {
			enum suspicion of = suspect(n->pairs[i].key);

			look(d, n->pairs[i].value, n->pairs[i].key,
			    of > s ? of : s, pillar);
		}
		return;
	}
	if ((what = is_secret(n->text)) != NULL)
		say(d, n->pos, key, what);
	else if (!pillar || n->n == 0 || strncmp(n->text, "${", 2) == 0 ||
	    is_public(n->text))
		return;
	else if (s == ALWAYS || (s == IF_RANDOM && is_random(n->text, n->n)))
		say(d, n->pos, key, "a secret");
}

void
check_secrets(const struct fleet *f, struct conf_diags *diags)
{
	const struct yaml_node *root;
	const char *name;

	for (size_t i = 0; fleet_pillar_at(f, i, &name, &root); i++)
		if (root != NULL)
			look(diags, root, name, NONE, true);
	/* Parameters have names of their own; what is a secret by its looks is
	   one there too. */
	for (size_t i = 0; i < f->n_files; i++)
		for (size_t j = 0; j < f->files[i].n_states; j++)
			look(diags, f->files[i].states[j].params,
			    f->files[i].states[j].id, NONE, false);
}
