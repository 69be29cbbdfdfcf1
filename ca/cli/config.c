/* SPDX-License-Identifier: ISC */
/* writ config: what other programs need to know of a deployment. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/cli/cli.h"
#include "ca/cli/remote.h"
#include "ca/client/sshconf.h"
#include "lib/base/file.h"

#define DEFAULT_PLACE "/etc/ssh/writ"

/* A file that goes with the configuration: a name and its text. */
struct part {
	char *name;
	struct str text;
};
struct parts {
	struct part *v;
	size_t n, cap;
};

static int add_part(struct parts *p, struct str *text, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static int
add_part(struct parts *p, struct str *text, const char *fmt, ...)
{
	struct str name = STR_INIT;
	va_list ap;
	int r;

	va_start(ap, fmt);
	str_vaddf(&name, fmt, ap);
	va_end(ap);
	if ((r = str_check(text)) == 0 &&
	    (r = vec_grow(&p->v, p->n, &p->cap, 100000)) == 0 &&
	    (r = str_take(&name, &p->v[p->n].name)) == 0) {
		p->v[p->n++].text = *text;
		str_init(text);
	}
	str_clear(&name);
	return r;
}

static void
parts_clear(struct parts *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].name);
		str_clear(&p->v[i].text);
	}
	free(p->v);
	memset(p, 0, sizeof(*p));
}

/* --- what sshd needs ------------------------------------------------------ */

/* Every key under `authorities: user`: the emergency CA is trusted from the
 * first day, or it could not help on the worst one. */
static void
user_cas(const struct policy *p, struct str *s)
{
	for (size_t i = 0; i < p->user_cas.n; i++) {
		const struct authority *a =
		    policy_authority(p, p->user_cas.v[i]);

		if (a == NULL)
			continue;
		pubkey_add_line(s, a->key, a->name);
		str_addc(s, '\n');
	}
}

/* ACCOUNT=PRINCIPAL,PRINCIPAL, or the accounts that principals are named for.
 */
static int
add_account(struct parts *parts, const char *account, size_t n,
    const char *principals, const char *host)
{
	struct str s = STR_INIT;
	int r;

	while (*principals != '\0') {
		size_t len = strcspn(principals, ",");

		str_addf(&s, "%.*s\n", (int)len, principals);
		if (host != NULL)
			str_addf(&s, "%.*s@%s\n", (int)len, principals, host);
		principals += len + (principals[len] == ',');
	}
	r = add_part(parts, &s, "principals/%.*s", (int)n, account);
	str_clear(&s);
	return r;
}

static int
accounts_given(struct parts *parts, const struct strs *given, const char *host,
    struct err *e)
{
	for (size_t i = 0; i < given->n; i++) {
		const char *arg = given->v[i], *eq = strchr(arg, '=');

		if (eq == NULL || eq == arg || eq[1] == '\0' ||
		    memchr(arg, '/', (size_t)(eq - arg)) != NULL ||
		    arg[0] == '.')
			return err_set(e, ERR_USAGE,
			    "--account wants ACCOUNT=PRINCIPAL,PRINCIPAL");
		if (add_account(parts, arg, (size_t)(eq - arg), eq + 1, host) !=
		    0)
			return err_nomem(e);
	}
	return 0;
}

static int
accounts_of_grants(struct parts *parts, const struct policy *p,
    const char *host, struct err *e)
{
	struct strs done = {0};
	int r = 0;

	for (size_t i = 0; i < p->n_grants && r == 0; i++) {
		const struct grant *g = &p->grants[i];

		for (size_t j = 0;
		     g->kind == CERT_USER && r == 0 && j < g->principals.n;
		     j++) {
			const char *name = g->principals.v[j];

			if (strs_has(&done, name) || strchr(name, '/') != NULL)
				continue;
			r = strs_add(&done, name);
			if (r == 0)
				r = add_account(parts, name, strlen(name), name,
				    host);
		}
	}
	strs_clear(&done);
	return r == 0 ? 0 : err_nomem(e);
}

static void
sshd_config(const char *place, const struct policy *p, struct str *s)
{
	str_addf(s,
	    "# Logins by certificate; policy %llu.  Belongs in "
	    "/etc/ssh/sshd_config.d/.\n"
	    "TrustedUserCAKeys %s/user_ca.pub\n"
	    "# Who may be which account; an account without a file lets "
	    "nobody in.\n"
	    "AuthorizedPrincipalsFile %s/principals/%%u\n"
	    "# Keep it new (writ krl): without the file sshd lets nobody in.\n"
	    "RevokedKeys %s/revoked.krl\n"
	    "CASignatureAlgorithms ssh-ed25519,ecdsa-sha2-nistp256,"
	    "ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512\n",
	    (unsigned long long)p->version, place, place, place);
}

static int
collect(const struct cli_args *a, const struct policy *p, const char *place,
    struct parts *parts, struct err *e)
{
	const struct strs *accounts = cli_all(a, "account");
	struct str s = STR_INIT;
	int r = 0;

	sshd_config(place, p, &s);
	if (add_part(parts, &s, "writ.conf") != 0)
		r = err_nomem(e);
	user_cas(p, &s);
	if (r == 0 && add_part(parts, &s, "user_ca.pub") != 0)
		r = err_nomem(e);
	if (r == 0)
		r = accounts->n > 0
		    ? accounts_given(parts, accounts, cli_get(a, "host"), e)
		    : accounts_of_grants(parts, p, cli_get(a, "host"), e);
	str_clear(&s);
	return r;
}

/* --- where it goes -------------------------------------------------------- */

static int
write_parts(const struct parts *parts, const char *dir, struct err *e)
{
	char *sub = NULL;
	int r;

	if (path_join(dir, "principals", &sub) != 0)
		return err_nomem(e);
	r = file_mkdirs(sub, 0755, e);
	free(sub);
	for (size_t i = 0; i < parts->n && r == 0; i++) {
		const struct part *p = &parts->v[i];
		char *path = NULL;

		if (path_join(dir, p->name, &path) != 0)
			return err_nomem(e);
		r = file_write(path, p->text.p, p->text.n, 0644, 0, e);
		if (r == 0)
			printf("%s\n", path);
		free(path);
	}
	return r;
}

static int
write_krl(const struct cli_args *a, const char *dir, struct err *e)
{
	struct buf *krl = NULL;
	char *path = NULL;
	int r;

	if (path_join(dir, "revoked.krl", &path) != 0)
		return err_nomem(e);
	if ((r = cli_krl(a, &krl, e)) == 0 &&
	    (r = file_write(path, buf_slice(krl).p, buf_len(krl), 0644, 0,
		 e)) == 0)
		printf("%s\n", path);
	buf_free(krl);
	free(path);
	return r;
}

/* For eyes and for copying by hand: each file after a line with its name. */
static int
print_parts(const struct parts *parts, const char *place, struct err *e)
{
	struct str s = STR_INIT;

	for (size_t i = 0; i < parts->n; i++) {
		if (i == 0)
			str_add(&s, parts->v[0].text.p);
		else
			str_addf(&s, "\n# %s/%s:\n%s", place, parts->v[i].name,
			    parts->v[i].text.p);
	}
	return cli_print(&s, e);
}

static int
run_sshd(struct cli_args *a, struct err *e)
{
	const char *dir = cli_get(a, "o");
	char absolute[PATH_MAX];
	struct parts parts = {0};
	struct trust t;
	int r;

	trust_init(&t);
	if ((r = cli_trust(a, &t, e)) != 0)
		goto out;
	if (dir != NULL && ((r = file_mkdirs(dir, 0755, e)) != 0))
		goto out;
	if (dir != NULL && realpath(dir, absolute) == NULL) {
		r = err_sys(e, "%s", dir);
		goto out;
	}
	r = collect(a, t.policy, dir != NULL ? absolute : DEFAULT_PLACE, &parts,
	    e);
	if (r == 0)
		r = dir != NULL ? write_parts(&parts, absolute, e)
				: print_parts(&parts, DEFAULT_PLACE, e);
	if (r == 0 && dir != NULL)
		r = write_krl(a, absolute, e);
out:
	parts_clear(&parts);
	trust_clear(&t);
	return r;
}

/* --- what ssh needs ------------------------------------------------------- */

static int
run_ssh(struct cli_args *a, struct err *e)
{
	struct str s = STR_INIT;
	struct err why = {0};
	struct remote r;
	int rc;

	(void)a;
	cli_remote_init(&r);
	/* Nothing of it needs the CA, once everything was fetched. */
	if ((rc = cli_remote_open(&r, &why)) == 0)
		rc = remote_pull_krl(&r, &why);
	if (rc == ERR_NET) {
		cli_warn("as it was fetched last: %s", why.msg);
		remote_clear(&r);
		cli_remote_init(&r);
		rc = remote_load(&r, &why);
	}
	if (rc != 0) {
		if (e != NULL)
			*e = why;
		goto out;
	}
	if ((rc = sshconf_write(&r.profile, r.trust.policy, e)) != 0)
		goto out;
	if (sshconf_snippet(&r.profile, r.trust.policy, &s) != 0)
		rc = err_nomem(e);
	else
		rc = cli_print(&s, e);
out:
	str_clear(&s);
	remote_clear(&r);
	return rc;
}

static const struct cli_option sshd_options[] = {
    {'o', NULL, "DIR", "write the files there, the list of revoked keys too"},
    {0, "account", "A=P,P",
	"principals of an account; may be repeated (an account for each "
	"principal of a grant)"},
    {0, "host", "HOST", "let PRINCIPAL@HOST in as well"},
};

static const struct cli_command subs[] = {
    {.name = "sshd",
	.operands = "",
	.summary = "what a host without an agent needs",
	CLI_OPTIONS(sshd_options),
	.run = run_sshd},
    {.name = "ssh",
	.operands = "",
	.summary = "what ssh(1) needs, so that logins find a certificate",
	.run = run_ssh},
};

const struct cli_command cmd_config = {.name = "config",
    .operands = "",
    .summary = "configuration for sshd and ssh",
    CLI_SUBS(subs)};
