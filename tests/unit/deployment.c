/* SPDX-License-Identifier: ISC */
#include "tests/unit/deployment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/key/key_impl.h"
#include "tests/unit/bundlecase.h"
#include "tests/unit/issue_case.h"

#define DAY 86400

static const struct {
	const char *name;
	uint8_t seed;
} keys[] = {
    {"user_ca", SEED_USER_CA},
    {"host_ca", SEED_HOST_CA},
    {"ca_log", SEED_LOG},
};

static const char writ_yaml[] = "log: dir:log\n"
				"log_name: ca_log\n"
				"user_ca: user_ca\n"
				"host_ca: host_ca\n";

/* --- files -------------------------------------------------------------------
 */

static void
put(const struct deployment *d, const char *name, struct slice s)
{
	struct err e = {0};
	char *path = NULL;

	assert_int_equal(path_join(d->dir, name, &path), 0);
	if (file_write(path, s.p, s.n, 0600, FILE_NOSYNC, &e) != 0)
		fail_msg("%s: %s", path, e.msg);
	free(path);
}

static void
put_key(const struct deployment *d, const char *name, uint8_t n)
{
	struct str text = STR_INIT;
	struct key *k = NULL;
	char path[64];
	uint8_t seed[32];

	memset(seed, n, sizeof(seed));
	assert_int_equal(key_ed25519_new(seed, &k, NULL), 0);
	assert_int_equal(key_encode_openssh(k, "", NULL, 0, &text, NULL), 0);
	snprintf(path, sizeof(path), "keys/%s", name);
	put(d, path, slice_of(text.p, text.n));
	str_clear(&text);
	key_free(k);
}

void
deployment_make(struct deployment *d, const char *name)
{
	struct bundle_chain *c;
	char *path = NULL;

	memset(d, 0, sizeof(*d));
	str_init(&d->root);
	tmpdir_make(d->dir, name);
	assert_int_equal(path_join(d->dir, "keys", &path), 0);
	assert_int_equal(file_mkdirs(path, 0700, NULL), 0);
	free(path);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		put_key(d, keys[i].name, keys[i].seed);
	put(d, "writ.yaml", slice_str(writ_yaml));
	c = deployment_sign(d, NULL);
	deployment_store(d, c);
	deployment_chain_free(c);
}

void
deployment_remove(struct deployment *d)
{
	str_clear(&d->root);
	assert_int_equal(tmpdir_remove(d->dir), 0);
}

/* --- policies ----------------------------------------------------------------
 */

static struct slice
taken(struct str *s)
{
	size_t n = s->n;
	char *p = NULL;

	assert_int_equal(str_take(s, &p), 0);
	return slice_of(p, n);
}

struct bundle_chain *
deployment_sign(struct deployment *d, const char *ca_yaml)
{
	struct hash previous = d->policy;
	struct fixture_bundle b = {.realm = *fixture_realm(),
	    .version = d->version + 1,
	    .previous = d->version > 0 ? &previous : NULL,
	    .expires = clock_now() + 180 * DAY,
	    .by = OLGA,
	    .seeds = FIXTURE_BY(SEED_OLGA)};
	struct str statement = STR_INIT, manifest = STR_INIT, copy = STR_INIT;
	struct bundle_chain *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	c->root_files[0] = slice_str(fixture_expand(FIXTURE_ROOT_YAML));
	if (d->root.n == 0)
		fixture_root(fixture_realm(), 1, c->root_files[0], OLGA,
		    FIXTURE_BY(SEED_OLGA, SEED_IVAN), &d->root);
	str_addn(&copy, d->root.p, d->root.n);
	c->root_statements[0] = taken(&copy);
	c->n_roots = 1;
	fixture_files(&c->files, NULL,
	    ca_yaml != NULL ? ca_yaml : ISSUE_CASE_YAML);
	fixture_bundle(&b, &c->files, &statement, &manifest);
	c->statement = taken(&statement);
	c->manifest = taken(&manifest);
	c->version = ++d->version;
	d->policy = bc_name_of(c);
	return c;
}

void
deployment_store(struct deployment *d, const struct bundle_chain *c)
{
	struct err e = {0};

	if (bundles_store(d->dir, c, &e) != 0)
		fail_msg("store: %s", e.msg);
}

void
deployment_chain_free(struct bundle_chain *c)
{
	bundle_chain_clear(c);
	free(c);
}

struct local *
deployment_open(const struct deployment *d, unsigned mode,
    const char *signer_socket)
{
	struct local_options o = {
	    .dir = d->dir, .mode = mode, .signer_socket = signer_socket};
	struct local *l = NULL;
	struct err e = {0};

	if (local_open(&o, &l, &e) != 0)
		fail_msg("open: %s", e.msg);
	return l;
}

/* --- statements ---------------------------------------------------------------
 */

void
deployment_request(struct statement *s)
{
	fixture_request(s, ALICE);
	s->at = clock_now();
	issue_case_text(&s->u.r.grant, "free");
	issue_case_words(&s->u.r.principals, "viewer");
	fixture_sign(s, FIXTURE_BY(SEED_ALICE));
}

void
deployment_large_request(struct statement *s)
{
	char host[ID_MAX + 1], text[ID_MAX + 16];

	fixture_request(s, ALICE);
	s->at = clock_now();
	issue_case_text(&s->u.r.grant, "free");
	strs_clear(&s->u.r.principals);
	memset(host, 'h', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	for (int i = 0; i < REQUEST_PRINCIPALS_MAX; i++) {
		host[0] = (char)('a' + i % 26);
		host[1] = (char)('a' + i / 26);
		snprintf(text, sizeof(text), "viewer@%.80s", host);
		assert_int_equal(strs_add(&s->u.r.principals, text), 0);
	}
	strs_sort(&s->u.r.principals);
	fixture_sign(s, FIXTURE_BY(SEED_ALICE));
}

void
deployment_revoke(struct statement *s, const char *person,
    const struct pubkey *key)
{
	fixture_statement(s, ST_REVOKE, OLGA);
	s->at = clock_now();
	s->u.v.reason = str_dup("left on the train");
	if (person != NULL)
		s->u.v.person = str_dup(person);
	else
		assert_int_equal(pubkey_dup(key, &s->u.v.key), 0);
	fixture_sign(s, FIXTURE_BY(SEED_OLGA));
}
