/* SPDX-License-Identifier: ISC */
/*
 * A hostile master: each thing it may bring a host, one least step from what
 * passes (deliverycase.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/trust/fleet_bundle.h"
#include "lib/trust/fleet_job.h"
#include "tests/unit/deliverycase.h"
#include "tests/unit/fixture.h"
#include "tests/unit/mutate.h"

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
	dc_unmake(&other);
	dc_make(&p, &other);
	in->manifest = other.in.manifest;
}

static void
mixed_statement(struct fleet_input *in, struct fleet_delivery *d)
{
	static struct made other;
	static const struct plan p = {.path = "states/extra.yaml"};

	(void)d;
	dc_unmake(&other);
	dc_make(&p, &other);
	in->statement = other.in.statement;
	in->manifest = other.in.manifest;
	in->files = other.in.files;
}

/* --- the attacks --- */

static const struct dc_attack attacks[] = {
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
    {"the place of another host", {.shown = "db-1.example.com"}, ERR_DENIED,
	"not for host '" HOST "': the place shown is that of "
	"'db-1.example.com'"},
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

static void
nothing_a_hostile_master_brings_is_applied(void **state)
{
	(void)state;
	assert_true(N_ATTACKS >= 40);
	dc_refuses(attacks, N_ATTACKS);
}

/* --- near misses --- */

static void
must_not_move(const uint8_t *p, size_t n, void *arg)
{
	struct made *m = arg;
	struct fleet_held held = dc_world.held;
	struct fleet_last last = dc_world.last;
	struct fleet_input in = m->in;
	struct fleet_delivery d = m->d;
	struct fleet_job job;

	d.bundle = &in;
	in.statement = slice_of(p, n);
	if (fleet_move(&held, &last, &dc_world.trust, &d, HOST, NOW, &job,
		NULL) >= 0)
		fail_msg("bundle taken: %s", mutate_what());
	assert_memory_equal(&held, &dc_world.held, sizeof(held));
}

static void
must_not_order(const uint8_t *p, size_t n, void *arg)
{
	const struct made *m = arg;
	struct fleet_job job;

	if (fleet_job_check(&dc_world.last, &dc_world.trust, slice_of(p, n),
		m->d.place, HOST, NOW, &job, NULL) >= 0)
		fail_msg("job taken: %s", mutate_what());
}

static void
no_flipped_bit_and_no_cut_is_taken(void **state)
{
	static const struct plan p = {0};
	struct made m;

	(void)state;
	dc_make(&p, &m);
	mutate_each(m.statement.p, m.statement.n, must_not_move, &m);
	mutate_each(m.job.p, m.job.n, must_not_order, &m);
	dc_unmake(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_a_hostile_master_brings_is_applied),
	    cmocka_unit_test(no_flipped_bit_and_no_cut_is_taken),
	};

	return cmocka_run_group_tests(tests, dc_set_up, dc_tear_down);
}
