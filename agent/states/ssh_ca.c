/* SPDX-License-Identifier: ISC */
/*
 * ssh_ca: who may log in with a certificate, and as whom.
 *
 * Below /etc/ssh/writ: the policy's user CAs; for each account the principals
 * that may log in to it; the revocation list; the certificate of the host's own
 * key.  A drop-in of ours, before all others, makes sshd use them and nothing
 * else, for every connection (sshd_want.h).  AuthorizedPrincipalsFile is always
 * set: an account without a file there lets no certificate in, and one whose
 * list is empty neither.
 *
 * A revocation list never gives way to an older one: its version is kept beside
 * it.  A list that is gone and cannot be replaced is no reason to go on
 * without: then nothing is changed, and it is said.
 *
 * A run that fails half way leaves whole files, old ones or new.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/states/kinds.h"
#include "agent/states/ssh_ca_impl.h"
#include "agent/states/sshd_proof.h"
#include "agent/states/words.h"
#include "lib/base/file.h"
#include "lib/ssh/krl.h"

static bool
is_absent(const void *params)
{
	return ((const struct ssh_ca_params *)params)->absent;
}

static int
owns(const void *params, struct strs *out)
{
	static const char *const names[] = {"TrustedUserCAKeys",
	    "AuthorizedPrincipalsFile", "AuthorizedPrincipalsCommand",
	    "RevokedKeys", "HostCertificate"};
	char name[64];
	int r;

	(void)params;
	if ((r = strs_add(out, SSHD_OURS_CA)) == 0)
		r = strs_add(out, CA_DIR);
	for (size_t i = 0; r == 0 && i < sizeof(names) / sizeof(names[0]);
	     i++) {
		/* As sshd_config names the keywords that it says. */
		(void)snprintf(name, sizeof(name), "sshd:%s", names[i]);
		r = strs_add(out, name);
	}
	return r;
}

/* --- after the plan ------------------------------------------------------ */
static int
validate(struct host *h, const struct state_env *env, const void *params,
    struct err *e)
{
	const struct ssh_ca_params *p = params;
	const char *const argv[] = {"sshd", "-t", NULL};
	struct ssh_ca_observed o = {0};
	struct sshd_want want = {0};
	int r;

	if (p->absent)
		return host_run_ok(h, argv, slice_str(""), NULL, e);
	if ((r = ssh_ca_observe_files(h, &o, e)) == 0 &&
	    ssh_ca_want(o.krl.text != NULL, o.cert.text != NULL, &want) != 0)
		r = err_nomem(e);
	if (r == 0)
		r = sshd_want_validate(h, env, SSHD_OURS_CA, &want, e);
	sshd_want_clear(&want);
	ssh_ca_observed_clear(&o);
	return r;
}

/* A list that revokes every user CA would end every login by certificate. */
static int
prove_krl(struct host *h, const struct state_env *env, struct err *e)
{
	struct krl *k = NULL;
	bool left = false;
	char *text;
	size_t n;
	int r;

	if ((r = state_read(h, CA_KRL, &text, &n, e)) != 0 || text == NULL)
		return r;
	if ((r = krl_parse(slice_of(text, n), &k, e)) == 0) {
		for (size_t i = 0; i < env->policy->n_authorities; i++)
			left = left ||
			    (env->policy->authorities[i].user &&
				!krl_revokes_key(k,
				    env->policy->authorities[i].key));
		if (!left)
			r = err_set(e, ERR_DENIED,
			    "everybody would be locked out: the KRL revokes "
			    "every user CA");
	}
	krl_free(k);
	free(text);
	return r;
}

static int
proof(struct host *h, const struct state_env *env, const void *params,
    struct err *e)
{
	const struct ssh_ca_params *p = params;
	int r;

	if (!p->absent && env->policy != NULL &&
	    (r = prove_krl(h, env, e)) != 0)
		return r;
	return sshd_proof(h, env, e);
}

static int
activate(struct host *h, const struct state_env *env, const void *params,
    struct err *e)
{
	(void)env;
	(void)params;
	return sshd_reload(h, e);
}

static int
sign_bytes(const char *what, struct slice s, struct str *out)
{
	struct hash hash;

	hash_sha256(s.p != NULL ? s.p : (const uint8_t *)"", s.n, &hash);
	str_addf(out, "%s ", what);
	str_add_hex(out, hash.b, sizeof(hash.b));
	str_addc(out, '\n');
	return str_check(out);
}

static int
fingerprint(struct host *h, const struct state_env *env, const void *params,
    struct str *out, struct err *e)
{
	static const char *const files[] = {CA_KEYS, CA_KRL, CA_KRL_VERSION,
	    CA_HOST_CERT, CA_PRINCIPALS, "/etc/ssh"};
	const struct ssh_ca_params *p = params;
	struct str keys = STR_INIT;
	int r;

	if ((r = sshd_sign(h, SSHD_OURS_CA, out, e)) != 0)
		return r == 1 ? 0 : r;
	for (size_t i = 0; r == 0 && i < sizeof(files) / sizeof(files[0]); i++)
		r = state_sign_path(h, files[i], out, e);
	for (size_t i = 0; r == 0 && i < p->n; i++) {
		char *path = NULL;

		r = path_join(CA_PRINCIPALS, p->v[i].name, &path) == 0
		    ? state_sign_path(h, path, out, e)
		    : err_nomem(e);
		free(path);
	}
	if (r == 0 &&
	    ((env->policy != NULL && ca_keys_text(env->policy, &keys) != 0) ||
		sign_bytes("keys", slice_of(keys.p, keys.n), out) != 0 ||
		sign_bytes("krl", env->krl, out) != 0 ||
		sign_bytes("cert", env->host_cert, out) != 0))
		r = err_nomem(e);
	str_clear(&keys);
	return r;
}

/* One file of principals, "account: [a, b]". */
static void
show_account(const char *name, const char *text, struct str *out)
{
	struct slice rest = slice_str(text), line, word;
	bool first = true;

	str_addf(out, "    %s: [", name);
	while (state_next_line(&rest, &line)) {
		struct slice last = {NULL, 0};

		if (line.n > 0 && line.p[0] == '#')
			continue;
		while (state_next_word(&line, &word))
			last = word; /* options come before it */
		if (last.n == 0)
			continue;
		str_addf(out, "%s\"%.*s\"", first ? "" : ", ", (int)last.n,
		    (const char *)last.p);
		first = false;
	}
	str_add(out, "]\n");
}

/* Where AuthorizedPrincipalsFile is a directory by account, whoever made it. */
static int
show_dir(struct host *h, const char *dir, struct str *out, struct err *e)
{
	struct strs names = {0};
	int r;

	if ((r = host_list(h, dir, &names, e)) == ERR_NOTFOUND)
		r = 0;
	if (r == 0 && names.n > 0)
		str_add(out, "ssh_ca:\n  accounts:\n");
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		char *path = NULL, *text = NULL;
		size_t n;

		if (!ssh_ca_is_account(names.v[i]))
			continue;
		if (path_join(dir, names.v[i], &path) != 0)
			r = err_nomem(e);
		else if ((r = state_read(h, path, &text, &n, e)) == 0 &&
		    text != NULL)
			show_account(names.v[i], text, out);
		free(text);
		free(path);
	}
	strs_clear(&names);
	return r == 0 && str_check(out) != 0 ? err_nomem(e) : r;
}

static int
show(struct host *h, struct str *out, struct err *e)
{
	const struct sshd_word *word = sshd_word("AuthorizedPrincipalsFile");
	struct sshd_tree t = {0};
	int r;

	if ((r = sshd_tree_read(h, SSHD_OURS_CA, &t, e)) != 0)
		return r;
	for (size_t i = 0; i < t.n; i++) {
		const char *v = t.v[i].args.n > 0 ? t.v[i].args.v[0] : "";
		size_t n = strlen(v);
		char *dir;

		if (t.v[i].word != word || t.v[i].match != 0)
			continue;
		if (n > 3 && *v == '/' && strcmp(v + n - 3, "/%u") == 0) {
			if ((dir = str_dupn(v, n - 3)) == NULL)
				r = err_nomem(e);
			else
				r = show_dir(h, dir, out, e);
			free(dir);
		}
		break;
	}
	sshd_tree_clear(&t);
	return r;
}

const struct state_ops state_ssh_ca = {
    .name = "ssh_ca",
    .summary = "who may log in with a certificate, and as whom",
    .flags = STATE_WAY_IN,
    .params_size = sizeof(struct ssh_ca_params),
    .observed_size = sizeof(struct ssh_ca_observed),
    .parse = ssh_ca_parse,
    .owns = owns,
    .is_absent = is_absent,
    .observe = ssh_ca_observe,
    .plan = ssh_ca_plan,
    .validate = validate,
    .proof = proof,
    .activate = activate,
    .fingerprint = fingerprint,
    .show = show,
    .params_clear = ssh_ca_params_clear,
    .observed_clear = ssh_ca_observed_clear,
};
