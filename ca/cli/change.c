/* SPDX-License-Identifier: ISC */
/* writ key, writ revoke, writ krl: who may still ask, and what still holds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/cli/cli.h"
#include "ca/cli/remote.h"
#include "ca/client/unsent.h"
#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/key/person.h"
#include "lib/trust/policy.h"

/* --- key ------------------------------------------------------------------ */

/* Where the policy comes from and the statement goes to. */
struct change {
	struct cli_args *a;
	bool far; /* a CA gets it */
	struct remote r;
	struct cli_world w;
	char *own; /* the key that signs */
	const struct person *who;
};

static int
change_open(struct change *c, struct cli_args *a, struct err *e)
{
	int r;

	memset(c, 0, sizeof(*c));
	c->a = a;
	c->far = cli_is_remote(a) && cli_get(a, "o") == NULL;
	cli_remote_init(&c->r);
	if (!c->far) {
		if ((r = cli_world_open(a, &c->w, e)) != 0)
			return r;
		return cli_signer(a, c->w.trust->policy, c->w.standing, &c->own,
		    &c->who, e);
	}
	if ((r = cli_remote_open(&c->r, e)) != 0)
		return r;
	cli_remote_world(&c->r, &c->w);
	return cli_remote_signer(a, &c->r, &c->own, &c->who, e);
}

static void
change_close(struct change *c)
{
	if (!c->far)
		cli_world_clear(&c->w);
	remote_clear(&c->r);
	free(c->own);
}

/* To the CA, which says what it came to. */
static int
change_send(struct change *c, const char *text, struct err *e)
{
	struct strs one = {0};
	const json_t *first, *notes = NULL, *note;
	json_t *results = NULL;
	int status = 0, r;
	size_t i;

	if (strs_add(&one, text) != 0)
		return err_nomem(e);
	r = unsent_submit(&c->r, &one, &status, &results, e);
	if (r == ERR_NET && unsent_keep(&c->r.profile, text, NULL) == 0)
		err_hint(e,
		    "it is signed and kept; the next writ command that "
		    "reaches the CA sends it");
	if (r != 0)
		goto out;
	first = json_array_get(results, 0);
	if ((r = link_error(first, status, e)) != 0 ||
	    (r = json_array_of(first, "notes", JSON_OPTIONAL | JSON_EMPTY_OK,
		 100, &notes, e)) != 0)
		goto out;
	printf("sent\n");
	json_array_foreach (notes, i, note) {
		const char *said = json_string_value(note);

		if (said != NULL && text_is_clean(said, strlen(said), NULL))
			printf("%s\n", said);
	}
	r = status;
out:
	json_decref(results);
	strs_clear(&one);
	return r;
}

/* The person whose key -i is, who signs for the new or the old one. */
static int
key_statement(struct cli_args *a, bool add, struct err *e)
{
	const char *file = cli_operand(a, 0), *keys[2];
	struct change c;
	struct statement s;
	struct str text = STR_INIT;
	size_t n = 0;
	int r;

	statement_init(&s, ST_KEY);
	if ((r = change_open(&c, a, e)) != 0 ||
	    (r = cli_new_statement(&s, ST_KEY, &c.w.trust->realm, c.who->id,
		 e)) != 0 ||
	    (r = person_read_pubkey(file, &s.u.k.key, e)) != 0)
		goto out;
	keys[n++] = c.own;
	s.u.k.add = add;
	if ((s.u.k.person = str_dup(c.who->id)) == NULL) {
		r = err_nomem(e);
		goto out;
	}
	/* Whoever adds a key proves that he has it. */
	if (add)
		keys[n++] = file;
	if ((r = cli_sign_statement(&s, keys, n, &text, e)) == 0)
		r = c.far ? change_send(&c, text.p, e)
			  : cli_write_new(cli_get(a, "o"),
				slice_of(text.p, text.n), e);
out:
	str_clear(&text);
	statement_clear(&s);
	change_close(&c);
	return r;
}

static int
run_key_add(struct cli_args *a, struct err *e)
{
	return key_statement(a, true, e);
}

static int
run_key_retire(struct cli_args *a, struct err *e)
{
	return key_statement(a, false, e);
}

/* --- revoke --------------------------------------------------------------- */

static int
fill_serials(const struct cli_args *a, struct revoke *v, struct err *e)
{
	size_t n = cli_n_operands(a);

	if (n == 0)
		return 0;
	if (n > REVOKE_SERIALS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d serials",
		    REVOKE_SERIALS_MAX);
	if ((v->serials = calloc(n, sizeof(*v->serials))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < n; i++) {
		char quoted[QUOTE_MAX];

		if (parse_u64(cli_operand(a, i), 1, UINT64_MAX,
			&v->serials[i]) != 0)
			return err_set(e, ERR_USAGE,
			    "%s is no serial, expected a number from 1",
			    str_quote(quoted, cli_operand(a, i)));
		v->n_serials++;
	}
	return 0;
}

static int
copy(const char *from, char **to, struct err *e)
{
	if (from != NULL && (*to = str_dup(from)) == NULL)
		return err_nomem(e);
	return 0;
}

static int
fill_revoke(const struct cli_args *a, struct revoke *v, struct err *e)
{
	const char *file = cli_get(a, "key"), *person = cli_get(a, "person");
	char quoted[QUOTE_MAX];
	int n, r;

	if (cli_get(a, "reason") == NULL)
		return err_set(e, ERR_USAGE, "why? expected --reason TEXT");
	if ((r = cli_check_text("the reason", cli_get(a, "reason"),
		 STATEMENT_REASON_MAX, e)) != 0)
		return r;
	if (person != NULL && !id_is_valid(person))
		return err_set(e, ERR_USAGE, "%s is no id of a person",
		    str_quote(quoted, person));
	if ((r = cli_check_text("the key ID", cli_get(a, "key-id"), SIZE_MAX,
		 e)) != 0)
		return r;
	n = (cli_n_operands(a) > 0) + (file != NULL) +
	    (cli_get(a, "key-id") != NULL) + (cli_get(a, "person") != NULL);
	if (n != 1)
		return err_set(e, ERR_USAGE,
		    "expected one of SERIAL ..., --key-id, --person, --key");
	if ((r = fill_serials(a, v, e)) != 0 ||
	    (r = copy(cli_get(a, "key-id"), &v->key_id, e)) != 0 ||
	    (r = copy(cli_get(a, "person"), &v->person, e)) != 0 ||
	    (r = copy(cli_get(a, "reason"), &v->reason, e)) != 0)
		return r;
	return file != NULL ? person_read_pubkey(file, &v->key, e) : 0;
}

/* The list follows the revocation; the leaf alone stops no sshd. */
static int
list_revoked(struct local *l, struct err *e)
{
	int r = local_new_krl(l, NULL, e);

	if (r == 0)
		printf("revoked; hosts obey once they have the new list: writ "
		       "krl -o FILE\n");
	return r;
}

/* Into the log, then into the list. */
static int
act(struct cli_args *a, struct slice text, struct err *e)
{
	struct ledger_receipt receipt;
	struct keeper_leaves leaves = {0};
	struct local *l = NULL;
	struct statement s;
	int r;

	statement_init(&s, ST_REVOKE);
	if ((r = statement_parse("revocation", text, &s, e)) != 0 ||
	    (r = cli_open(a, LOCAL_LOG, &l, e)) != 0)
		goto out;
	r = keeper_apply(l->keeper, &s, NULL, 0, &leaves, e);
	if (r == ERR_EXISTS) {
		printf("%s\n", e != NULL ? e->msg : "revoked already");
		r = local_publish(l, e);
		goto out;
	}
	if (r == 0 && (r = local_commit(l, &leaves, &receipt, e)) == 0)
		r = list_revoked(l, e);
out:
	keeper_leaves_clear(&leaves);
	local_free(l);
	statement_clear(&s);
	return r;
}

/* A file names it, so that it can be passed on, or it takes effect. */
static int
revoke(struct change *c, struct statement *s, struct err *e)
{
	const struct strs *keys = cli_all(c->a, "i");
	const char *out = cli_get(c->a, "o"), *own = c->own;
	struct str text = STR_INIT;
	int r;

	if (keys->n > 0)
		r = cli_sign_statement(s, (const char *const *)keys->v, keys->n,
		    &text, e);
	else
		r = cli_sign_statement(s, &own, 1, &text, e);
	if (r == 0 && out != NULL)
		r = cli_write_new(out, slice_of(text.p, text.n), e);
	else if (r == 0)
		r = c->far ? change_send(c, text.p, e)
			   : act(c->a, slice_of(text.p, text.n), e);
	str_clear(&text);
	return r;
}

#define UNKNOWN_SHOWN 5

/* A certificate that the log does not have may be out there, so its serial is
 * revoked; the one that was meant, behind a slip of the pen, stays good. */
static void
warn_of_unknown(const struct change *c, const struct revoke *v)
{
	struct str list = STR_INIT;
	size_t n = 0;

	for (size_t i = 0; i < v->n_serials; i++) {
		struct leaf leaf;
		uint64_t index;

		leaf_init(&leaf);
		/* What cannot be read is told by whoever needs it. */
		if (keeper_find_issue(c->w.local->ledger, v->serials[i], &leaf,
			&index, NULL) == 1 &&
		    n++ < UNKNOWN_SHOWN)
			str_addf(&list, "%s%llu", n > 1 ? ", " : "",
			    (unsigned long long)v->serials[i]);
		leaf_clear(&leaf);
	}
	if (n > UNKNOWN_SHOWN)
		str_addf(&list, " and %zu more", n - UNKNOWN_SHOWN);
	if (n > 0 && str_check(&list) == 0)
		cli_warn("the log has no certificate with serial %s", list.p);
	str_clear(&list);
}

/* Who left the policy can still have certificates, so it is no error; but the
 * one who was meant, behind a slip of the pen, goes on logging in. */
static void
warn_of_nobody(const struct change *c, const struct revoke *v)
{
	if (v->person != NULL &&
	    policy_person(c->w.trust->policy, v->person) == NULL)
		cli_warn("the policy has no person %s", v->person);
}

static int
run_revoke(struct cli_args *a, struct err *e)
{
	struct change c;
	struct statement s;
	struct str shown = STR_INIT;
	int r;

	statement_init(&s, ST_REVOKE);
	if ((r = change_open(&c, a, e)) == 0 &&
	    (r = cli_new_statement(&s, ST_REVOKE, &c.w.trust->realm, c.who->id,
		 e)) == 0)
		r = fill_revoke(a, &s.u.v, e);
	if (r == 0)
		warn_of_nobody(&c, &s.u.v);
	if (r == 0 && !c.far && c.w.local != NULL)
		warn_of_unknown(&c, &s.u.v);
	/* The log must be closed before it is opened for writing. */
	if (!c.far)
		cli_world_clear(&c.w);
	if (r != 0)
		goto out;
	statement_describe(&s, &shown);
	fprintf(stderr, "%s", shown.p);
	if (!cli_flag(a, "y") && !cli_confirm("Revoke, for good?")) {
		r = err_set(e, ERR_DENIED, "nothing was revoked");
		goto out;
	}
	r = revoke(&c, &s, e);
out:
	str_clear(&shown);
	statement_clear(&s);
	change_close(&c);
	return r;
}

/* --- krl ------------------------------------------------------------------ */

static int
run_krl(struct cli_args *a, struct err *e)
{
	const char *path = cli_get(a, "o");
	struct buf *krl = NULL;
	struct slice s;
	int r;

	if (path == NULL)
		return err_set(e, ERR_USAGE, "where to? expected -o FILE");
	if ((r = cli_check_place(path, e)) != 0)
		return r;
	r = cli_is_remote(a) ? cli_remote_krl(&krl, e) : cli_krl(a, &krl, e);
	if (r != 0)
		return r;
	s = buf_slice(krl);
	if (strcmp(path, "-") == 0)
		r = fwrite(s.p, 1, s.n, stdout) == s.n
		    ? 0
		    : err_sys(e, "standard output");
	else
		r = file_write(path, s.p, s.n, 0644, 0, e);
	buf_free(krl);
	return r;
}

/* --- tables --------------------------------------------------------------- */

static const struct cli_option key_options[] = {
    {'i', NULL, "KEY", "a key that is yours already"},
    {'o', NULL, "FILE", "where to (standard output)"},
};
static const struct cli_command key_subs[] = {
    {.name = "add",
	.operands = "KEY.pub",
	.summary = "a further key of yours, signed by both",
	CLI_OPTIONS(key_options),
	.min_operands = 1,
	.max_operands = 1,
	.run = run_key_add},
    {.name = "retire",
	.operands = "KEY.pub",
	.summary = "a key of yours that is no longer used",
	CLI_OPTIONS(key_options),
	.min_operands = 1,
	.max_operands = 1,
	.run = run_key_retire},
};
const struct cli_command cmd_key = {.name = "key",
    .operands = "",
    .summary = "add or retire a key of yours",
    CLI_SUBS(key_subs)};

static const struct cli_option revoke_options[] = {
    {0, "key-id", "ID", "certificates with this key ID"},
    {0, "person", "ID", "a person: all certificates and keys"},
    {0, "key", "FILE", "a public key"},
    {0, "reason", "TEXT", "why; an auditor will read it"},
    {'i', NULL, "KEY", "your key; repeated where several must sign"},
    {'o', NULL, "FILE", "write the statement, for writ sign, and do nothing"},
    CLI_YES,
};
const struct cli_command cmd_revoke = {.name = "revoke",
    .operands = "[SERIAL ...]",
    .summary = "end a certificate, a key, a person",
    CLI_OPTIONS(revoke_options),
    .max_operands = REVOKE_SERIALS_MAX,
    .run = run_revoke};

static const struct cli_option krl_options[] = {
    {'o', NULL, "FILE", "where to; - for standard output"},
};
const struct cli_command cmd_krl = {.name = "krl",
    .operands = "",
    .summary = "the revocation list, for sshd's RevokedKeys",
    CLI_OPTIONS(krl_options),
    .run = run_krl};
