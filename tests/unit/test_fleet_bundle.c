/* SPDX-License-Identifier: ISC */
/*
 * A hostile master: each thing it may bring a host, one least step from what
 * passes.  The host holds fleet version 4 under a root that wants two of three
 * operators, and is asked to believe version 5 and a job.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/trust/fleet_bundle.h"
#include "lib/trust/fleet_job.h"
#include "tests/unit/alloc.h"
#include "tests/unit/fixture.h"
#include "tests/unit/mutate.h"

#define DAY   86400
#define NOW   FIXTURE_NOW
#define HOST  "web-1.example.com"
#define PAVEL "pavel@example.com"

enum { SEED_PAVEL = 9, SEED_PETRA_2 = 13, SEED_PAULA = 15 };

static const char root_yaml[] = "version: 1\n"
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
/* Pavel has left. */
static const char root2_yaml[] = "version: 2\n"
				 "expires: 2028-11-01\n"
				 "grace: 14d\n"
				 "officers:\n"
				 "  olga@example.com: {keys: [<1>, <11>]}\n"
				 "  ivan@example.com: {keys: [<2>]}\n"
				 "operators:\n"
				 "  petra@example.com: {keys: [<3>, <13>]}\n"
				 "  paula@example.com: {keys: [<15>]}\n"
				 "thresholds: {root: 2, policy: 1, fleet: 2}\n";

/* --- what the host has --- */

#define HELD_VERSION 4
#define N_STATEMENTS 9 /* versions 1 to 8 of the one chain; 0 is none */

static struct world {
	struct trust trust;
	struct str statement[N_STATEMENTS]; /* by version; no files behind */
	struct hash name[N_STATEMENTS];
	struct fleet_held held;
	struct fleet_last last;
} world;

static void
must(int r, const char *what, const struct err *e)
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

	must(statement_encode(s, &text, &e), "encode", &e);
	fixture_sign_text(text.p, statement_namespace(s->type), seeds, out);
	str_clear(&text);
}

static void
name_of(const struct str *text, struct hash *out)
{
	struct statement s;
	struct err e = {0};

	statement_init(&s, 0);
	must(statement_parse("name", slice_of(text->p, text->n), &s, &e),
	    "name", &e);
	*out = s.hash;
	statement_clear(&s);
}

/* Accept root and policy of this root.yaml on top of t. */
static void
accept_root(struct trust *t, const char *yaml, uint64_t version,
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
	must(trust_update(t, &in, NULL, NOW, &e), "policy", &e);
	free(root);
	str_clear(&root_sig);
	str_clear(&statement);
	str_clear(&manifest);
	policy_files_clear(&files);
}

static void
set_bundle(struct statement *s, uint64_t version, const struct hash *previous)
{
	s->realm = world.trust.realm;
	s->u.bundle.version = version;
	s->u.bundle.expires = NOW + 30 * DAY;
	s->u.bundle.manifest = fixture_hash(0x77);
	s->u.bundle.manifest_size = 1;
	s->u.bundle.has_previous = version > 1;
	if (version > 1)
		s->u.bundle.previous = *previous;
}

static int
set_up(void **state)
{
	(void)state;
	trust_init(&world.trust);
	accept_root(&world.trust, root_yaml, 1,
	    FIXTURE_BY(SEED_OLGA, SEED_IVAN));
	for (uint64_t v = 1; v < N_STATEMENTS; v++) {
		struct statement s;

		fixture_statement(&s, ST_FLEET, PETRA);
		set_bundle(&s, v, &world.name[v - 1]);
		str_init(&world.statement[v]);
		sign_into(&s, FIXTURE_BY(SEED_PETRA, SEED_PAVEL),
		    &world.statement[v]);
		name_of(&world.statement[v], &world.name[v]);
		statement_clear(&s);
	}
	world.held = (struct fleet_held){.have = true,
	    .version = HELD_VERSION,
	    .bundle = world.name[HELD_VERSION],
	    .expires = NOW + 30 * DAY};
	world.last = (struct fleet_last){
	    .have = true, .job = fixture_hash(5), .at = NOW - 3600};
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	trust_clear(&world.trust);
	for (uint64_t v = 1; v < N_STATEMENTS; v++)
		str_clear(&world.statement[v]);
	return 0;
}

/* --- what is brought --- */

/* What differs from the good delivery; zero: nothing does. */
struct plan {
	/* The bundle. */
	bool no_bundle;
	uint64_t version; /* else 5 */
	uint64_t after;   /* whose name is `previous`; else version - 1 */
	uint8_t by[4];    /* seeds; else petra and pavel */
	const char *author;
	bool other_realm, is_policy;
	int64_t expires;     /* seconds from now; else 30 days */
	const char *path;    /* one more, in MANIFEST and files */
	const char *without; /* neither in MANIFEST nor in files */
	const char *lost;    /* not in files */
	const char *stray;   /* in files alone */
	const char *changed; /* other bytes than signed */
	bool all_pillar;     /* a holder that needs the pillar whole */
	uint64_t between[4]; /* versions shown, in this order */

	/* The job. */
	bool no_job, test;
	uint8_t job_by[4];
	const char *job_author;
	bool job_other_realm, job_is_accept;
	int64_t job_at, job_expires; /* seconds from now; else 0, 1 day */
	uint64_t job_version;
	bool job_other_bundle;
	const char *targets; /* else of two batches */
	const char *sent;    /* other targets than were signed */

	/* The host. */
	const char *host;
	int64_t now; /* days from now */
	bool fresh;  /* it holds nothing yet */
	void (*spoil)(struct fleet_input *in, struct fleet_delivery *d);
};

struct made {
	struct policy_files files;
	struct str manifest, statement, job;
	struct slice between[4];
	struct fleet_input in;
	struct fleet_delivery d;
};

static const char targets_text[] = "1 web-9.example.com\n"
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
			must(policy_files_add(&m->files, content[i].path,
				 content[i].text, strlen(content[i].text)),
			    "file", NULL);
	if (p->path != NULL)
		must(policy_files_add(&m->files, p->path, "x: 1\n", 5), "file",
		    NULL);
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
		must(policy_files_add(&m->files, p->stray, "x: 1\n", 5), "file",
		    NULL);
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
	    after < N_STATEMENTS ? &world.name[after] : &none);
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
	const char *text = p->targets != NULL ? p->targets : targets_text;
	struct statement s;
	struct job_statement *j = &s.u.job;
	const uint8_t *seeds =
	    p->job_by[0] != 0 ? p->job_by : FIXTURE_BY(SEED_PETRA, SEED_PAULA);

	fixture_statement(&s, p->job_is_accept ? ST_FORGET : ST_JOB,
	    p->job_author != NULL ? p->job_author : PETRA);
	s.realm = p->job_other_realm ? fixture_hash(3) : world.trust.realm;
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
			j->bundle = world.held.bundle;
		else
			name_of(&m->statement, &j->bundle);
		if (p->job_other_bundle)
			j->bundle = fixture_hash(0x42);
		hash_sha256(text, strlen(text), &j->targets);
		j->targets_size = strlen(text);
		j->enforce = !p->test;
		j->expires = NOW + (p->job_expires != 0 ? p->job_expires : DAY);
	}
	sign_into(&s, seeds, &m->job);
	statement_clear(&s);
}

static void
make(const struct plan *p, struct made *m)
{
	memset(m, 0, sizeof(*m));
	str_init(&m->manifest);
	str_init(&m->statement);
	str_init(&m->job);
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
		    &world.statement[p->between[m->in.n_between]];

		m->between[m->in.n_between++] = slice_of(s->p, s->n);
	}
	m->d = (struct fleet_delivery){
	    .targets = slice_str(p->sent != NULL ? p->sent
		    : p->targets != NULL         ? p->targets
						 : targets_text),
	    .bundle = p->no_bundle ? NULL : &m->in,
	};
	if (!p->no_job)
		m->d.job = slice_of(m->job.p, m->job.n);
	if (p->spoil != NULL)
		p->spoil(&m->in, &m->d);
}

static void
unmake(struct made *m)
{
	policy_files_clear(&m->files);
	str_clear(&m->manifest);
	str_clear(&m->statement);
	str_clear(&m->job);
}

/* --- spoilers --- */

/* Without its blocks. */
static struct slice
bare(struct slice s)
{
	const uint8_t *lf = memchr(s.p, '\n', s.n);

	assert_non_null(lf);
	return slice_of(s.p, (size_t)(lf - s.p) + 1);
}

static void
unsigned_bundle(struct fleet_input *in, struct fleet_delivery *d)
{
	(void)d;
	in->statement = bare(in->statement);
}

static void
unsigned_job(struct fleet_input *in, struct fleet_delivery *d)
{
	(void)in;
	d->job = bare(d->job);
}

static void
empty_bundle(struct fleet_input *in, struct fleet_delivery *d)
{
	(void)d;
	in->statement = slice_of(NULL, 0);
}

static void
giant_statement(struct fleet_input *in, struct fleet_delivery *d)
{
	static uint8_t big[STATEMENT_MAX + 1];

	(void)d;
	in->statement = slice_of(big, sizeof(big));
}

static void
giant_manifest(struct fleet_input *in, struct fleet_delivery *d)
{
	static uint8_t big[BUNDLE_MANIFEST_MAX + 1];

	(void)d;
	in->manifest = slice_of(big, sizeof(big));
}

static void
giant_targets(struct fleet_input *in, struct fleet_delivery *d)
{
	static uint8_t big[TARGETS_MAX + 1];

	(void)in;
	d->targets = slice_of(big, sizeof(big));
}

static void
giant_between(struct fleet_input *in, struct fleet_delivery *d)
{
	(void)d;
	in->n_between = FLEET_BETWEEN_MAX + 1;
}

static void
short_manifest(struct fleet_input *in, struct fleet_delivery *d)
{
	(void)d;
	in->manifest.n--;
}

static void
reordered_files(struct fleet_input *in, struct fleet_delivery *d)
{
	static struct policy_file v[2];
	static struct policy_files swapped;

	(void)d;
	/* Whatever comes first, it is not fleet.yaml. */
	v[0] = in->files->v[in->files->n - 1];
	v[1] = in->files->v[0];
	swapped = (struct policy_files){.v = v, .n = 2};
	in->files = &swapped;
}

static void
twice_a_file(struct fleet_input *in, struct fleet_delivery *d)
{
	static struct policy_file v[8];
	static struct policy_files twice;

	(void)d;
	assert_true(in->files->n < 8);
	v[0] = in->files->v[0];
	memcpy(v + 1, in->files->v, in->files->n * sizeof(*v));
	twice = (struct policy_files){.v = v, .n = in->files->n + 1};
	in->files = &twice;
}

/* MANIFEST of another version, whose own statement is good. */
static void
mixed_manifest(struct fleet_input *in, struct fleet_delivery *d)
{
	static struct made other;
	static const struct plan p = {.path = "states/extra.yaml"};

	(void)d;
	unmake(&other);
	make(&p, &other);
	in->manifest = other.in.manifest;
}

static void
mixed_statement(struct fleet_input *in, struct fleet_delivery *d)
{
	static struct made other;
	static const struct plan p = {.path = "states/extra.yaml"};

	(void)d;
	unmake(&other);
	make(&p, &other);
	in->statement = other.in.statement;
	in->manifest = other.in.manifest;
	in->files = other.in.files;
}

/* --- the attacks --- */

#define BY(...)             \
	{                   \
		__VA_ARGS__ \
	}

static const struct {
	const char *name;
	struct plan p;
	int want;
	const char *says;
} attacks[] = {
    /* signatures of the bundle */
    {"unsigned", {.spoil = unsigned_bundle}, ERR_PARSE, "not signed"},
    {"nothing at all", {.spoil = empty_bundle}, ERR_PARSE, "end of line"},
    {"one signer short", {.by = BY(SEED_PETRA)}, ERR_DENIED,
	"expected 2 of the operators of root 1: paula@example.com, " PAVEL
	" are missing"},
    {"one person with two keys", {.by = BY(SEED_PETRA, SEED_PETRA_2)},
	ERR_DENIED, "signed by " PETRA ", expected 2"},
    {"an operator and a stranger", {.by = BY(SEED_PETRA, SEED_MALLORY)},
	ERR_DENIED, "expected 2"},
    {"strangers", {.by = BY(SEED_MALLORY, 201)}, ERR_DENIED, "no operator"},
    {"officers", {.by = BY(SEED_OLGA, SEED_IVAN), .author = OLGA}, ERR_DENIED,
	"no operator"},
    {"an operator and an officer", {.by = BY(SEED_PETRA, SEED_OLGA)},
	ERR_DENIED, "expected 2"},
    {"an operator and an engineer", {.by = BY(SEED_PETRA, SEED_BOB)},
	ERR_DENIED, "expected 2"},
    {"by one who did not sign", {.by = BY(SEED_PAVEL, SEED_PAULA)}, ERR_DENIED,
	"who did not sign it as an operator"},
    {"by an officer's name", {.author = OLGA}, ERR_DENIED, "did not sign"},
    {"wrong realm", {.other_realm = true}, ERR_DENIED, "another realm"},
    {"a policy bundle in its place", {.is_policy = true}, ERR_PARSE,
	"a policy statement"},

    /* versions */
    {"replayed: what came before", {.version = 3, .job_version = 3},
	ERR_ROLLBACK, "older"},
    {"rolled back by an order for the past",
	{.no_bundle = true, .job_version = 3}, ERR_ROLLBACK, "older"},
    {"the same version, other content", {.version = 4}, ERR_ROLLBACK, "again"},
    {"fast-forwarded", {.version = UINT64_MAX}, ERR_ROLLBACK,
	"does not follow version 4"},
    {"fast-forwarded by two", {.version = 6}, ERR_ROLLBACK,
	"expected the 1 statements between"},
    {"another past", {.after = 3}, ERR_ROLLBACK, "names as the one before"},
    {"a past of nobody's", {.after = 99}, ERR_ROLLBACK,
	"version 4 is not the one"},
    {"between: too few", {.version = 7, .between = {5}}, ERR_ROLLBACK,
	"expected the 2"},
    {"between: too many", {.version = 6, .between = {5, 5}}, ERR_ROLLBACK,
	"expected the 1"},
    {"between: swapped", {.version = 7, .between = {6, 5}}, ERR_ROLLBACK,
	"not the one"},
    {"between: an older one", {.version = 7, .between = {4, 6}}, ERR_ROLLBACK,
	"not the one"},
    {"between: one twice", {.version = 7, .between = {6, 6}}, ERR_ROLLBACK,
	"not the one"},
    {"between: giant", {.version = 5000, .spoil = giant_between}, ERR_LIMIT,
	"4097 fleet versions"},

    /* expiry */
    {"expired", {.expires = -15 * DAY}, ERR_EXPIRED, "fleet expired"},
    {"kept until it is past its grace", {.now = 45, .job_expires = 60 * DAY},
	ERR_EXPIRED, "fleet expired"},
    {"under a policy past its grace",
	{.now = 195, .expires = 300 * DAY, .job_expires = 300 * DAY},
	ERR_EXPIRED, "policy expired"},

    /* size */
    {"giant statement", {.spoil = giant_statement}, ERR_LIMIT, "at most 61440"},
    {"giant MANIFEST", {.spoil = giant_manifest}, ERR_PARSE,
	"that the bundle names"},
    {"giant TARGETS", {.spoil = giant_targets}, ERR_PARSE,
	"that the job names"},

    /* files */
    {"a shorter MANIFEST", {.spoil = short_manifest}, ERR_PARSE, "MANIFEST"},
    {"mixed: MANIFEST of another bundle", {.spoil = mixed_manifest}, ERR_PARSE,
	"MANIFEST of"},
    {"mixed: a bundle the job does not name", {.spoil = mixed_statement},
	ERR_DENIED, "not the fleet version 5 that the job names"},
    {"mixed: one file more", {.stray = "states/extra.yaml"}, ERR_PARSE,
	"states/extra.yaml is not in MANIFEST"},
    {"mixed: other bytes", {.changed = "states/ssh.yaml"}, ERR_PARSE,
	"states/ssh.yaml differs"},
    {"a state is missing", {.lost = "states/ssh.yaml"}, ERR_PARSE,
	"states/ssh.yaml of MANIFEST is missing"},
    {"top.yaml is missing", {.lost = "top.yaml"}, ERR_PARSE,
	"top.yaml of MANIFEST is missing"},
    {"a bundle without top.yaml", {.without = "top.yaml"}, ERR_PARSE,
	"does not name top.yaml"},
    {"a bundle without fleet.yaml", {.without = "fleet.yaml"}, ERR_PARSE,
	"does not name fleet.yaml"},
    {"reordered files", {.spoil = reordered_files}, ERR_PARSE,
	"fleet.yaml of MANIFEST is missing"},
    {"a file twice", {.spoil = twice_a_file}, ERR_PARSE, "not in its order"},
    {"pillar: other bytes", {.changed = "pillar/common.yaml"}, ERR_PARSE,
	"pillar/common.yaml differs"},
    {"pillar: not signed", {.stray = "pillar/evil.yaml"}, ERR_PARSE,
	"pillar/evil.yaml is not in MANIFEST"},
    {"pillar: missing where all is needed",
	{.lost = "pillar/db.yaml", .all_pillar = true}, ERR_PARSE,
	"pillar/db.yaml of MANIFEST is missing"},

    /* paths */
    {"path: up", {.path = "states/../../etc/passwd"}, ERR_PARSE, "MANIFEST"},
    {"path: absolute", {.path = "/etc/passwd"}, ERR_PARSE, "MANIFEST"},
    {"path: a dot", {.path = "./fleet.yaml"}, ERR_PARSE, "MANIFEST"},
    {"path: an empty part", {.path = "states//ssh2.yaml"}, ERR_PARSE,
	"MANIFEST"},
    {"path: the policy's", {.path = "root.yaml"}, ERR_PARSE, "root.yaml"},
    {"path: another directory", {.path = "people/mallory.yaml"}, ERR_PARSE,
	"people/mallory.yaml"},
    {"path: deeper", {.path = "states/x/y.yaml"}, ERR_PARSE, "states/x/y.yaml"},
    {"path: hidden", {.path = "states/.ssh.yaml"}, ERR_PARSE,
	"states/.ssh.yaml"},
    {"path: capitals", {.path = "states/SSH.yaml"}, ERR_PARSE,
	"states/SSH.yaml"},
    {"path: another suffix", {.path = "states/run.sh"}, ERR_PARSE,
	"states/run.sh"},
    {"path: nothing but the suffix", {.path = "states/.yaml"}, ERR_PARSE,
	"states/.yaml"},
    {"path: a directory and a file", {.path = "top.yaml/x.yaml"}, ERR_PARSE,
	"MANIFEST"},

    /* the job */
    {"no job", {.no_job = true}, ERR_DENIED, "no job"},
    {"an unsigned job", {.spoil = unsigned_job}, ERR_PARSE, "not signed"},
    {"a job one signer short", {.job_by = BY(SEED_PETRA)}, ERR_DENIED,
	"job is signed by " PETRA ", expected 2"},
    {"a job of one person's two keys", {.job_by = BY(SEED_PETRA, SEED_PETRA_2)},
	ERR_DENIED, "expected 2"},
    {"a job of officers",
	{.job_by = BY(SEED_OLGA, SEED_IVAN), .job_author = OLGA}, ERR_DENIED,
	"no operator"},
    {"a job by one who did not sign", {.job_author = PAVEL}, ERR_DENIED,
	"did not sign"},
    {"a job of another realm", {.job_other_realm = true}, ERR_DENIED,
	"another realm"},
    {"another statement in its place", {.job_is_accept = true}, ERR_PARSE,
	"a forget statement"},
    {"wrong host", {.host = "web-2.example.com"}, ERR_DENIED,
	"not for host 'web-2.example.com'"},
    {"a host whose name begins like one", {.host = "web-1.example.co"},
	ERR_DENIED, "not for host"},
    {"other targets than were signed", {.sent = "1 web-1.example.com\n"},
	ERR_PARSE, "TARGETS of 20 bytes"},
    {"others, of the same size",
	{.targets = "1 web-2.example.com\n", .sent = "1 web-1.example.com\n"},
	ERR_PARSE, "TARGETS differs"},
    {"a job replayed", {.job_at = -7200}, ERR_ROLLBACK, "not newer"},
    {"a job of the same second as the last", {.job_at = -3600}, ERR_ROLLBACK,
	"not newer"},
    {"a job from the future", {.job_at = 301}, ERR_DENIED, "from the future"},
    {"an expired job", {.job_expires = -1}, ERR_EXPIRED, "job expired"},
    {"a job for another version", {.job_version = 6}, ERR_DENIED,
	"not the fleet version 6"},
    {"a job for another bundle of that version", {.job_other_bundle = true},
	ERR_DENIED, "not the fleet version 5"},
    {"a job for a bundle that did not come",
	{.no_bundle = true, .job_version = 5}, ERR_DENIED,
	"not the fleet version 5"},
    {"on a new host, one signer short", {.fresh = true, .by = BY(SEED_PETRA)},
	ERR_DENIED, "expected 2"},
    {"on a new host, no job", {.fresh = true, .no_job = true}, ERR_DENIED,
	"no job"},
};
#define N_ATTACKS (sizeof(attacks) / sizeof(attacks[0]))

static int
bring(const struct plan *p, struct made *m, struct fleet_held *held,
    struct fleet_last *last, struct fleet_job *job, struct err *e)
{
	if (p->fresh) {
		*held = (struct fleet_held){0};
		*last = (struct fleet_last){0};
	} else {
		*held = world.held;
		*last = world.last;
	}
	return fleet_move(held, last, &world.trust, &m->d,
	    p->host != NULL ? p->host : HOST, NOW + p->now * DAY, job, e);
}

static void
nothing_a_hostile_master_brings_is_applied(void **state)
{
	(void)state;
	assert_true(N_ATTACKS >= 40);
	for (size_t i = 0; i < N_ATTACKS; i++) {
		struct fleet_held held, before;
		struct fleet_last last, was;
		struct fleet_job job;
		struct made m;
		struct err e = {0};
		int r;

		make(&attacks[i].p, &m);
		before = world.held;
		was = world.last;
		if (attacks[i].p.fresh) {
			memset(&before, 0, sizeof(before));
			memset(&was, 0, sizeof(was));
		}
		r = bring(&attacks[i].p, &m, &held, &last, &job, &e);
		if (r != attacks[i].want ||
		    strstr(e.msg, attacks[i].says) == NULL)
			fail_msg("%s: %d, not %d: %s", attacks[i].name, r,
			    attacks[i].want, e.msg);
		assert_memory_equal(&held, &before, sizeof(held));
		assert_memory_equal(&last, &was, sizeof(last));
		unmake(&m);
	}
}

static const struct {
	const char *name;
	struct plan p;
	int want;
	uint64_t holds;
} welcome[] = {
    {"the next version", {0}, 0, 5},
    {"other signers", {.by = BY(SEED_PAVEL, SEED_PAULA), .author = PAVEL}, 0,
	5},
    {"all and a stranger", {.by = BY(SEED_PETRA, SEED_PAVEL, SEED_MALLORY)}, 0,
	5},
    {"a second key", {.by = BY(SEED_PETRA_2, SEED_PAVEL)}, 0, 5},
    {"a jump along the chain", {.version = 7, .between = {5, 6}}, 0, 7},
    {"a host's own pillar alone", {.lost = "pillar/db.yaml"}, 0, 5},
    {"all of the pillar", {.all_pillar = true}, 0, 5},
    {"a test", {.test = true}, 0, 4},
    {"a job for what is held", {.no_bundle = true, .job_version = 4}, 0, 4},
    {"the first host in a batch", {.host = "db-1.example.com"}, 0, 5},
    {"a clock a little behind", {.job_at = 300}, 0, 5},
    {"the last second of the job", {.job_expires = 1}, 0, 5},
    {"within grace", {.expires = -DAY}, BUNDLE_GRACE, 5},
    {"the last of its grace", {.expires = -14 * DAY}, BUNDLE_GRACE, 5},
    {"anything on a new host", {.fresh = true, .version = 1000}, 0, 1000},
};

static void
what_is_in_order_is_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(welcome) / sizeof(welcome[0]); i++) {
		const struct plan *p = &welcome[i].p;
		struct fleet_held held, again;
		struct fleet_last last;
		struct fleet_job job;
		struct made m;
		struct err e = {0};
		int r;

		make(p, &m);
		r = bring(p, &m, &held, &last, &job, &e);
		if (r != welcome[i].want || held.version != welcome[i].holds)
			fail_msg("%s: %d, holds %llu: %s", welcome[i].name, r,
			    (unsigned long long)held.version, e.msg);
		assert_int_equal(job.batch, 2);
		assert_int_equal(job.n_batches, 2);
		assert_int_equal(job.n_hosts, 3);
		assert_int_equal(job.enforce, !p->test);
		assert_memory_equal(&last.job, &job.name, sizeof(job.name));
		/* The very same again is no attack. */
		again = held;
		r = fleet_move(&again, &last, &world.trust, &m.d,
		    p->host != NULL ? p->host : HOST, NOW, &job, &e);
		if (r != welcome[i].want)
			fail_msg("%s, again: %d %s", welcome[i].name, r, e.msg);
		assert_memory_equal(&again, &held, sizeof(held));
		unmake(&m);
	}
}

static void
a_master_may_ask_without_a_host(void **state)
{
	static const struct plan p = {0};
	struct fleet_job job;
	struct made m;
	struct err e = {0};

	(void)state;
	make(&p, &m);
	must(fleet_job_check(&world.last, &world.trust, m.d.job, m.d.targets,
		 NULL, NOW, &job, &e),
	    "job", &e);
	assert_int_equal(job.batch, 0);
	assert_int_equal(job.n_hosts, 3);
	unmake(&m);
}

static void
nobody_is_believed_without_a_policy(void **state)
{
	static const struct plan p = {0};
	struct fleet_held held = {0};
	struct fleet_last last = {0};
	struct fleet_job job;
	struct trust none;
	struct made m;
	struct err e = {0};

	(void)state;
	trust_init(&none);
	make(&p, &m);
	assert_int_equal(fleet_move(&held, &last, &none, &m.d, HOST, NOW, &job,
			     &e),
	    ERR_DENIED);
	assert_int_equal(fleet_accept(&held, &none, &m.in, NOW, &e),
	    ERR_DENIED);
	assert_int_equal(fleet_expiry(&held, &none, NOW, NULL, &e),
	    ERR_EXPIRED);
	assert_false(held.have);
	unmake(&m);
}

/* --- operators who leave --- */

static void
what_is_held_outlives_who_signed_it_and_nothing_new_does(void **state)
{
	static const struct plan p = {0};
	static const struct plan next = {.version = 6, .between = {5}};
	struct fleet_held held = world.held;
	struct made m, n;
	struct trust t;
	struct err e = {0};

	(void)state;
	trust_init(&t);
	make(&p, &m);
	make(&next, &n);
	must(fleet_accept(&held, &world.trust, &m.in, NOW, &e), "held", &e);
	accept_root(&t, root_yaml, 1, FIXTURE_BY(SEED_OLGA, SEED_IVAN));
	accept_root(&t, root2_yaml, 2, FIXTURE_BY(SEED_OLGA, SEED_IVAN));
	must(fleet_accept(&held, &t, &m.in, NOW, &e), "still held", &e);
	assert_int_equal(held.version, 5);
	assert_int_equal(fleet_accept(&held, &t, &n.in, NOW, &e), ERR_DENIED);
	assert_non_null(strstr(e.msg, "of the operators of root 2"));
	/* And where nothing is held, the old one is nobody's. */
	held = (struct fleet_held){0};
	assert_int_equal(fleet_accept(&held, &t, &m.in, NOW, &e), ERR_DENIED);
	trust_clear(&t);
	unmake(&m);
	unmake(&n);
}

/* --- expiry --- */

static void
a_held_fleet_says_when_it_ends(void **state)
{
	static const struct {
		int64_t days;
		int want;
		const char *words;
	} cases[] = {
	    {-1, 0, ""},
	    {0, 0, "fleet expires in 30 days"},
	    {29, 0, "urgent: fleet"},
	    {31, BUNDLE_GRACE, "fleet has expired"},
	    {45, ERR_EXPIRED, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str words = STR_INIT;
		int r = fleet_expiry(&world.held, &world.trust,
		    NOW + cases[i].days * DAY, &words, NULL);

		if (r != cases[i].want ||
		    strstr(words.p, cases[i].words) == NULL)
			fail_msg("%lld days: %d '%s'", (long long)cases[i].days,
			    r, words.p);
		str_clear(&words);
	}
}

static void
no_clock_skips_expiry(void **state)
{
	static const struct plan p = {.expires = -400 * DAY};
	struct fleet_held held = world.held;
	struct made m;
	struct err e = {0};

	(void)state;
	make(&p, &m);
	must(fleet_accept(&held, &world.trust, &m.in, 0, &e), "accept", &e);
	assert_int_equal(held.version, 5);
	unmake(&m);
}

/* --- wrong pillar --- */

static void
a_host_has_the_pillar_its_top_gives_it_and_no_other(void **state)
{
	static const struct {
		const char *lost;
		const char *names[3];
		int want;
		const char *says;
	} cases[] = {
	    {NULL, {"common", "db"}, 0, ""},
	    {"pillar/db.yaml", {"common"}, 0, ""},
	    {NULL, {"common"}, ERR_DENIED, "pillar/db.yaml"},
	    {"pillar/common.yaml", {"common"}, ERR_DENIED, "pillar/db.yaml"},
	    {"pillar/db.yaml", {"common", "db"}, ERR_PARSE, "pillar/db.yaml"},
	    {"pillar/db.yaml", {"common", "com"}, ERR_PARSE, "pillar/com.yaml"},
	    {"pillar/db.yaml", {"commo"}, ERR_DENIED, "pillar/common.yaml"},
	    {"pillar/db.yaml", {NULL}, ERR_DENIED, "pillar/common.yaml"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct plan p = {.lost = cases[i].lost};
		struct strs names = {0};
		struct made m;
		struct err e = {0};
		int r;

		make(&p, &m);
		for (size_t j = 0; j < 3 && cases[i].names[j] != NULL; j++)
			must(strs_add(&names, cases[i].names[j]), "name", NULL);
		r = fleet_pillar_check(m.in.files, &names, &e);
		if (r != cases[i].want || strstr(e.msg, cases[i].says) == NULL)
			fail_msg("%zu: %d '%s'", i, r, e.msg);
		strs_clear(&names);
		unmake(&m);
	}
}

/* --- TARGETS --- */

static const struct {
	const char *name, *text;
	int want;
	const char *says;
} target_texts[] = {
    {"one host", "1 a\n", 0, ""},
    {"two batches", "1 b\n2 a\n2 c\n", 0, ""},
    {"nothing", "", ERR_PARSE, "empty"},
    {"no end of line", "1 a", ERR_PARSE, "TARGETS:1: the line has no end"},
    {"an empty line", "1 a\n\n", ERR_PARSE, "TARGETS:2: malformed"},
    {"CR LF", "1 a\r\n", ERR_PARSE, "malformed"},
    {"two blanks", "1  a\n", ERR_PARSE, "malformed"},
    {"no batch", "a\n", ERR_PARSE, "malformed"},
    {"a batch 0", "0 a\n", ERR_PARSE, "malformed"},
    {"a leading zero", "01 a\n", ERR_PARSE, "malformed"},
    {"a first batch 2", "2 a\n", ERR_PARSE, "out of order"},
    {"a gap", "1 a\n3 b\n", ERR_PARSE, "TARGETS:2: batch out of order"},
    {"back", "1 a\n2 b\n1 c\n", ERR_PARSE, "TARGETS:3: batch out of order"},
    {"not sorted", "1 b\n1 a\n", ERR_PARSE, "TARGETS:2: host out of order"},
    {"twice in a batch", "1 a\n1 a\n", ERR_PARSE, "out of order"},
    {"twice in two", "1 a\n2 a\n", ERR_PARSE, "a in two batches"},
    {"everybody", "1 *\n", ERR_PARSE, "malformed"},
    {"capitals", "1 A\n", ERR_PARSE, "malformed"},
    {"a path", "1 ../a\n", ERR_PARSE, "malformed"},
    {"a batch past the last", "1001 a\n", ERR_PARSE, "malformed"},
};

static void
targets_are_read_in_one_spelling(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(target_texts) / sizeof(target_texts[0]);
	     i++) {
		struct targets t = {0};
		struct err e = {0};
		int r = targets_parse(slice_str(target_texts[i].text), &t, &e);

		if (r != target_texts[i].want ||
		    strstr(e.msg, target_texts[i].says) == NULL)
			fail_msg("%s: %d '%s'", target_texts[i].name, r, e.msg);
		targets_clear(&t);
	}
	assert_int_equal(targets_parse(slice_of((const uint8_t *)"1 a\0b\n", 6),
			     &(struct targets){0}, NULL),
	    ERR_PARSE);
}

static void
targets_are_written_as_they_are_read(void **state)
{
	struct strs batches[2] = {{0}, {0}};
	struct str out = STR_INIT;
	struct targets t = {0};
	struct err e = {0};

	(void)state;
	must(strs_add(&batches[0], "web-9"), "add", NULL);
	must(strs_add(&batches[1], "web-1"), "add", NULL);
	assert_int_equal(targets_write(batches, 0, &out, &e), ERR_PARSE);
	must(strs_add(&batches[1], "db-1"), "add", NULL);
	must(targets_write(batches, 2, &out, &e), "write", &e);
	assert_string_equal(out.p, "1 web-9\n2 db-1\n2 web-1\n");
	must(targets_parse(slice_of(out.p, out.n), &t, &e), "parse", &e);
	assert_int_equal(t.n, 3);
	assert_int_equal(t.n_batches, 2);
	assert_int_equal(targets_find(&t, "web-1")->batch, 2);
	assert_null(targets_find(&t, "web-2"));
	must(strs_add(&batches[0], "db-1"), "add", NULL);
	assert_int_equal(targets_write(batches, 2, &out, &e), ERR_PARSE);
	strs_clear(&batches[0]);
	assert_int_equal(targets_write(batches, 2, &out, &e), ERR_PARSE);
	must(strs_add(&batches[0], "a\n1 b"), "add", NULL);
	assert_int_equal(targets_write(batches, 2, &out, &e), ERR_PARSE);
	assert_string_equal(out.p, "1 web-9\n2 db-1\n2 web-1\n");
	strs_clear(&batches[0]);
	strs_clear(&batches[1]);
	targets_clear(&t);
	str_clear(&out);
}

static void
targets_end_at_their_limits(void **state)
{
	struct str text = STR_INIT;
	struct targets t = {0};
	uint8_t *big = malloc(TARGETS_MAX + 1);

	(void)state;
	assert_non_null(big);
	memset(big, 'x', TARGETS_MAX + 1);
	assert_int_equal(targets_parse(slice_of(big, TARGETS_MAX + 1), &t,
			     NULL),
	    ERR_LIMIT);
	for (size_t i = 0; i <= TARGETS_HOSTS_MAX; i++) {
		if (i == TARGETS_HOSTS_MAX) {
			assert_int_equal(targets_parse(slice_of(text.p, text.n),
					     &t, NULL),
			    0);
			assert_int_equal(t.n, TARGETS_HOSTS_MAX);
			targets_clear(&t);
		}
		str_addf(&text, "1 h%06zu\n", i);
	}
	assert_int_equal(targets_parse(slice_of(text.p, text.n), &t, NULL),
	    ERR_LIMIT);
	str_clear(&text);
	free(big);
}

/* --- near misses --- */

static void
must_not_move(const uint8_t *p, size_t n, void *arg)
{
	struct made *m = arg;
	struct fleet_held held = world.held;
	struct fleet_last last = world.last;
	struct fleet_input in = m->in;
	struct fleet_delivery d = m->d;
	struct fleet_job job;

	d.bundle = &in;
	in.statement = slice_of(p, n);
	if (fleet_move(&held, &last, &world.trust, &d, HOST, NOW, &job, NULL) >=
	    0)
		fail_msg("bundle taken: %s", mutate_what());
	assert_memory_equal(&held, &world.held, sizeof(held));
}

static void
must_not_order(const uint8_t *p, size_t n, void *arg)
{
	const struct made *m = arg;
	struct fleet_job job;

	if (fleet_job_check(&world.last, &world.trust, slice_of(p, n),
		m->d.targets, HOST, NOW, &job, NULL) >= 0)
		fail_msg("job taken: %s", mutate_what());
}

static void
must_not_target(const uint8_t *p, size_t n, void *arg)
{
	const struct made *m = arg;
	struct fleet_job job;

	if (fleet_job_check(&world.last, &world.trust, m->d.job, slice_of(p, n),
		HOST, NOW, &job, NULL) >= 0)
		fail_msg("targets taken: %s", mutate_what());
}

static void
no_flipped_bit_and_no_cut_is_taken(void **state)
{
	static const struct plan p = {0};
	struct made m;

	(void)state;
	make(&p, &m);
	mutate_each(m.statement.p, m.statement.n, must_not_move, &m);
	mutate_each(m.job.p, m.job.n, must_not_order, &m);
	mutate_each(targets_text, strlen(targets_text), must_not_target, &m);
	unmake(&m);
}

static int
move_once(void *arg)
{
	const struct made *m = arg;
	struct fleet_held held = world.held;
	struct fleet_last last = world.last;
	struct fleet_job job;

	return fleet_move(&held, &last, &world.trust, &m->d, HOST, NOW, &job,
	    NULL);
}

static int
write_once(void *arg)
{
	struct str out = STR_INIT;
	int r = targets_write(arg, 1, &out, NULL);

	str_clear(&out);
	return r;
}

static void
every_failing_allocation_is_answered(void **state)
{
	static const struct plan p = {.version = 7, .between = {5, 6}};
	struct strs batch = {0};
	struct made m;

	(void)state;
	make(&p, &m);
	assert_true(alloc_each(move_once, &m) > 50);
	unmake(&m);
	must(strs_add(&batch, "b"), "add", NULL);
	must(strs_add(&batch, "a"), "add", NULL);
	assert_true(alloc_each(write_once, &batch) > 5);
	strs_clear(&batch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_a_hostile_master_brings_is_applied),
	    cmocka_unit_test(what_is_in_order_is_taken),
	    cmocka_unit_test(a_master_may_ask_without_a_host),
	    cmocka_unit_test(nobody_is_believed_without_a_policy),
	    cmocka_unit_test(
		what_is_held_outlives_who_signed_it_and_nothing_new_does),
	    cmocka_unit_test(a_held_fleet_says_when_it_ends),
	    cmocka_unit_test(no_clock_skips_expiry),
	    cmocka_unit_test(
		a_host_has_the_pillar_its_top_gives_it_and_no_other),
	    cmocka_unit_test(targets_are_read_in_one_spelling),
	    cmocka_unit_test(targets_are_written_as_they_are_read),
	    cmocka_unit_test(targets_end_at_their_limits),
	    cmocka_unit_test(no_flipped_bit_and_no_cut_is_taken),
	    cmocka_unit_test(every_failing_allocation_is_answered),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
