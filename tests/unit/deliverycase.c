/* SPDX-License-Identifier: ISC */
#include "tests/unit/deliverycase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/trust/fleet_place.h"

const char dc_root[] = "version: 1\n"
		       "expires: 2028-11-01\n"
		       "grace: 14d\n"
		       "officers:\n"
		       "  olga@example.com: {keys: [<1>, <11>]}\n"
		       "  ivan@example.com: {keys: [<2>]}\n"
		       "operators:\n"
		       "  petra@example.com: {keys: [<3>, <13>]}\n"
		       "  pavel@example.com: {keys: [<9>]}\n"
		       "  paula@example.com: {keys: [<15>]}\n"
		       "thresholds: {root: 2, policy: 1, fleet: 2}\n";
const char dc_root2[] = "version: 2\n"
			"expires: 2028-11-01\n"
			"grace: 14d\n"
			"officers:\n"
			"  olga@example.com: {keys: [<1>, <11>]}\n"
			"  ivan@example.com: {keys: [<2>]}\n"
			"operators:\n"
			"  petra@example.com: {keys: [<3>, <13>]}\n"
			"  paula@example.com: {keys: [<15>]}\n"
			"thresholds: {root: 2, policy: 1, fleet: 2}\n";

struct dc_world dc_world;

void
dc_must(int r, const char *what, const struct err *e)
{
	if (r != 0)
		fail_msg("%s: %d %s", what, r, e != NULL ? e->msg : "");
}

/* Encode, sign under the namespace of its own type, append. */
static void
sign_into(const struct statement *s, const uint8_t *seeds, struct str *out)
{
	struct str text = STR_INIT;
	struct err e = {0};

	dc_must(statement_encode(s, &text, &e), "encode", &e);
	fixture_sign_text(text.p, statement_namespace(s->type), seeds, out);
	str_clear(&text);
}

static void
name_of(const struct str *text, struct hash *out)
{
	struct statement s;
	struct err e = {0};

	statement_init(&s, 0);
	dc_must(statement_parse("name", slice_of(text->p, text->n), &s, &e),
	    "name", &e);
	*out = s.hash;
	statement_clear(&s);
}

void
dc_accept_root(struct trust *t, const char *yaml, uint64_t version,
    const uint8_t *seeds)
{
	struct str root_sig = STR_INIT, statement = STR_INIT,
		   manifest = STR_INIT;
	char *root = fixture_expand(yaml);
	struct policy_files files = {0};
	struct slice file = slice_str(root), sig;
	struct fixture_bundle b = {.version = version,
	    .expires = NOW + 180 * DAY,
	    .by = OLGA,
	    .seeds = seeds};
	struct bundle_input in = {.root_files = &file, .n_roots = 1};
	struct err e = {0};

	hash_sha256(root, strlen(root), &b.realm);
	if (t->have) {
		b.realm = t->realm;
		b.previous = &t->policy->hash;
	}
	fixture_root(&b.realm, version, file, OLGA, seeds, &root_sig);
	fixture_files(&files, yaml, NULL);
	fixture_bundle(&b, &files, &statement, &manifest);
	sig = slice_of(root_sig.p, root_sig.n);
	in.root_statements = &sig;
	in.statement = slice_of(statement.p, statement.n);
	in.manifest = slice_of(manifest.p, manifest.n);
	in.files = &files;
	dc_must(trust_update(t, &in, NULL, NOW, &e), "policy", &e);
	free(root);
	str_clear(&root_sig);
	str_clear(&statement);
	str_clear(&manifest);
	policy_files_clear(&files);
}

static void
set_bundle(struct statement *s, uint64_t version, const struct hash *previous)
{
	s->realm = dc_world.trust.realm;
	s->u.bundle.version = version;
	s->u.bundle.expires = NOW + 30 * DAY;
	s->u.bundle.manifest = fixture_hash(0x77);
	s->u.bundle.manifest_size = 1;
	s->u.bundle.has_previous = version > 1;
	if (version > 1)
		s->u.bundle.previous = *previous;
}

int
dc_set_up(void **state)
{
	(void)state;
	trust_init(&dc_world.trust);
	dc_accept_root(&dc_world.trust, dc_root, 1,
	    FIXTURE_BY(SEED_OLGA, SEED_IVAN));
	for (uint64_t v = 1; v < N_STATEMENTS; v++) {
		struct statement s;

		fixture_statement(&s, ST_FLEET, PETRA);
		set_bundle(&s, v, &dc_world.name[v - 1]);
		str_init(&dc_world.statement[v]);
		sign_into(&s, FIXTURE_BY(SEED_PETRA, SEED_PAVEL),
		    &dc_world.statement[v]);
		name_of(&dc_world.statement[v], &dc_world.name[v]);
		statement_clear(&s);
	}
	dc_world.held = (struct fleet_held){.have = true,
	    .version = HELD_VERSION,
	    .bundle = dc_world.name[HELD_VERSION],
	    .expires = NOW + 30 * DAY};
	dc_world.last = (struct fleet_last){
	    .have = true, .job = fixture_hash(5), .at = NOW - 3600};
	return 0;
}

int
dc_tear_down(void **state)
{
	(void)state;
	trust_clear(&dc_world.trust);
	for (uint64_t v = 1; v < N_STATEMENTS; v++)
		str_clear(&dc_world.statement[v]);
	return 0;
}

const char dc_targets[] = "1 web-9.example.com\n"
			  "2 db-1.example.com\n"
			  "2 web-1.example.com\n";

static const struct {
	const char *path, *text;
} content[] = {
    {"fleet.yaml", "masters: []\n"},
    {"pillar/common.yaml", "ssh: {port: 22}\n"},
    {"pillar/db.yaml", "db: {port: 5432}\n"},
    {"states/limits.yaml", "limits: {}\n"},
    {"states/ssh.yaml", "sshd-baseline: {}\n"},
    {"top.yaml", "states: []\n"},
};

static void
make_files(const struct plan *p, struct made *m)
{
	for (size_t i = 0; i < sizeof(content) / sizeof(content[0]); i++)
		if (p->without == NULL ||
		    strcmp(content[i].path, p->without) != 0)
			dc_must(policy_files_add(&m->files, content[i].path,
				    content[i].text, strlen(content[i].text)),
			    "file", NULL);
	if (p->path != NULL)
		dc_must(policy_files_add(&m->files, p->path, "x: 1\n", 5),
		    "file", NULL);
	policy_files_sort(&m->files);
	/* Not manifest_of(), which would not write what is to be refused. */
	for (size_t i = 0; i < m->files.n; i++) {
		const struct policy_file *f = &m->files.v[i];
		struct hash h;

		hash_sha256(f->data, f->n, &h);
		str_add_hex(&m->manifest, h.b, sizeof(h.b));
		str_addf(&m->manifest, " %zu %s\n", f->n, f->path);
	}
}

static void
spoil_files(const struct plan *p, struct made *m)
{
	if (p->stray != NULL) {
		dc_must(policy_files_add(&m->files, p->stray, "x: 1\n", 5),
		    "file", NULL);
		policy_files_sort(&m->files);
	}
	for (size_t i = 0; i < m->files.n; i++) {
		struct policy_file *f = &m->files.v[i];

		if (p->changed != NULL && strcmp(f->path, p->changed) == 0)
			f->data[0] ^= 1;
		if (p->lost == NULL || strcmp(f->path, p->lost) != 0)
			continue;
		free(f->path);
		free(f->data);
		memmove(f, f + 1, (m->files.n - i - 1) * sizeof(*f));
		m->files.n--;
		break;
	}
}

static void
make_bundle(const struct plan *p, struct made *m)
{
	uint64_t version = p->version != 0 ? p->version : HELD_VERSION + 1;
	uint64_t after = p->after != 0 ? p->after : version - 1;
	const uint8_t *seeds =
	    p->by[0] != 0 ? p->by : FIXTURE_BY(SEED_PETRA, SEED_PAVEL);
	struct hash none = fixture_hash(0x99);
	struct statement s;

	fixture_statement(&s, p->is_policy ? ST_POLICY : ST_FLEET,
	    p->author != NULL ? p->author : PETRA);
	set_bundle(&s, version,
	    after < N_STATEMENTS ? &dc_world.name[after] : &none);
	if (p->other_realm)
		s.realm = fixture_hash(3);
	if (p->expires != 0)
		s.u.bundle.expires = NOW + p->expires;
	hash_sha256(m->manifest.p, m->manifest.n, &s.u.bundle.manifest);
	s.u.bundle.manifest_size = m->manifest.n;
	sign_into(&s, seeds, &m->statement);
	statement_clear(&s);
}

static void
make_job(const struct plan *p, struct made *m)
{
	const char *text = p->targets != NULL ? p->targets : dc_targets;
	struct statement s;
	struct job_statement *j = &s.u.job;
	const uint8_t *seeds =
	    p->job_by[0] != 0 ? p->job_by : FIXTURE_BY(SEED_PETRA, SEED_PAULA);

	fixture_statement(&s, p->job_is_accept ? ST_FORGET : ST_JOB,
	    p->job_author != NULL ? p->job_author : PETRA);
	s.realm = p->job_other_realm ? fixture_hash(3) : dc_world.trust.realm;
	s.at = NOW + p->job_at;
	if (p->job_is_accept) {
		s.u.forget.host = str_dup(HOST);
		s.u.forget.reason = str_dup("x");
		assert_non_null(s.u.forget.host);
		assert_non_null(s.u.forget.reason);
	} else {
		j->version = p->job_version != 0 ? p->job_version
		    : p->version != 0            ? p->version
						 : HELD_VERSION + 1;
		if (p->no_bundle)
			j->bundle = dc_world.held.bundle;
		else
			name_of(&m->statement, &j->bundle);
		if (p->job_other_bundle)
			j->bundle = fixture_hash(0x42);
		dc_must(job_set_targets(j, slice_str(text), NULL), "targets",
		    NULL);
		if (p->hosts != 0)
			j->hosts = p->hosts;
		j->enforce = !p->test;
		j->expires = NOW + (p->job_expires != 0 ? p->job_expires : DAY);
	}
	sign_into(&s, seeds, &m->job);
	statement_clear(&s);
}

void
dc_place(const char *targets, const char *host, struct str *out)
{
	struct targets_tree *tree = NULL;
	struct targets t = {0};
	const struct target *at;
	struct err e = {0};

	dc_must(targets_parse(slice_str(targets), &t, &e), "targets", &e);
	dc_must(targets_tree_new(&t, &tree), "tree", NULL);
	at = targets_find(&t, host);
	assert_non_null(at);
	dc_must(targets_tree_place(tree, (uint64_t)(at - t.v), at->batch, host,
		    out, &e),
	    "place", &e);
	targets_tree_free(tree);
	targets_clear(&t);
}

void
dc_make(const struct plan *p, struct made *m)
{
	memset(m, 0, sizeof(*m));
	str_init(&m->manifest);
	str_init(&m->statement);
	str_init(&m->job);
	str_init(&m->place);
	m->targets = p->targets != NULL ? p->targets : dc_targets;
	dc_place(p->sent != NULL ? p->sent : m->targets,
	    p->shown != NULL ? p->shown : HOST, &m->place);
	make_files(p, m);
	make_bundle(p, m);
	make_job(p, m);
	spoil_files(p, m);
	m->in = (struct fleet_input){
	    .statement = slice_of(m->statement.p, m->statement.n),
	    .manifest = slice_of(m->manifest.p, m->manifest.n),
	    .files = &m->files,
	    .between = m->between,
	    .some_pillar = !p->all_pillar,
	};
	while (m->in.n_between < 4 && p->between[m->in.n_between] != 0) {
		const struct str *s =
		    &dc_world.statement[p->between[m->in.n_between]];

		m->between[m->in.n_between++] = slice_of(s->p, s->n);
	}
	m->d = (struct fleet_delivery){
	    .place = slice_of(m->place.p, m->place.n),
	    .bundle = p->no_bundle ? NULL : &m->in,
	};
	if (!p->no_job)
		m->d.job = slice_of(m->job.p, m->job.n);
	if (p->spoil != NULL)
		p->spoil(&m->in, &m->d);
}

void
dc_unmake(struct made *m)
{
	policy_files_clear(&m->files);
	str_clear(&m->manifest);
	str_clear(&m->statement);
	str_clear(&m->job);
	str_clear(&m->place);
}

int
dc_bring(const struct plan *p, struct made *m, struct fleet_held *held,
    struct fleet_last *last, struct fleet_job *job, struct err *e)
{
	if (p->fresh) {
		*held = (struct fleet_held){0};
		*last = (struct fleet_last){0};
	} else {
		*held = dc_world.held;
		*last = dc_world.last;
	}
	return fleet_move(held, last, &dc_world.trust, &m->d,
	    p->host != NULL ? p->host : HOST, NOW + p->now * DAY, job, e);
}

static void
refuses(const struct dc_attack *a)
{
	struct fleet_held held, before = dc_world.held;
	struct fleet_last last, was = dc_world.last;
	struct fleet_job job;
	struct made m;
	struct err e = {0};
	int r;

	if (a->p.fresh) {
		memset(&before, 0, sizeof(before));
		memset(&was, 0, sizeof(was));
	}
	dc_make(&a->p, &m);
	r = dc_bring(&a->p, &m, &held, &last, &job, &e);
	if (r != a->want || strstr(e.msg, a->says) == NULL)
		fail_msg("%s: %d, not %d: %s", a->name, r, a->want, e.msg);
	assert_memory_equal(&held, &before, sizeof(held));
	assert_memory_equal(&last, &was, sizeof(last));
	dc_unmake(&m);
}

void
dc_refuses(const struct dc_attack *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		refuses(&v[i]);
}
