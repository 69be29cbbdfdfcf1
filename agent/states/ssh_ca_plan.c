/* SPDX-License-Identifier: ISC */
/*
 * What is to change for the state ssh_ca.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/states/ssh_ca_impl.h"
#include "lib/base/file.h"

struct planning {
	const struct state_env *env;
	const struct ssh_ca_params *p;
	const struct ssh_ca_observed *o;
	struct plan *out;
	enum ca_krl krl;
	uint64_t krl_had;
};

int
ssh_ca_want(bool revoked, bool certified, struct sshd_want *out)
{
	int r;

	if ((r = sshd_want_add(out, "TrustedUserCAKeys", CA_KEYS)) != 0 ||
	    (r = sshd_want_add(out, "AuthorizedPrincipalsFile",
		 CA_PRINCIPALS "/%u")) != 0 ||
	    /* A program could name principals that the policy does not. */
	    (r = sshd_want_add(out, "AuthorizedPrincipalsCommand", "none")) !=
		0)
		return r;
	if (revoked && (r = sshd_want_add(out, "RevokedKeys", CA_KRL)) != 0)
		return r;
	return certified ? sshd_want_add(out, "HostCertificate", CA_HOST_CERT)
			 : 0;
}

/* A file of ours; away: what it takes is access alone. */
static int
put(struct planning *pl, const char *path, const struct sshd_file *have,
    struct slice text, bool away, const char *what)
{
	int r;

	if (have != NULL && sshd_file_is(have, text, 0644))
		return 0;
	if (have != NULL && have->odd != NULL)
		return plan_note(pl->out, PLAN_IMPOSSIBLE, "%s", have->odd);
	if ((r = plan_file(pl->out, path, 0644, 0, 0, text, true, "%s",
		 what)) == 0)
		pl->out->v[pl->out->n - 1].takes_away = away;
	return r;
}

static int
plan_keys(struct planning *pl)
{
	const struct sshd_file *have = &pl->o->keys;
	struct str text = STR_INIT;
	int r;

	if ((r = ca_keys_text(pl->env->policy, &text)) == 0)
		r = put(pl, CA_KEYS, have, slice_of(text.p, text.n),
		    have->text != NULL && ca_lines_within(text.p, have->text),
		    "the policy's user CAs");
	str_clear(&text);
	return r;
}

static const struct sshd_file *
file_of(const struct ssh_ca_observed *o, const char *name)
{
	for (size_t i = 0; i < o->n; i++)
		if (strcmp(o->v[i].name, name) == 0)
			return &o->v[i].file;
	return NULL;
}

static int
plan_account(struct planning *pl, const struct ca_account *a)
{
	const struct sshd_file *have = file_of(pl->o, a->name);
	struct str text = STR_INIT, what = STR_INIT;
	char *path = NULL;
	int r;

	str_addf(&what, "%s: ", a->name);
	strs_join(&a->principals, " ", &what);
	if (a->principals.n == 0)
		str_add(&what, "nobody");
	if ((r = path_join(CA_PRINCIPALS, a->name, &path)) == 0 &&
	    (r = str_check(&what)) == 0 &&
	    (r = ca_principals_text(a, &text)) == 0)
		r = put(pl, path, have, slice_of(text.p, text.n),
		    have != NULL && have->text != NULL &&
			ca_lines_within(text.p, have->text),
		    what.p);
	free(path);
	str_clear(&text);
	str_clear(&what);
	return r;
}

static bool
has_account(const struct ssh_ca_params *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->v[i].name, name) == 0)
			return true;
	return false;
}

/* Files of accounts that the policy does not name any more. */
static int
plan_strangers(struct planning *pl)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < pl->o->n; i++) {
		const char *name = pl->o->v[i].name;
		char *path = NULL;

		if (!pl->p->absent && has_account(pl->p, name))
			continue;
		if ((r = path_join(CA_PRINCIPALS, name, &path)) == 0 &&
		    (r = plan_absent(pl->out, path, true,
			 "%s: nobody, since the policy does not name it",
			 name)) == 0)
			pl->out->v[pl->out->n - 1].takes_away = true;
		free(path);
	}
	return r;
}

static int
plan_krl(struct planning *pl)
{
	struct str text = STR_INIT, what = STR_INIT;
	int r;

	if (pl->krl == CA_KRL_STUCK)
		return plan_note(pl->out, PLAN_IMPOSSIBLE,
		    "the KRL of version %" PRIu64
		    " that this host had is gone, and %s is offered",
		    pl->krl_had, pl->env->krl.n > 0 ? "an older one" : "none");
	if (pl->krl != CA_KRL_WRITE)
		return 0;
	str_addf(&text, "%" PRIu64 "\n", pl->env->krl_version);
	str_addf(&what, "revocation list, version %" PRIu64,
	    pl->env->krl_version);
	/* The version first: a list without it could be followed by an older
	   one. */
	if ((r = str_check(&text)) == 0 && (r = str_check(&what)) == 0 &&
	    (r = put(pl, CA_KRL_VERSION, &pl->o->krl_version,
		 slice_of(text.p, text.n), true, what.p)) == 0)
		r = put(pl, CA_KRL, &pl->o->krl, pl->env->krl, true, what.p);
	str_clear(&text);
	str_clear(&what);
	return r;
}

/* 1: with a note, it is not for this host. */
static int
plan_cert(struct planning *pl)
{
	struct str text = STR_INIT;
	struct err why = {0};
	int r;

	if (pl->env->host_cert.n == 0)
		return 0;
	if ((r = ca_host_cert_check(pl->env, &pl->o->host_keys, &why)) != 0) {
		if (r == ERR_NOMEM)
			return r;
		r = plan_note(pl->out, PLAN_IMPOSSIBLE, "%s", why.msg);
		return r == 0 ? 1 : r;
	}
	str_addn(&text, (const char *)pl->env->host_cert.p,
	    pl->env->host_cert.n);
	if (text.n > 0 && text.p[text.n - 1] != '\n')
		str_addc(&text, '\n');
	if ((r = str_check(&text)) == 0)
		r = put(pl, CA_HOST_CERT, &pl->o->cert,
		    slice_of(text.p, text.n), false,
		    "the certificate of this host's key");
	str_clear(&text);
	return r;
}

static int
plan_proofs(struct planning *pl)
{
	struct str s = STR_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < pl->o->no_account.n; i++) {
		str_reset(&s);
		str_addf(&s, "account %s is not on this host",
		    pl->o->no_account.v[i]);
		if ((r = str_check(&s)) == 0)
			r = strs_add(&pl->out->proofs, s.p);
	}
	str_reset(&s);
	if (pl->krl == CA_KRL_KEEP && pl->env->krl.n > 0) {
		str_addf(&s,
		    "KRL %" PRIu64 " stays, older %" PRIu64 " was offered",
		    pl->krl_had, pl->env->krl_version);
		if (r == 0 && (r = str_check(&s)) == 0)
			r = strs_add(&pl->out->proofs, s.p);
	}
	str_clear(&s);
	return r;
}

/* All files but the drop-in, which uses them and so comes last. */
static int
plan_files(struct planning *pl)
{
	int r;

	if ((r = plan_keys(pl)) != 0)
		return r;
	for (size_t i = 0; r == 0 && i < pl->p->n; i++)
		r = plan_account(pl, &pl->p->v[i]);
	if (r != 0 || (r = plan_strangers(pl)) != 0 || (r = plan_krl(pl)) != 0)
		return r;
	return plan_cert(pl);
}

static int
plan_present(struct planning *pl, struct err *e)
{
	struct sshd_want want = {0};
	struct err why = {0};
	int r;

	if (pl->env->policy == NULL || pl->env->policy->user_cas.n == 0) {
		r = plan_note(pl->out, PLAN_IMPOSSIBLE,
		    "no user CA is known, expected a policy bundle");
		return r == 0 ? 0 : err_nomem(e);
	}
	r = ca_krl_choose(pl->env, &pl->o->krl, &pl->o->krl_version, &pl->krl,
	    &pl->krl_had, &why);
	if (r == ERR_PARSE) {
		r = plan_note(pl->out, PLAN_IMPOSSIBLE, "%s", why.msg);
		return r == 0 ? 0 : err_nomem(e);
	}
	if (r != 0 || (r = plan_files(pl)) != 0)
		goto out;
	if (pl->out->verdict != PLAN_OK)
		goto out;
	if ((r = ssh_ca_want(pl->krl != CA_KRL_NONE,
		 pl->env->host_cert.n > 0 || pl->o->cert.text != NULL,
		 &want)) == 0)
		r = sshd_want_plan(&want, &pl->o->seen, SSHD_OURS_CA,
		    &pl->o->dropin, pl->out, e);
	if (r == 0)
		r = plan_proofs(pl);
out:
	sshd_want_clear(&want);
	if (r == 1)
		r = 0;
	return r == ERR_NOMEM ? err_nomem(e) : r;
}

static int
plan_removal(struct planning *pl, struct err *e)
{
	const struct {
		const char *path;
		const struct sshd_file *file;
	} files[] = {
	    {CA_KEYS, &pl->o->keys},
	    {CA_KRL, &pl->o->krl},
	    {CA_KRL_VERSION, &pl->o->krl_version},
	    {CA_HOST_CERT, &pl->o->cert},
	};
	int r;

	/* First what uses the files. */
	if ((r = sshd_want_unplan(&pl->o->seen, SSHD_OURS_CA, &pl->o->dropin,
		 pl->o->config_there, pl->out, e)) != 0)
		return r;
	for (size_t i = 0; r == 0 && i < sizeof(files) / sizeof(files[0]); i++)
		if (files[i].file->text != NULL)
			r = plan_absent(pl->out, files[i].path, true,
			    "take it away with the state");
	if (r == 0)
		r = plan_strangers(pl);
	return r == 0 ? 0 : err_nomem(e);
}

int
ssh_ca_plan(const struct state_env *env, const void *params,
    const void *observed, struct plan *out, struct err *e)
{
	struct planning pl = {
	    .env = env, .p = params, .o = observed, .out = out};

	return pl.p->absent ? plan_removal(&pl, e) : plan_present(&pl, e);
}
