/* SPDX-License-Identifier: ISC */
#include "tests/unit/bundlecase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

const char bc_root2[] = "version: 2\n"
			"expires: 2029-11-01\n"
			"grace: 14d\n"
			"officers:\n"
			"  olga@example.com: {keys: [<1>, <11>]}\n"
			"  dora@example.com: {keys: [<8>]}\n"
			"operators:\n"
			"  petra@example.com: {keys: [<3>]}\n"
			"thresholds: {root: 2, policy: 2, fleet: 1}\n";

const char bc_other_ca[] =
    "authorities: {user: [user_ca, emergency_ca], host: [host_ca],"
    " log: [ca_log, emergency_log]}\n"
    "people:\n  alice@example.com: {keys: [<4>], groups: [e]}\n"
    "  olga@example.com: {groups: [a]}\n"
    "grants:\n  deploy: {to: [e], principals: [deploy], max: 1h,"
    " approve: [{a: 1}]}\n";

void
bc_init(struct parcel *p)
{
	memset(p, 0, sizeof(*p));
	str_init(&p->statement);
	str_init(&p->manifest);
	for (size_t i = 0; i < 4; i++)
		str_init(&p->root_sig[i]);
}

void
bc_clear(struct parcel *p)
{
	policy_files_clear(&p->files);
	str_clear(&p->statement);
	str_clear(&p->manifest);
	for (size_t i = 0; i < 4; i++) {
		free(p->root_text[i]);
		str_clear(&p->root_sig[i]);
	}
}

void
bc_ready(struct parcel *p)
{
	size_t n = 0;

	while (n < 4 && p->root_text[n] != NULL) {
		p->root_files[n] = slice_str(p->root_text[n]);
		p->root_sigs[n] = slice_of(p->root_sig[n].p, p->root_sig[n].n);
		n++;
	}
	p->in = (struct bundle_input){
	    .root_files = p->root_files,
	    .root_statements = p->root_sigs,
	    .n_roots = n,
	    .statement = slice_of(p->statement.p, p->statement.n),
	    .manifest = slice_of(p->manifest.p, p->manifest.n),
	    .files = &p->files,
	};
}

void
bc_add_root(struct parcel *p, size_t at, uint64_t version, const char *yaml,
    const char *by, const uint8_t *seeds)
{
	p->root_text[at] = fixture_expand(yaml);
	fixture_root(fixture_realm(), version, slice_str(p->root_text[at]), by,
	    seeds, &p->root_sig[at]);
}

void
bc_add_bundle(struct parcel *p, uint64_t version, const struct hash *previous,
    const char *root, const char *ca, const uint8_t *seeds)
{
	struct fixture_bundle b = {.realm = *fixture_realm(),
	    .version = version,
	    .previous = previous,
	    .expires = FIXTURE_NOW + 180 * DAY,
	    .by = OLGA,
	    .seeds = seeds};

	fixture_files(&p->files, root, ca);
	fixture_bundle(&b, &p->files, &p->statement, &p->manifest);
	bc_ready(p);
}

void
bc_first(struct parcel *p)
{
	bc_init(p);
	bc_add_root(p, 0, 1, FIXTURE_ROOT_YAML, OLGA,
	    FIXTURE_BY(SEED_OLGA, SEED_IVAN));
	bc_add_bundle(p, 1, NULL, NULL, NULL, FIXTURE_BY(SEED_OLGA));
}

void
bc_hold_first(struct trust *t)
{
	struct parcel p;
	struct err e = {0};

	trust_init(t);
	bc_first(&p);
	if (trust_update(t, &p.in, fixture_realm(), FIXTURE_NOW, &e) != 0)
		fail_msg("%s", e.msg);
	bc_clear(&p);
}

void
bc_expect(const char *name, struct trust *t, const struct parcel *p,
    int64_t now, int want, const char *says)
{
	struct trust before = *t;
	struct err e = {0};
	int r = trust_update(t, &p->in, NULL, now, &e);

	if (r != want)
		fail_msg("%s: %d, not %d: %s", name, r, want, e.msg);
	if (want < 0) {
		if (strstr(e.msg, says) == NULL)
			fail_msg("%s: '%s'", name, e.msg);
		assert_memory_equal(&before, t, sizeof(before));
	}
}

struct hash
bc_name_of(const struct bundle_chain *c)
{
	struct statement s;
	struct hash h;

	statement_init(&s, ST_POLICY);
	assert_int_equal(statement_parse("p", c->statement, &s, NULL), 0);
	h = s.hash;
	statement_clear(&s);
	return h;
}
