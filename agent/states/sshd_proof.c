/* SPDX-License-Identifier: ISC */
#include "agent/states/sshd_proof.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/states/accounts.h"
#include "agent/states/sshd_admits.h"
#include "agent/states/sshd_words.h"
#include "lib/ssh/pubkey.h"

#define CANDIDATES_MAX \
	1000 /* accounts that are looked at, if nobody is named */

/* --- the operator -------------------------------------------------------- */
struct proof {
	struct host *h;
	const struct state_env *env;
	struct sshd_class c;
	struct account a;
	struct err *e;
};

static int out_of(const struct proof *p, const char *fmt, ...)
    PRINTF_LIKE(2, 3);
static int
out_of(const struct proof *p, const char *fmt, ...)
{
	char quoted[QUOTE_MAX];
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = err_vset(p->e, ERR_DENIED, fmt, ap);
	va_end(ap);
	err_prefix(p->e, "%s would be locked out",
	    str_quote(quoted, p->env->operator_account));
	return r;
}

static bool
is_none(const char *s)
{
	return *s == '\0' || strcasecmp(s, "none") == 0;
}

static int
prove_account(struct proof *p)
{
	const char *root;
	struct host_stat st;
	int r;

	if ((r = account_find(p->h, p->env->operator_account, &p->a, p->e)) ==
	    ACCOUNT_NO)
		return out_of(p, "there is no such account on this host");
	if (r != 0)
		return r;
	root = sshd_dump_one(&p->c.dump, "permitrootlogin", "yes");
	if (p->a.uid == 0 &&
	    (strcmp(root, "no") == 0 ||
		strcmp(root, "forced-commands-only") == 0))
		return out_of(p, "PermitRootLogin %s", root);
	/* A login shell that is missing or no file is sshd's to refuse. */
	if ((r = host_stat(p->h, p->a.shell, &st, NULL)) == ERR_NOTFOUND)
		return out_of(p, "its shell %s is not there", p->a.shell);
	return 0;
}

static int
prove_lists(struct proof *p)
{
	const char *by =
	    sshd_lists_refuse(&p->c, p->env->operator_address == NULL);
	struct str list = STR_INIT, groups = STR_INIT;
	int r;

	if (by == NULL)
		return 0;
	strs_join(sshd_dump_get(&p->c.dump, by), " ", &list);
	strs_join(&p->c.groups, " ", &groups);
	if (str_check(&list) != 0 || str_check(&groups) != 0)
		r = err_nomem(p->e);
	else if (strcmp(by, "AllowGroups") == 0 ||
	    strcmp(by, "DenyGroups") == 0)
		r = out_of(p, "%s %s, and its groups are %s", by, list.p,
		    groups.n > 0 ? groups.p : "none");
	else
		r = out_of(p, "%s %s", by, list.p);
	str_clear(&list);
	str_clear(&groups);
	return r;
}

/* Does sshd take certificates that a key of this type has signed?  A release
 * that does not know the word takes those of every CA. */
static bool
takes_signatures(const struct sshd_dump *d, const char *type, size_t n)
{
	static const char rsa[] = "ssh-rsa";
	const char *list = sshd_dump_one(d, "casignaturealgorithms", NULL);
	char name[SSHD_VALUE_MAX];

	if (list == NULL)
		return true;
	if (n >= sizeof(name))
		return false;
	memcpy(name, type, n);
	name[n] = '\0';
	/* The same key signs by other names. */
	return sshd_pattern_list(name, list) == 1 ||
	    (strcmp(name, rsa) == 0 &&
		(sshd_pattern_list("rsa-sha2-256", list) == 1 ||
		    sshd_pattern_list("rsa-sha2-512", list) == 1));
}

/* A line of TrustedUserCAKeys: is it a key that signs for people? */
static bool
is_authority(const struct state_env *env, const char *line, size_t n)
{
	struct pubkey *k = NULL;
	bool is = false;

	if (n == 0 || *line == '#' ||
	    pubkey_parse_line(line, n, &k, NULL, NULL) != 0)
		return false;
	if (env->policy == NULL)
		is = true;
	else {
		const struct authority *a =
		    policy_authority_of_key(env->policy, k);

		is = a != NULL && a->user;
	}
	pubkey_free(k);
	return is;
}

static int
prove_ca(struct proof *p)
{
	const char *path = sshd_dump_one(&p->c.dump, "trustedusercakeys", "");
	bool found = false, taken = false;
	char *text;
	size_t n;
	int r;

	if (is_none(path))
		return out_of(p,
		    "TrustedUserCAKeys is none, and it comes with a "
		    "certificate");
	if ((r = host_read(p->h, path, HOST_FILE_MAX, &text, &n, p->e)) != 0)
		return r == ERR_NOMEM
		    ? r
		    : out_of(p, "TrustedUserCAKeys %s cannot be read", path);
	for (const char *s = text; *s != '\0' && !taken;) {
		size_t len = strcspn(s, "\n");

		if (is_authority(p->env, s, len)) {
			found = true;
			taken = takes_signatures(&p->c.dump, s,
			    strcspn(s, " \t\n"));
		}
		s += len + (s[len] == '\n');
	}
	free(text);
	if (!found)
		return out_of(p, "no key in %s is a user CA of the policy",
		    path);
	return taken
	    ? 0
	    : out_of(p,
		  "CASignatureAlgorithms %s, which is none of a user "
		  "CA's in %s",
		  sshd_dump_one(&p->c.dump, "casignaturealgorithms", ""), path);
}

/* A certificate's algorithm is not its key's: "ssh-ed25519" takes the key, and
 * no certificate of it.  Until 8.5 the word was another. */
static int
prove_algorithms(struct proof *p)
{
	static const char cert[] = "-cert-v01@openssh.com";
	const struct sshd_dump *d = &p->c.dump;
	const char *list = sshd_dump_one(d, "pubkeyacceptedalgorithms",
	    sshd_dump_one(d, "pubkeyacceptedkeytypes", cert));

	return strstr(list, cert) != NULL
	    ? 0
	    : out_of(p,
		  "PubkeyAcceptedAlgorithms %s, and it comes with a "
		  "certificate",
		  list);
}

/* sshd's %u, %h and %%; what does not begin with / is below the home. */
static int
expand(const struct proof *p, const char *path, char **out)
{
	struct str s = STR_INIT;

	for (; *path != '\0'; path++) {
		if (*path != '%' || path[1] == '\0')
			str_addc(&s, *path);
		else if (*++path == 'u')
			str_add(&s, p->a.name);
		else if (*path == 'h')
			str_add(&s, p->a.home);
		else
			str_addc(&s, *path);
	}
	if (s.p[0] != '/') {
		struct str under = STR_INIT;

		str_addf(&under, "%s/%s", p->a.home, s.p);
		str_clear(&s);
		s = under;
	}
	return str_take(&s, out);
}

/* Is principal the last word of one of the lines? */
static bool
names_principal(const char *text, const char *principal)
{
	size_t want = strlen(principal);

	while (*text != '\0') {
		size_t len = strcspn(text, "\n"), end = strcspn(text, "#\n");

		while (end > 0 && strchr(" \t\r", text[end - 1]) != NULL)
			end--;
		if (end >= want &&
		    strncmp(text + end - want, principal, want) == 0 &&
		    (end == want || strchr(" \t", text[end - want - 1])))
			return true;
		text += len + (text[len] == '\n');
	}
	return false;
}

static int
prove_principal_file(struct proof *p, const char *path)
{
	const char *principal = p->env->operator_principal;
	struct host_stat st;
	char *text;
	size_t n;
	bool named;

	if (host_stat(p->h, path, &st, NULL) != 0 ||
	    host_read(p->h, path, HOST_FILE_MAX, &text, &n, NULL) != 0)
		return out_of(p,
		    "%s, which names its principals, cannot be "
		    "read",
		    path);
	named = names_principal(text, principal);
	free(text);
	if (!named)
		return out_of(p, "%s does not name principal '%s'", path,
		    principal);
	if ((st.mode & 022) != 0 && sshd_dump_yes(&p->c.dump, "strictmodes"))
		return out_of(p, "%s is writable by others, so sshd refuses it",
		    path);
	return 0;
}

static int
prove_principal(struct proof *p)
{
	const struct sshd_dump *d = &p->c.dump;
	const char *file = sshd_dump_one(d, "authorizedprincipalsfile", "none");
	char *path;
	int r;

	/* What a program would say is not known before it is asked. */
	if (!is_none(sshd_dump_one(d, "authorizedprincipalscommand", "none")))
		return 0;
	if (is_none(file))
		return strcmp(p->env->operator_principal, p->a.name) == 0
		    ? 0
		    : out_of(p,
			  "without AuthorizedPrincipalsFile principal '%s' is "
			  "not this account's",
			  p->env->operator_principal);
	if (expand(p, file, &path) != 0)
		return err_nomem(p->e);
	r = prove_principal_file(p, path);
	free(path);
	return r;
}

static int
prove_revoked(struct proof *p)
{
	const char *path = sshd_dump_one(&p->c.dump, "revokedkeys", "none");
	struct host_stat st;

	if (is_none(path) || host_stat(p->h, path, &st, NULL) == 0)
		return 0;
	return out_of(p,
	    "RevokedKeys %s is not there, so sshd would refuse every key",
	    path);
}

static int
prove_class(struct proof *p)
{
	int r;

	if ((r = prove_account(p)) != 0 || (r = prove_lists(p)) != 0)
		return r;
	/* Who comes without a certificate may come with a password. */
	if (!sshd_methods_pass(&p->c.dump) &&
	    (p->env->operator_principal != NULL ||
		!sshd_dump_yes(&p->c.dump, "passwordauthentication")))
		return out_of(p,
		    "PubkeyAuthentication %s and AuthenticationMethods %s let "
		    "no key in",
		    sshd_dump_one(&p->c.dump, "pubkeyauthentication", "no"),
		    sshd_dump_one(&p->c.dump, "authenticationmethods", "any"));
	if ((r = prove_revoked(p)) != 0 || p->env->operator_principal == NULL)
		return r;
	if ((r = prove_algorithms(p)) != 0 || (r = prove_ca(p)) != 0)
		return r;
	return prove_principal(p);
}

static int
prove_operator(struct host *h, const struct state_env *env, struct err *e)
{
	struct proof p = {.h = h, .env = env, .e = e};
	char *said = NULL;
	int r;

	r = sshd_class_of(h, "the operator", env->operator_account,
	    env->operator_address, &p.c, e);
	if (r == 0 && (r = sshd_ask(h, &p.c, &said, e)) == 1)
		r = err_set(e, ERR_DENIED, "sshd -T: %s", said);
	if (r == 0)
		r = prove_class(&p);
	sshd_class_clear(&p.c);
	account_clear(&p.a);
	free(said);
	return r;
}

/* --- anybody ------------------------------------------------------------- */
/* Accounts that the lists might let in. */
static int
candidates(struct host *h, const struct sshd_dump *d, struct strs *out,
    struct err *e)
{
	const struct strs *groups = sshd_dump_get(d, "allowgroups");
	int r = 0;

	if (groups->n == 0)
		return account_names(h, out, e);
	for (size_t i = 0; r == 0 && i < groups->n; i++)
		r = group_members(h, groups->v[i], out, e);
	return r;
}

/* 1: this account passes. */
static int
one_passes(struct host *h, const struct sshd_class *lists, const char *user,
    struct err *e)
{
	struct sshd_class c = {0};
	int r;

	/* The lists stay whose they are; the account is borrowed. */
	if ((r = sshd_class_of(h, user, user, NULL, &c, e)) != 0)
		return r;
	c.dump = lists->dump;
	r = sshd_lists_refuse(&c, true) == NULL &&
	    (strcmp(user, "root") != 0 ||
		strcmp(sshd_dump_one(&c.dump, "permitrootlogin", "yes"),
		    "no") != 0);
	c.dump = (struct sshd_dump){0};
	sshd_class_clear(&c);
	return r;
}

static int
prove_anybody(struct host *h, struct err *e)
{
	struct sshd_class c = {0};
	struct strs who = {0};
	char *said = NULL;
	int r;

	r = sshd_class_of(h, "everybody", "nobody", NULL, &c, e);
	if (r == 0 && (r = sshd_ask(h, &c, &said, e)) == 1)
		r = err_set(e, ERR_DENIED, "sshd -T: %s", said);
	if (r != 0 ||
	    (sshd_dump_get(&c.dump, "allowusers")->n == 0 &&
		sshd_dump_get(&c.dump, "allowgroups")->n == 0))
		goto out;
	r = candidates(h, &c.dump, &who, e);
	for (size_t i = 0; r == 0 && i < who.n && i < CANDIDATES_MAX; i++)
		r = one_passes(h, &c, who.v[i], e);
	if (r == 0)
		r = err_set(e, ERR_DENIED,
		    "everybody would be locked out: no account of this host "
		    "passes AllowUsers and AllowGroups");
	else if (r == 1)
		r = 0;
out:
	free(said);
	strs_clear(&who);
	sshd_class_clear(&c);
	return r;
}

int
sshd_proof(struct host *h, const struct state_env *env, struct err *e)
{
	return env->operator_account != NULL ? prove_operator(h, env, e)
					     : prove_anybody(h, e);
}
