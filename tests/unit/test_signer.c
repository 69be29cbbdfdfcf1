/* SPDX-License-Identifier: ISC */
/* The signer, before a keeper that was taken over: each lie one least step
 * from a batch that it signs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/resource.h>
#include <sys/stat.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/signer/signer.h"
#include "lib/base/file.h"
#include "lib/key/key_impl.h"
#include "lib/ledger/journal.h"
#include "lib/ssh/cert.h"
#include "lib/tlog/checkpoint.h"
#include "tests/unit/alloc.h"
#include "tests/unit/issue_case.h"
#include "tests/unit/tmpdir.h"

#define JOBS_MAX 1000

struct world {
	char dir[TMPDIR_MAX];
	struct issue_case c;
	struct trust trust;
	struct key *user_ca, *host_ca, *log;
	struct signer_config config;
	struct signer *s;
	struct issue_leaf leaf;
	struct hash decisions[ISSUE_CASE_DECISIONS];
	struct signer_job jobs[JOBS_MAX];
	struct signer_batch b;
	struct hash proof[2];
	struct str note;
	struct err e;
};

/* --- a tree of a few leaves ----------------------------------------------- */

static struct hash
leaf_hash(uint64_t i, bool other)
{
	char text[32];
	struct hash h;

	snprintf(text, sizeof(text), "%s %d", other ? "other" : "leaf", (int)i);
	merkle_leaf(text, strlen(text), &h);
	return h;
}

/* The head of size leaves, the last of which may be another, and the proof that
 * it extends size - 1 leaves (for 2 and 3: the hash of the last alone). */
static void
set_head(struct world *w, uint64_t size, bool other)
{
	struct merkle_edge edge = {0};

	for (uint64_t i = 0; i < size; i++) {
		struct hash h = leaf_hash(i, other && i + 1 == size);

		merkle_append(&edge, &h);
	}
	w->b.head.size = size;
	merkle_root(&edge, &w->b.head.root);
	w->proof[0] = leaf_hash(size - 1, other);
	w->b.consistency = w->proof;
	w->b.n_consistency = 1;
}

/* --- a world -------------------------------------------------------------- */

static struct key *
seed_key(uint8_t n)
{
	uint8_t seed[32];
	struct key *k = NULL;

	memset(seed, n, sizeof(seed));
	assert_int_equal(key_ed25519_new(seed, &k, NULL), 0);
	return k;
}

static void
open_signer(struct world *w)
{
	struct err e = {0};

	if (signer_open(&w->config, &w->s, &e) != 0)
		fail_msg("open: %s", e.msg);
}

/* The leaf of the case's request as a keeper would make it. */
static void
make_leaf(struct world *w)
{
	static const uint8_t nonce[CERT_NONCE_LEN] = {7};
	struct issue_result *r = &w->c.r;
	struct buf *tbs = NULL;

	w->c.in.nonce = nonce;
	issue_case_expect(&w->c, "leaf", "ready");
	free(w->leaf.tbs);
	w->leaf = (struct issue_leaf){.realm = *fixture_realm(),
	    .now = w->c.in.now,
	    .rules = ISSUE_RULES,
	    .policy_version = w->c.policy->version,
	    .policy = w->c.policy->hash,
	    .request = w->c.request.hash,
	    .decisions = w->decisions,
	    .n_decisions = r->n_counted};
	for (size_t i = 0; i < r->n_counted; i++)
		w->decisions[i] = w->c.list[r->counted[i]]->hash;
	assert_int_equal(buf_new(&tbs, CERT_MAX), 0);
	assert_int_equal(cert_encode_tbs(&r->cert, tbs), 0);
	buf_take(tbs, &w->leaf.tbs, &w->leaf.tbs_len);
	buf_free(tbs);
	w->jobs[0] = (struct signer_job){.leaf = &w->leaf,
	    .request = &w->c.request,
	    .decisions = w->c.list,
	    .n_decisions = w->c.n};
}

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	tmpdir_make(w->dir, "signer");
	issue_case_open(&w->c);
	issue_case_ask(&w->c, FIXTURE_BY(SEED_ALICE));
	issue_case_approve(&w->c, OLGA, FIXTURE_BY(SEED_OLGA));
	w->trust = (struct trust){.have = true,
	    .realm = *fixture_realm(),
	    .root_version = 1,
	    .policy = w->c.policy};
	w->user_ca = seed_key(SEED_USER_CA);
	w->host_ca = seed_key(SEED_HOST_CA);
	w->log = seed_key(SEED_LOG);
	w->config = (struct signer_config){.dir = w->dir,
	    .user_ca = w->user_ca,
	    .host_ca = w->host_ca,
	    .log = w->log,
	    .origin = "writ.invalid/0123456789abcdef/ca_log"};
	w->b = (struct signer_batch){.trust = &w->trust,
	    .standing = w->c.standing,
	    .jobs = w->jobs,
	    .n_jobs = 1,
	    .now = FIXTURE_NOW};
	snprintf(w->b.head.origin, sizeof(w->b.head.origin), "%s",
	    w->config.origin);
	str_init(&w->note);
	set_head(w, 1, false);
	make_leaf(w);
	open_signer(w);
	*state = w;
	return 0;
}

static void
drop(struct world *w)
{
	for (size_t i = 0; i < w->b.n_jobs; i++) {
		buf_free(w->jobs[i].cert);
		w->jobs[i].cert = NULL;
	}
	str_clear(&w->note);
}

static int
tear_down(void **state)
{
	static const char *const names[] = {
	    "journal", "journal.0", "journal.1", "journal.2", "lock"};
	struct world *w = *state;

	drop(w);
	signer_close(w->s);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/%s", w->dir, names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(w->dir), 0);
	key_free(w->user_ca);
	key_free(w->host_ca);
	key_free(w->log);
	free(w->leaf.tbs);
	issue_case_close(&w->c);
	free(w);
	return 0;
}

/* --- expectations --------------------------------------------------------- */

static void
signs(struct world *w, const char *what)
{
	if (signer_sign(w->s, &w->b, &w->note, &w->e) != 0)
		fail_msg("%s: %s", what, w->e.msg);
	for (size_t i = 0; i < w->b.n_jobs; i++)
		if (w->jobs[i].cert == NULL)
			fail_msg("%s: no certificate %zu", what, i);
	assert_true(w->note.n > 0);
	drop(w);
}

/* Refused with this code and these words; nothing was signed or remembered. */
static void
refuses(struct world *w, const char *what, int code, const char *words)
{
	struct signer_seen before, after;
	struct err e = {0};
	int r;

	signer_get_seen(w->s, &before);
	r = signer_sign(w->s, &w->b, &w->note, &e);
	signer_get_seen(w->s, &after);
	if (r != code || strstr(e.msg, words) == NULL)
		fail_msg("%s: %d '%s', expected %d '%s'", what, r, e.msg, code,
		    words);
	for (size_t i = 0; i < w->b.n_jobs; i++)
		if (w->jobs[i].cert != NULL)
			fail_msg("%s: certificate %zu was signed", what, i);
	if (w->note.n != 0)
		fail_msg("%s: a checkpoint was signed", what);
	assert_memory_equal(&before, &after, sizeof(before));
}

/* --- tests ---------------------------------------------------------------- */

static void
what_ca_issue_gives_is_signed(void **state)
{
	struct world *w = *state;
	struct checkpoint head = {0};
	struct signer_seen seen;
	struct cert c;

	assert_int_equal(signer_sign(w->s, &w->b, &w->note, &w->e), 0);
	cert_init(&c);
	assert_int_equal(cert_parse(buf_slice(w->jobs[0].cert), &c, &w->e), 0);
	assert_int_equal(cert_verify(&c, buf_slice(w->jobs[0].cert), &w->e), 0);
	assert_true(pubkey_equal(c.ca, fixture_key(SEED_USER_CA)));
	assert_int_equal(c.serial, issue_serial(&w->c.request.hash));
	cert_clear(&c);
	assert_int_equal(checkpoint_open(slice_of(w->note.p, w->note.n),
			     w->config.origin,
			     pubkey_ed25519(fixture_key(SEED_LOG)), &head,
			     &w->e),
	    0);
	assert_int_equal(head.size, 1);
	signer_get_seen(w->s, &seen);
	assert_int_equal(seen.head.size, 1);
	assert_true(hash_equal(&seen.head.root, &head.root));
	assert_int_equal(seen.root_version, 1);
	assert_int_equal(seen.policy_version, 1);
}

static void
heads_that_do_not_extend_the_last_are_refused(void **state)
{
	struct world *w = *state;

	set_head(w, 2, false);
	signs(w, "the first head may have any size");
	set_head(w, 1, false);
	refuses(w, "a leaf less", ERR_ROLLBACK, "has 1 leaves");
	set_head(w, 2, true);
	refuses(w, "another leaf", ERR_ROLLBACK, "fork");
	set_head(w, 2, false);
	signs(w, "the same head");
	set_head(w, 3, false);
	w->b.n_consistency = 0;
	refuses(w, "no proof", ERR_ROLLBACK, "fork");
	w->b.n_consistency = 1;
	w->proof[0].b[31] ^= 1;
	refuses(w, "a bit of the proof", ERR_ROLLBACK, "fork");
	set_head(w, 3, false);
	w->b.head.root.b[0] ^= 1;
	refuses(w, "a bit of the root", ERR_ROLLBACK, "fork");
	set_head(w, 3, true);
	signs(w, "whatever comes next, once proven");
	set_head(w, 3, false);
	refuses(w, "and not the other one too", ERR_ROLLBACK, "fork");
	snprintf(w->b.head.origin, sizeof(w->b.head.origin), "%s",
	    "writ.invalid/0123456789abcdef/other");
	refuses(w, "another log's", ERR_DENIED, "another log");
}

static void
older_policies_and_roots_are_refused(void **state)
{
	struct world *w = *state;

	w->c.policy->version = 5;
	w->trust.root_version = 3;
	w->b.n_jobs = 0;
	signs(w, "policy 5, root 3");
	w->c.policy->version = 4;
	refuses(w, "policy 4", ERR_ROLLBACK, "policy version 4");
	w->c.policy->version = 5;
	w->trust.root_version = 2;
	refuses(w, "root 2", ERR_ROLLBACK, "root.yaml version 2");
	w->trust.root_version = 3;
	w->c.policy->version = 6;
	signs(w, "policy 6");
	w->c.policy->version = 5;
	refuses(w, "and not 5 again", ERR_ROLLBACK, "policy version 5");
	w->c.policy->version = 6;
}

static void
leaves_of_other_realms_rules_requests_are_refused(void **state)
{
	struct world *w = *state;

	w->leaf.realm.b[0] ^= 1;
	refuses(w, "realm", ERR_DENIED, "another realm");
	w->leaf.realm.b[0] ^= 1;
	w->leaf.rules++;
	refuses(w, "rules", ERR_DENIED, "unknown rules");
	w->leaf.rules--;
	w->leaf.request.b[31] ^= 1;
	refuses(w, "request", ERR_DENIED, "another request");
	w->leaf.request.b[31] ^= 1;
	w->trust.realm.b[0] ^= 1;
	refuses(w, "a realm that is not ours", ERR_DENIED, "another realm");
	w->trust.realm.b[0] ^= 1;
	signs(w, "none of it");
}

static void
a_leaf_dated_a_second_too_far_off_is_refused(void **state)
{
	struct world *w = *state;

	w->b.now = FIXTURE_NOW + SIGNER_CLOCK_MAX + 1;
	refuses(w, "61 s old", ERR_SYS, "dated -61 s off");
	w->b.now = FIXTURE_NOW - SIGNER_CLOCK_MAX - 1;
	refuses(w, "61 s ahead", ERR_SYS, "dated 61 s off");
	w->jobs[0].resign = true;
	refuses(w, "61 s ahead, again", ERR_SYS, "dated 61 s off");
	w->jobs[0].resign = false;
	w->b.now = FIXTURE_NOW + SIGNER_CLOCK_MAX;
	signs(w, "60 s old");
	w->b.now = FIXTURE_NOW - SIGNER_CLOCK_MAX;
	signs(w, "60 s ahead");
}

static void
what_a_crash_kept_back_is_signed_until_it_ends(void **state)
{
	struct world *w = *state;

	w->jobs[0].resign = true;
	w->b.now = FIXTURE_NOW + 3599; /* one hour was asked */
	signs(w, "a second before its end");
	w->b.now = FIXTURE_NOW + 3600;
	refuses(w, "at its end", ERR_EXPIRED, "ended before");
	w->b.now = FIXTURE_NOW + 1800;
	issue_case_revoke(&w->c, ALICE, NULL, FIXTURE_BY(SEED_OLGA));
	refuses(w, "revoked meanwhile", ERR_DENIED, "signer refuses");
}

/* Every bit of the certificate but those of the nonce, which the keeper is free
 * to choose: nothing else of it is. */
static void
a_certificate_that_differs_in_one_bit_is_refused(void **state)
{
	struct world *w = *state;
	const size_t nonce = 4 + strlen("ssh-ed25519-cert-v01@openssh.com") + 4;

	for (size_t bit = 0; bit < 8 * w->leaf.tbs_len; bit++) {
		struct err e = {0};

		if (bit / 8 >= nonce && bit / 8 < nonce + CERT_NONCE_LEN)
			continue;
		w->leaf.tbs[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (signer_sign(w->s, &w->b, &w->note, &e) == 0)
			fail_msg("bit %zu was signed", bit);
		assert_null(w->jobs[0].cert);
		assert_int_equal(w->note.n, 0);
		w->leaf.tbs[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t n = 0; n < w->leaf.tbs_len; n++) {
		size_t whole = w->leaf.tbs_len;
		struct err e = {0};

		w->leaf.tbs_len = n;
		assert_int_not_equal(signer_sign(w->s, &w->b, &w->note, &e), 0);
		w->leaf.tbs_len = whole;
	}
	w->leaf.tbs[nonce] ^= 1;
	signs(w, "another nonce");
}

static void
a_request_that_nobody_approved_is_refused(void **state)
{
	struct world *w = *state;

	w->jobs[0].n_decisions = 0;
	refuses(w, "no approval", ERR_DENIED, "waits for 1 more of approvers");
	w->jobs[0].n_decisions = 1;
	signs(w, "with it");
	issue_case_revoke(&w->c, NULL, fixture_key(SEED_OLGA),
	    FIXTURE_BY(SEED_OLGA));
	refuses(w, "the approver's key is revoked", ERR_DENIED,
	    "signer refuses");
}

static void
a_denial_beside_the_approval_is_obeyed(void **state)
{
	struct world *w = *state;
	struct statement *d = issue_case_decision(&w->c, IVAN);

	d->u.d.approve = false;
	issue_case_decide(&w->c, FIXTURE_BY(SEED_IVAN));
	w->jobs[0].n_decisions = 2;
	refuses(w, "denied", ERR_DENIED, "ivan@example.com");
}

static void
a_request_by_nobody_is_refused(void **state)
{
	struct world *w = *state;

	issue_case_again(&w->c, ALICE);
	issue_case_ask(&w->c, FIXTURE_BY(SEED_MALLORY));
	w->leaf.request = w->c.request.hash;
	w->jobs[0].n_decisions = 0;
	refuses(w, "mallory", ERR_DENIED, "signer refuses");
}

static void
a_certificate_of_another_ca_is_refused(void **state)
{
	struct world *w = *state;

	w->c.in.ca = fixture_key(SEED_EMERGENCY_CA);
	make_leaf(w);
	refuses(w, "another CA of the policy", ERR_DENIED,
	    "another certificate");
	w->c.in.ca = fixture_key(SEED_USER_CA);
	make_leaf(w);
	signer_close(w->s);
	w->config.user_ca = w->host_ca;
	open_signer(w);
	refuses(w, "a key for hosts", ERR_DENIED, "signer refuses");
	signer_close(w->s);
	w->config.user_ca = NULL;
	open_signer(w);
	refuses(w, "no key", ERR_DENIED, "no key for this kind");
	signer_close(w->s);
	w->config.user_ca = w->user_ca;
	w->config.host_ca = NULL;
	open_signer(w);
	signs(w, "its own");
}

static void
one_lie_spoils_the_batch(void **state)
{
	struct world *w = *state;
	struct issue_leaf lie = w->leaf;

	lie.now += SIGNER_CLOCK_MAX + 1;
	for (size_t at = 0; at < 3; at++) {
		for (size_t i = 0; i < 3; i++) {
			w->jobs[i] = w->jobs[0];
			w->jobs[i].leaf = i == at ? &lie : &w->leaf;
		}
		w->b.n_jobs = 3;
		refuses(w, "one of three", ERR_SYS, "dated 61 s off");
	}
	w->jobs[2].leaf = &w->leaf;
	signs(w, "none of three");
}

static void
a_leaf_that_names_what_was_not_used_is_refused(void **state)
{
	struct world *w = *state;

	w->leaf.policy_version++;
	refuses(w, "version", ERR_DENIED, "names another policy");
	w->leaf.policy_version--;
	w->leaf.policy.b[0] ^= 1;
	refuses(w, "policy", ERR_DENIED, "names another policy");
	w->leaf.policy.b[0] ^= 1;
	w->decisions[0].b[31] ^= 1;
	refuses(w, "decision", ERR_DENIED, "names other decisions");
	w->decisions[0].b[31] ^= 1;
	w->leaf.n_decisions = 0;
	refuses(w, "no decision", ERR_DENIED, "names other decisions");
	w->leaf.n_decisions = 1;
	w->leaf.size = w->b.head.size + 1;
	refuses(w, "size", ERR_DENIED, "the log has 1");
	w->leaf.size = w->b.head.size;
	signs(w, "as it was");
}

static void
the_journal_outlives_the_signer(void **state)
{
	struct world *w = *state;
	struct signer_seen before, after;
	struct signer *second = NULL;
	struct err e = {0};

	set_head(w, 2, false);
	w->c.policy->version = w->leaf.policy_version = 9;
	signs(w, "policy 9");
	assert_int_equal(signer_open(&w->config, &second, &e), ERR_BUSY);
	assert_null(second);
	signer_get_seen(w->s, &before);
	signer_close(w->s);
	open_signer(w);
	signer_get_seen(w->s, &after);
	assert_int_equal(after.head.size, 2);
	assert_true(hash_equal(&before.head.root, &after.head.root));
	assert_int_equal(after.policy_version, 9);
	assert_int_equal(after.root_version, 1);
	set_head(w, 1, false);
	refuses(w, "a leaf less", ERR_ROLLBACK, "has 1 leaves");
	set_head(w, 2, false);
	w->c.policy->version = 8;
	refuses(w, "policy 8", ERR_ROLLBACK, "policy version 8");
	w->c.policy->version = 9;
	signs(w, "the same");
}

/* Bytes of dir/name, or -1. */
static long
size_of(const struct world *w, const char *name)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

static void
read_journal(const struct world *w, char **out, size_t *n)
{
	char path[128];
	struct err e = {0};

	snprintf(path, sizeof(path), "%s/journal", w->dir);
	if (file_read(path, 64 * 1024 * 1024, out, n, &e) != 0)
		fail_msg("%s", e.msg);
}

static void
the_same_head_again_is_not_written_again(void **state)
{
	struct world *w = *state;
	char *before = NULL, *after = NULL;
	size_t n, m;

	signs(w, "first");
	w->b.n_jobs = 0;
	read_journal(w, &before, &n);
	signs(w, "the same head");
	read_journal(w, &after, &m);
	assert_int_equal(n, m);
	assert_memory_equal(before, after, n);
	free(after);
	w->b.n_jobs = 1;
	signs(w, "with a certificate");
	read_journal(w, &after, &m);
	assert_true(n != m || memcmp(before, after, n) != 0);
	free(before);
	free(after);
}

static void
a_full_journal_is_put_aside_and_loses_nothing(void **state)
{
	struct world *w = *state;
	struct signer_seen seen;

	for (size_t i = 0; i < JOBS_MAX; i++)
		w->jobs[i] = w->jobs[0];
	w->b.n_jobs = JOBS_MAX;
	for (int i = 0; i < 40 && size_of(w, "journal.0") == -1; i++)
		signs(w, "many");
	assert_true(size_of(w, "journal.0") > size_of(w, "journal"));
	signer_close(w->s);
	open_signer(w);
	signer_get_seen(w->s, &seen);
	assert_int_equal(seen.head.size, 1);
	assert_int_equal(seen.policy_version, 1);
	w->b.n_jobs = 1;
	set_head(w, 2, false);
	signs(w, "after it");
}

static void
nothing_is_signed_that_cannot_be_remembered(void **state)
{
	struct world *w = *state;
	struct rlimit was, none;

	signs(w, "first");
	set_head(w, 2, false);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	none = was;
	none.rlim_cur = 1;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	refuses(w, "no room", ERR_RECORD, "signer's journal");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	(void)signal(SIGXFSZ, SIG_DFL);
	refuses(w, "after a failure", ERR_RECORD, "signer's journal");
	signer_close(w->s);
	open_signer(w);
	signs(w, "opened again");
}

/* The file's first n bytes as they were before, then nothing. */
static void
put_journal(const struct world *w, const char *bytes, size_t n)
{
	char path[128];
	struct err e = {0};

	snprintf(path, sizeof(path), "%s/journal", w->dir);
	if (file_write(path, bytes, n, 0600, 0, &e) != 0)
		fail_msg("%s", e.msg);
}

static void
a_journal_that_failed_is_read_anew(void **state)
{
	struct world *w = *state;
	struct signer_seen before, after;
	struct rlimit was, none;
	char *old = NULL, *all = NULL;
	struct err e = {0};
	size_t n, m;

	signs(w, "first");
	read_journal(w, &old, &n);
	set_head(w, 2, false);
	signs(w, "second");
	set_head(w, 3, false);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	none = was;
	none.rlim_cur = 1;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	refuses(w, "no room", ERR_RECORD, "signer's journal");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	(void)signal(SIGXFSZ, SIG_DFL);

	/* A disk that has lost what was signed is not believed. */
	read_journal(w, &all, &m);
	put_journal(w, old, n);
	signer_get_seen(w->s, &before);
	assert_int_equal(signer_recover(w->s, &e), ERR_ROLLBACK);
	assert_non_null(strstr(e.msg, "less than was signed"));
	refuses(w, "after that", ERR_RECORD, "signer's journal");
	put_journal(w, "no journal", 10);
	assert_int_equal(signer_recover(w->s, &e), ERR_CORRUPT);
	signer_get_seen(w->s, &after);
	assert_memory_equal(&before, &after, sizeof(before));

	put_journal(w, all, m);
	if (signer_recover(w->s, &e) != 0)
		fail_msg("%s", e.msg);
	signer_get_seen(w->s, &after);
	assert_int_equal(after.head.size, 2);
	signs(w, "read anew");
	free(old);
	free(all);
}

static void
a_log_key_of_another_type_signs_nothing(void **state)
{
	struct world *w = *state;
	struct key *ecdsa = NULL;
	struct err e = {0};

	assert_int_equal(key_generate(PUBKEY_ECDSA256, &ecdsa, &e), 0);
	signer_close(w->s);
	w->config.log = ecdsa;
	open_signer(w);
	assert_int_equal(signer_sign(w->s, &w->b, &w->note, &e), ERR_DENIED);
	assert_non_null(strstr(e.msg, "not Ed25519"));
	assert_null(w->jobs[0].cert);
	assert_int_equal(w->note.n, 0);
	signer_close(w->s);
	w->config.log = w->log;
	open_signer(w);
	key_free(ecdsa);
}

static void
a_journal_of_somebody_else_is_refused(void **state)
{
	struct world *w = *state;
	static const uint8_t bad[] = "Xsomething";
	struct slice record = slice_of(bad, sizeof(bad));
	char path[128];
	struct journal *j = NULL;
	struct err e = {0};

	signer_close(w->s);
	w->s = NULL;
	snprintf(path, sizeof(path), "%s/journal", w->dir);
	assert_int_equal(journal_open(path, 4096, false, NULL, NULL, &j, &e),
	    0);
	assert_int_equal(journal_append(j, &record, 1, &e), 0);
	journal_close(j);
	assert_int_equal(signer_open(&w->config, &w->s, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "signer's journal"));
	assert_null(w->s);
}

static int
try_sign(void *arg)
{
	struct world *w = arg;
	int r;

	str_clear(&w->note);
	if ((r = signer_sign(w->s, &w->b, &w->note, NULL)) == 0)
		return 0;
	assert_null(w->jobs[0].cert);
	assert_int_equal(w->note.n, 0);
	return r;
}

static void
without_memory_nothing_is_signed(void **state)
{
	struct world *w = *state;

	assert_true(alloc_each(try_sign, w) > 10);
	assert_non_null(w->jobs[0].cert);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(what_ca_issue_gives_is_signed),
	    T(heads_that_do_not_extend_the_last_are_refused),
	    T(older_policies_and_roots_are_refused),
	    T(leaves_of_other_realms_rules_requests_are_refused),
	    T(a_leaf_dated_a_second_too_far_off_is_refused),
	    T(what_a_crash_kept_back_is_signed_until_it_ends),
	    T(a_certificate_that_differs_in_one_bit_is_refused),
	    T(a_request_that_nobody_approved_is_refused),
	    T(a_denial_beside_the_approval_is_obeyed),
	    T(a_request_by_nobody_is_refused),
	    T(a_certificate_of_another_ca_is_refused),
	    T(one_lie_spoils_the_batch),
	    T(a_leaf_that_names_what_was_not_used_is_refused),
	    T(the_journal_outlives_the_signer),
	    T(the_same_head_again_is_not_written_again),
	    T(a_full_journal_is_put_aside_and_loses_nothing),
	    T(nothing_is_signed_that_cannot_be_remembered),
	    T(a_journal_that_failed_is_read_anew),
	    T(a_log_key_of_another_type_signs_nothing),
	    T(a_journal_of_somebody_else_is_refused),
	    T(without_memory_nothing_is_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
