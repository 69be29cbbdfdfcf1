/* SPDX-License-Identifier: ISC */
/*
 * What a host has of the state ssh_ca.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/states/host_write.h"
#include "agent/states/accounts.h"
#include "agent/states/ssh_ca_impl.h"
#include "agent/states/words.h"
#include "lib/base/file.h"

void
ssh_ca_observed_clear(void *observed)
{
	struct ssh_ca_observed *o = observed;

	sshd_seen_clear(&o->seen);
	sshd_file_clear(&o->dropin);
	sshd_file_clear(&o->keys);
	sshd_file_clear(&o->krl);
	sshd_file_clear(&o->krl_version);
	sshd_file_clear(&o->cert);
	for (size_t i = 0; i < o->n; i++) {
		free(o->v[i].name);
		sshd_file_clear(&o->v[i].file);
	}
	free(o->v);
	strs_clear(&o->host_keys);
	strs_clear(&o->no_account);
	*o = (struct ssh_ca_observed){0};
}

static int
observe_principals(struct host *h, struct ssh_ca_observed *o, struct err *e)
{
	struct strs names = {0};
	int r;

	if ((r = host_list(h, CA_PRINCIPALS, &names, e)) == ERR_NOTFOUND)
		r = 0;
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		struct ca_file f = {0};
		char *path = NULL;

		/* What a run keeps beside a file until it is over. */
		if (host_is_beside(names.v[i]))
			continue;
		if (path_join(CA_PRINCIPALS, names.v[i], &path) != 0 ||
		    (f.name = str_dup(names.v[i])) == NULL)
			r = err_nomem(e);
		else if ((r = sshd_file_look(h, path, &f.file, e)) == 0 &&
		    vec_grow(&o->v, o->n, &o->cap, HOST_LIST_MAX) != 0)
			r = err_nomem(e);
		free(path);
		if (r == 0) {
			o->v[o->n++] = f;
		} else {
			free(f.name);
			sshd_file_clear(&f.file);
		}
	}
	strs_clear(&names);
	return r;
}

/* Whose certificate this host can use. */
static int
observe_host_keys(struct host *h, struct ssh_ca_observed *o, struct err *e)
{
	static const char head[] = "ssh_host_", tail[] = "_key.pub";
	struct strs names = {0};
	int r;

	if ((r = host_list(h, "/etc/ssh", &names, e)) == ERR_NOTFOUND)
		r = 0;
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		const char *name = names.v[i];
		char *path = NULL, *text = NULL;
		size_t n, len = strlen(name);

		if (strncmp(name, head, strlen(head)) != 0 ||
		    len < strlen(tail) ||
		    strcmp(name + len - strlen(tail), tail) != 0)
			continue;
		if (path_join("/etc/ssh", name, &path) != 0)
			r = err_nomem(e);
		else if ((r = state_read(h, path, &text, &n, e)) == 0 &&
		    text != NULL &&
		    strs_addn(&o->host_keys, text, strcspn(text, "\n")) != 0)
			r = err_nomem(e);
		free(text);
		free(path);
	}
	strs_clear(&names);
	return r;
}

static int
observe_accounts(struct host *h, const struct ssh_ca_params *p,
    struct ssh_ca_observed *o, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->n; i++) {
		struct account a = {0};

		r = account_find(h, p->v[i].name, &a, e);
		account_clear(&a);
		if (r == ACCOUNT_NO)
			r = strs_add(&o->no_account, p->v[i].name) == 0
			    ? 0
			    : err_nomem(e);
	}
	return r;
}

int
ssh_ca_observe_files(struct host *h, struct ssh_ca_observed *o, struct err *e)
{
	const struct {
		const char *path;
		struct sshd_file *file;
	} files[] = {
	    {SSHD_OURS_CA, &o->dropin},
	    {CA_KEYS, &o->keys},
	    {CA_KRL, &o->krl},
	    {CA_KRL_VERSION, &o->krl_version},
	    {CA_HOST_CERT, &o->cert},
	};
	struct host_stat st;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(files) / sizeof(files[0]); i++)
		r = sshd_file_look(h, files[i].path, files[i].file, e);
	if (r != 0)
		return r;
	r = host_stat(h, SSHD_OURS_CONFIG, &st, e);
	o->config_there = r == 0;
	return r == ERR_NOTFOUND ? 0 : r;
}

int
ssh_ca_observe(struct host *h, const struct state_env *env, const void *params,
    void *observed, struct err *e)
{
	static const struct sshd_want none;
	const struct ssh_ca_params *p = params;
	struct ssh_ca_observed *o = observed;
	int r;

	if ((r = ssh_ca_observe_files(h, o, e)) != 0 ||
	    (r = observe_principals(h, o, e)) != 0 ||
	    (r = observe_host_keys(h, o, e)) != 0 ||
	    (r = observe_accounts(h, p, o, e)) != 0)
		return r;
	return sshd_want_look(h, env, SSHD_OURS_CA, &none, &o->seen, e);
}
