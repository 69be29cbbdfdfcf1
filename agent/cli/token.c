/* SPDX-License-Identifier: ISC */
/*
 * writ fleet token new: a key that lets hosts in which nobody knows yet, for
 * cloud-init and its kin.  The private half goes to a file that only its owner
 * reads, and says in its comment which token statement it is of and which roles
 * that gives; the statement, signed by an operator, says for which ids, how often,
 * and until when.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/cli/cli.h"
#include "agent/cli/online.h"
#include "lib/base/file.h"
#include "lib/cli/signing.h"
#include "lib/key/key.h"

#define TOKEN_LIFE (INT64_C(86400))

struct minting {
	struct online o;
	struct key *key;
	struct statement s;
	const char *path; /* of the private half */
};

static int
fill(const struct cli_args *a, struct minting *m, struct err *e)
{
	struct token_statement *t = &m->s.u.token;
	const char *count = cli_get(a, "count"),
		   *expires = cli_get(a, "expires");
	char quoted[QUOTE_MAX];
	int r;

	t->count = 1;
	t->expires = m->o.by.now + TOKEN_LIFE;
	if (!token_pattern_is_valid(cli_operand(a, 0)))
		return err_set(e, ERR_USAGE,
		    "%s is no pattern of ids, expected one like "
		    "web-*.example.com, and not all hosts",
		    str_quote(quoted, cli_operand(a, 0)));
	if (count != NULL &&
	    parse_u64(count, 1, TOKEN_COUNT_MAX, &t->count) != 0)
		return err_set(e, ERR_USAGE,
		    "--count is %s, expected how many hosts it lets in, at "
		    "most %d",
		    str_quote(quoted, count), TOKEN_COUNT_MAX);
	if (expires != NULL &&
	    (r = cli_time("--expires", expires, m->o.by.now, 1, &t->expires,
		 e)) != 0)
		return r;
	if ((t->hosts = str_dup(cli_operand(a, 0))) == NULL ||
	    pubkey_dup(key_public(m->key), &t->key) != 0 ||
	    strs_dup(cli_all(a, "role"), &t->roles) != 0)
		return err_nomem(e);
	return 0;
}

/* Before anything is signed: a token whose key is nowhere lets nobody in. */
static int
write_key(const struct minting *m, struct err *e)
{
	char hex[HASH_HEX], *comment = NULL;
	struct str message = STR_INIT, text = STR_INIT, said = STR_INIT;
	struct hash name;
	int r;

	if ((r = statement_encode(&m->s, &message, e)) != 0)
		goto out;
	hash_sha256(message.p, message.n, &name);
	hash_hex(&name, hex);
	str_addf(&said, "writ-token:%s", hex);
	/* The host that has it does not have the statement. */
	for (size_t i = 0; i < m->s.u.token.roles.n; i++)
		str_addf(&said, " %s", m->s.u.token.roles.v[i]);
	if (str_take(&said, &comment) != 0) {
		r = err_nomem(e);
		goto out;
	}
	if ((r = key_encode_openssh(m->key, comment, NULL, 0, &text, e)) == 0)
		r = file_write(m->path, text.p, text.n, 0600, FILE_NEW, e);
out:
	free(comment);
	str_clear(&message);
	str_clear(&text);
	return r;
}

static int
mint(const struct cli_args *a, struct minting *m, struct err *e)
{
	const char *out = cli_get(a, "o");
	struct saying y = {.s = &m->s,
	    .question = "Sign this token?",
	    .done = "the token is valid",
	    .yes = cli_flag(a, "y"),
	    .out = out};
	int r;

	if ((r = key_generate(PUBKEY_ED25519, &m->key, e)) != 0 ||
	    (r = cli_new_statement(&m->s, ST_TOKEN, &m->o.by.trust.realm,
		 m->o.by.person, e)) != 0 ||
	    (r = fill(a, m, e)) != 0 ||
	    (out == NULL && (r = online_connect(&m->o, e)) != 0) ||
	    (r = write_key(m, e)) != 0)
		return r;
	r = online_say(&m->o, &y, e);
	/* One that is kept may be sent yet. */
	if (r != 0 && r != ERR_NET)
		(void)unlink(m->path);
	else
		printf("%s is its key; whoever has it lets in %llu host%s\n",
		    m->path, (unsigned long long)m->s.u.token.count,
		    m->s.u.token.count == 1 ? "" : "s");
	return r;
}

static int
run_token_new(struct cli_args *a, struct err *e)
{
	struct minting m = {.path = cli_get(a, "key")};
	int r;

	statement_init(&m.s, ST_TOKEN);
	if (m.path == NULL)
		return err_set(e, ERR_USAGE,
		    "where is its private key to go? expected --key FILE");
	if (file_exists(m.path))
		return err_set(e, ERR_EXISTS,
		    "%s is there already, expected a new name", m.path);
	if ((r = online_open(a,
		 ONLINE_SIGNS | (cli_get(a, "o") == NULL ? ONLINE_FAR : 0),
		 &m.o, e)) == 0)
		r = mint(a, &m, e);
	key_free(m.key);
	statement_clear(&m.s);
	online_clear(&m.o);
	return r;
}

static const struct cli_option new_options[] = {ONLINE_KEY,
    {0, "key", "FILE", "where its private key goes, 0600"},
    {0, "count", "N", "how many hosts it lets in (1)"},
    {0, "expires", "SPAN|TIME", "until when (1d)"},
    {0, "role", "ROLE", "a role they have; may be repeated"}, ONLINE_OUT,
    ONLINE_MASTER, CLI_YES};
static const struct cli_option list_options[] = {
    ONLINE_KEY, ONLINE_MASTER, CLI_JSON, CLI_CSV};

static const struct cli_command subs[] = {
    {.name = "new",
	.operands = "PATTERN",
	.summary = "a key that lets in hosts whose id matches",
	CLI_OPTIONS(new_options),
	.min_operands = 1,
	.max_operands = 1,
	.run = run_token_new},
    {.name = "list",
	.operands = "",
	.summary = "tokens that count",
	CLI_OPTIONS(list_options),
	.run = run_token_list},
};

const struct cli_command cmd_token = {.name = "token",
    .operands = "",
    .summary = "keys that let in hosts nobody knows yet",
    CLI_SUBS(subs)};
