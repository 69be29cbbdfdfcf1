/* SPDX-License-Identifier: ISC */
#include "ca/cli/audit.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"

void
place_init(struct place *p)
{
	memset(p, 0, sizeof(*p));
	config_init(&p->config);
	trust_init(&p->trust);
}

void
place_clear(struct place *p)
{
	free(p->url);
	trust_clear(&p->trust);
	config_clear(&p->config);
}

int
place_open(const struct cli_args *a, struct place *p, struct err *e)
{
	const char *dir = cli_dir(a);
	int r;

	if ((r = config_load(dir, &p->config, e)) != 0)
		return r;
	if ((r = bundles_load(dir, NULL, 0, &p->trust, e)) < 0)
		return r;
	config_blob(&p->config, &p->blob);
	if (config_log_url(&p->config, &p->url) != 0)
		return err_nomem(e);
	return 0;
}

int
place_check_url(const char *option, const char *url,
    const struct blob_config *c, struct err *e)
{
	struct blob_store *s = NULL;
	struct err why = {0};
	int r = blob_open(url, c, &s, &why);

	blob_close(s);
	if (r != ERR_PARSE)
		return r == ERR_NOMEM ? err_nomem(e) : 0;
	return err_set(e, ERR_USAGE, "%s: %s", option, why.msg);
}

int
place_check_fleet_logs(const struct cli_args *a, struct err *e)
{
	const struct strs *named = cli_all(a, "fleet-log");
	int r = 0;

	for (size_t i = 0; i < named->n && r == 0; i++)
		r = place_check_url("--fleet-log", named->v[i], NULL, e);
	return r;
}

static int
one_log(const struct place *p, const char *url,
    int (*fn)(void *ctx, struct audit_log *log, struct err *e), void *ctx,
    struct err *e)
{
	struct audit_log *log = NULL;
	int r;

	r = audit_log_open(url, &p->blob, &p->trust.realm, p->trust.policy,
	    &log, e);
	if (r == 0)
		r = fn(ctx, log, e);
	audit_log_close(log);
	return r;
}

/* 0: fn has had it, or nothing of that name was ever merged. */
static int
merged_log(const struct place *p, struct blob_store *home, const char *name,
    int (*fn)(void *ctx, struct audit_log *log, struct err *e), void *ctx,
    struct err *e)
{
	char *url = NULL, *key = NULL;
	int r;

	if (path_joinf(&url, "%s/logs/%s", p->url, name) != 0 ||
	    path_joinf(&key, "logs/%s/checkpoint", name) != 0)
		r = err_nomem(e);
	else if ((r = blob_exists(home, key, e)) == 0)
		r = one_log(p, url, fn, ctx, e);
	else if (r == 1)
		r = 0;
	free(url);
	free(key);
	return r;
}

/* Each log once, whatever keys it has had. */
static bool
is_first_key(const struct policy *p, const struct authority *a,
    char log[POLICY_NAME_MAX + 1])
{
	const struct authority *keys[POLICY_LOG_KEYS_MAX];

	policy_log_of_key(a->name, log);
	return policy_log_keys(p, log, keys) > 0 && keys[0] == a;
}

int
place_each_log(const struct place *p,
    int (*fn)(void *ctx, struct audit_log *log, struct err *e), void *ctx,
    struct err *e)
{
	const struct policy *policy = p->trust.policy;
	struct blob_store *home = NULL;
	char log[POLICY_NAME_MAX + 1];
	int r;

	if ((r = one_log(p, p->url, fn, ctx, e)) != 0 ||
	    (r = blob_open(p->url, &p->blob, &home, e)) != 0)
		return r;
	for (size_t i = 0; i < policy->n_authorities && r == 0; i++) {
		const struct authority *a = &policy->authorities[i];

		if (!a->log || !is_first_key(policy, a, log) ||
		    strcmp(log, p->config.log_name) == 0)
			continue;
		r = merged_log(p, home, log, fn, ctx, e);
	}
	blob_close(home);
	return r;
}

/* --- which log --- */

struct looking {
	uint64_t serial;
	struct strs logs; /* that have it */
};

/* A request that two logs have seen has a certificate of the same serial in each:
 * which of them is meant is not ours to choose. */
static int
look_in(void *ctx, struct audit_log *log, struct err *e)
{
	struct looking *k = ctx;
	uint64_t index;
	int r;

	if ((r = audit_log_find(log, k->serial, &index, e)) != 0)
		return r == ERR_NOTFOUND ? 0 : r;
	if (strs_add(&k->logs, audit_log_name(log)) != 0)
		return err_nomem(e);
	return 0;
}

/* Several have it, or not the one that is meant. */
static int
not_chosen(const struct looking *k, const char *log, struct err *e)
{
	struct str list = STR_INIT;
	char quoted[QUOTE_MAX];
	int r;

	for (size_t i = 0; i < k->logs.n; i++)
		str_addf(&list, "%s%s", i > 0 ? ", " : "", k->logs.v[i]);
	if (str_check(&list) != 0)
		r = err_nomem(e);
	else if (log != NULL)
		r = err_set(e, ERR_USAGE,
		    "no log %s has a certificate with serial %llu, expected "
		    "--log with one of %s",
		    str_quote(quoted, log), (unsigned long long)k->serial,
		    list.p);
	else
		r = err_set(e, ERR_USAGE,
		    "%zu logs have a certificate with serial %llu, expected "
		    "--log with one of %s",
		    k->logs.n, (unsigned long long)k->serial, list.p);
	str_clear(&list);
	return r;
}

int
place_choose_log(const struct place *p, uint64_t serial, const char *log,
    char **out, struct err *e)
{
	struct looking k = {.serial = serial};
	int r;

	if ((r = place_each_log(p, look_in, &k, e)) != 0)
		goto out;
	if (k.logs.n == 0)
		r = err_set(e, ERR_NOTFOUND,
		    "%s and what was merged into it have no certificate with "
		    "serial %llu",
		    p->url, (unsigned long long)serial);
	else if (log != NULL ? !strs_has(&k.logs, log) : k.logs.n > 1)
		r = not_chosen(&k, log, e);
	else if ((*out = str_dup(log != NULL ? log : k.logs.v[0])) == NULL)
		r = err_nomem(e);
out:
	strs_clear(&k.logs);
	return r;
}
