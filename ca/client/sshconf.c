/* SPDX-License-Identifier: ISC */
#include "ca/client/sshconf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/client/handover.h"
#include "lib/base/file.h"

/* The names that host grants give, "web*.example.com,db.example.com": a host CA
 * is believed for these and no others. */
static int
host_patterns(const struct policy *policy, const char *between, struct str *out)
{
	struct strs seen = {0};
	int r = 0;

	for (size_t i = 0; i < policy->n_grants && r == 0; i++) {
		const struct grant *g = &policy->grants[i];

		for (size_t j = 0;
		     g->kind == CERT_HOST && j < g->principals.n && r == 0;
		     j++) {
			if (strs_has(&seen, g->principals.v[j]))
				continue;
			str_addf(out, "%s%s", seen.n > 0 ? between : "",
			    g->principals.v[j]);
			r = strs_add(&seen, g->principals.v[j]);
		}
	}
	strs_clear(&seen);
	return r != 0 ? r : str_check(out);
}

int
sshconf_write(const struct profile *p, const struct policy *policy,
    struct err *e)
{
	struct str hosts = STR_INIT, text = STR_INIT;
	char *path = NULL;
	int r;

	if ((r = profile_mkdir(p, "ssh", e)) != 0)
		return r;
	if (host_patterns(policy, ",", &hosts) != 0) {
		r = err_nomem(e);
		goto out;
	}
	for (size_t i = 0; hosts.n > 0 && i < policy->host_cas.n; i++) {
		const struct authority *a =
		    policy_authority(policy, policy->host_cas.v[i]);

		if (a == NULL)
			continue;
		str_addf(&text, "@cert-authority %s ", hosts.p);
		pubkey_add_line(&text, a->key, a->name);
		str_addc(&text, '\n');
	}
	if (str_check(&text) != 0)
		r = err_nomem(e);
	else if ((r = profile_path(p, "ssh/known_hosts", &path, e)) == 0)
		r = file_write(path, text.p, text.n, 0644, FILE_NOSYNC, e);
out:
	free(path);
	str_clear(&hosts);
	str_clear(&text);
	return r;
}

/* A file name for ssh_config: quoted, with nothing for ssh to expand. */
static void
add_path(struct str *s, const char *dir, const char *rest)
{
	str_addc(s, '"');
	for (const char *c = dir; *c != '\0'; c++) {
		if (*c == '%')
			str_addc(s, '%');
		else if (*c == '"' || *c == '\\')
			str_addc(s, '\\');
		str_addc(s, *c);
	}
	str_addf(s, "%s\"", rest);
}

/* A directory that only the environment names has to be in the snippet. */
static void
add_exec(struct str *s, const struct profile *p)
{
	const char *own = getenv("WRIT_CONFIG");

	if (own == NULL || own[0] == '\0' || strpbrk(p->dir, "'\"\\") != NULL) {
		str_add(s, "exec \"writ ensure %h %r\"\n");
		return;
	}
	str_add(s, "exec \"WRIT_CONFIG='");
	for (const char *c = p->dir; *c != '\0'; c++)
		str_addf(s, "%s%c", *c == '%' ? "%" : "", *c);
	str_add(s, "' writ ensure %h %r\"\n");
}

int
sshconf_snippet(const struct profile *p, const struct policy *policy,
    struct str *out)
{
	struct str hosts = STR_INIT;
	int r;

	if ((r = host_patterns(policy, ",", &hosts)) != 0)
		goto out;
	str_add(out,
	    "# Logins by certificate, from writ config ssh.  Belongs in "
	    "~/.ssh/config.\nMatch ");
	if (hosts.n > 0)
		str_addf(out, "host %s ", hosts.p);
	add_exec(out, p);
	str_add(out, "\tIdentitiesOnly yes\n\tIdentityFile ");
	add_path(out, p->dir, "/ssh/%r@%h");
	str_add(out, "\n\tCertificateFile ");
	add_path(out, p->dir, "/ssh/%r@%h-cert.pub");
	if (hosts.n > 0)
		str_addf(out, "\nMatch host %s", hosts.p);
	/* Without host grants no host has a certificate, and a list of revoked
	 * keys is no harm to the others. */
	str_add(out, "\n\tUserKnownHostsFile ~/.ssh/known_hosts ");
	add_path(out, p->dir, "/ssh/known_hosts");
	str_add(out, "\n\tRevokedHostKeys ");
	add_path(out, p->dir, "/revoked.krl");
	str_add(out, "\nMatch all\n");
	r = str_check(out);
out:
	str_clear(&hosts);
	return r;
}

bool
sshconf_is_name(const char *text)
{
	size_t n = strlen(text);

	return n > 0 && n < 256 && text[0] != '-' && text[0] != '.' &&
	    strspn(text,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789._-:+@") == n;
}

/* A name put over whatever was there, at once. */
static int
point_one(const char *target, const char *name, struct err *e)
{
	char *tmp = NULL;
	int r = 0;

	if (path_joinf(&tmp, "%s.%ld", name, (long)getpid()) != 0)
		return err_nomem(e);
	(void)unlink(tmp);
	if (symlink(target, tmp) != 0 || rename(tmp, name) != 0)
		r = err_sys(e, "%s", name);
	free(tmp);
	return r;
}

int
sshconf_point(const struct profile *p, const struct kept *k, const char *host,
    const char *account, struct err *e)
{
	static const char *const suffixes[] = {"", ".pub"};
	char *key = NULL, *cert = NULL, *name = NULL, *from = NULL;
	int r;

	if ((r = profile_mkdir(p, "ssh", e)) != 0 ||
	    (r = handover_identity(k, &key, e)) != 0 ||
	    (r = kept_path(k, "key-cert.pub", &cert, e)) != 0)
		goto out;
	for (size_t i = 0; i < 2 && r == 0; i++) {
		if (path_joinf(&from, "%s%s", key, suffixes[i]) != 0 ||
		    path_joinf(&name, "%s/ssh/%s@%s%s", p->dir, account, host,
			suffixes[i]) != 0)
			r = err_nomem(e);
		else
			r = point_one(from, name, e);
		free(from);
		free(name);
		from = name = NULL;
	}
	if (r == 0 &&
	    path_joinf(&name, "%s/ssh/%s@%s-cert.pub", p->dir, account, host) !=
		0)
		r = err_nomem(e);
	if (r == 0)
		r = point_one(cert, name, e);
out:
	free(name);
	free(key);
	free(cert);
	return r;
}
