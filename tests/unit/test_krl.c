/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/ssh/krl_impl.h"
#include "tests/unit/alloc.h"
#include "tests/unit/krlcase.h"
#include "tests/unit/sshdata.h"
#include "tests/unit/tmpdir.h"

static struct krl *
load(const char *name)
{
	struct krl *k = NULL;
	struct err e = {0};
	char file[64], *text;
	size_t n;

	snprintf(file, sizeof(file), "%s.krl", name);
	text = data_read(file, &n);
	if (krl_parse(slice_of(text, n), &k, &e) != 0)
		fail_msg("%s: %s", file, e.msg);
	free(text);
	return k;
}

static const struct {
	const char *list;
	struct subject s;
	bool want;
} rows[] = {
    {"empty", {"ed25519", "ecdsa256", "x", 5}, false},
    {"serials", {"ed25519", "ecdsa256", "x", 5}, true},
    {"serials", {"ed25519", "ecdsa256", "x", 4}, false},
    {"serials", {"ed25519", "ecdsa256", "x", 6}, false},
    {"serials", {"ed25519", "ecdsa256", "x", 100000}, true},
    {"serials", {"ed25519", "ecdsa256", "x", UINT64_MAX}, true},
    {"serials", {"ed25519", "ecdsa256", "x", UINT64_MAX - 1}, false},
    {"serials", {"ed25519", "ecdsa256", "x", 0}, false},
    {"serials", {"ed25519-2", "ecdsa256", "x", 5}, false},
    {"range", {"ed25519", "ecdsa256", "x", 9}, false},
    {"range", {"ed25519", "ecdsa256", "x", 10}, true},
    {"range", {"ed25519", "ecdsa256", "x", 4000000000}, true},
    {"range", {"ed25519", "ecdsa256", "x", 4000000001}, false},
    /* of mkssh.sh: 1000, 1003, 1006 ... 1399 */
    {"bitmap", {"ed25519", "ecdsa256", "x", 999}, false},
    {"bitmap", {"ed25519", "ecdsa256", "x", 1000}, true},
    {"bitmap", {"ed25519", "ecdsa256", "x", 1001}, false},
    {"bitmap", {"ed25519", "ecdsa256", "x", 1003}, true},
    {"bitmap", {"ed25519", "ecdsa256", "x", 1396}, true},
    {"bitmap", {"ed25519", "ecdsa256", "x", 1399}, true},
    {"bitmap", {"ed25519", "ecdsa256", "x", 1402}, false},
    {"ids", {"ed25519", "ecdsa256", "alice/one", 1}, true},
    {"ids", {"ed25519", "ecdsa256", "alice/on", 1}, false},
    {"ids", {"ed25519", "ecdsa256", "alice/one/", 1}, false},
    {"ids", {"ed25519", "ecdsa256", "bob two", 1}, true},
    {"ids", {"ed25519-2", "ecdsa256", "bob two", 1}, false},
    {"key", {"ed25519", "ecdsa256", "x", 1}, true},
    {"key", {"ecdsa256", "ed25519", "x", 1}, true},
    {"key", {"ed25519", "ecdsa384", "x", 1}, false},
    {"sha1", {"ed25519", "ecdsa256", "x", 1}, true},
    {"sha1", {"ed25519", "ecdsa384", "x", 1}, false},
    {"sha256", {"ed25519", "ecdsa256", "x", 1}, true},
    {"sha256", {"ecdsa256", "ed25519", "x", 1}, true},
    {"sha256", {"ed25519", "ecdsa384", "x", 1}, false},
    {"mixed", {"rsa3072", "ed25519", "x", 3}, true},
    {"mixed", {"rsa3072", "ed25519", "x", 7}, true},
    {"mixed", {"rsa3072", "ed25519", "x", 9}, true},
    {"mixed", {"rsa3072", "ed25519", "x", 10}, false},
    {"mixed", {"rsa3072", "ed25519", "mallory", 1}, true},
    {"mixed", {"rsa3072", "ecdsa384", "x", 1}, true},
    {"mixed", {"rsa3072", "ed25519-2", "x", 1}, true},
};
#define N_ROWS (sizeof(rows) / sizeof(*rows))

static void
lists_of_ssh_keygen_revoke_what_they_name(void **state)
{
	struct krl *k;

	(void)state;
	for (size_t i = 0; i < N_ROWS; i++) {
		k = load(rows[i].list);
		if (krlcase_revokes(k, &rows[i].s) != rows[i].want)
			fail_msg("row %zu: %s", i, rows[i].list);
		assert_int_equal(krl_version(k), 7);
		assert_true(krl_generated(k) > 1700000000);
		krl_free(k);
	}
}

static void
key_is_revoked_by_itself_or_its_hash(void **state)
{
	static const char *const lists[] = {"key", "sha1", "sha256"};
	struct pubkey *yes = data_pubkey("ecdsa256");
	struct pubkey *no = data_pubkey("ecdsa384");
	struct krl *k;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		k = load(lists[i]);
		assert_true(krl_revokes_key(k, yes));
		assert_false(krl_revokes_key(k, no));
		krl_free(k);
	}
	pubkey_free(yes);
	pubkey_free(no);
}

static void
what_was_read_says_the_same_when_written(void **state)
{
	struct krl *k, *back;
	struct buf *b, *again;

	(void)state;
	for (size_t i = 0; i < N_ROWS; i++) {
		k = load(rows[i].list);
		b = krlcase_encode(k);
		assert_int_equal(krl_parse(buf_slice(b), &back, NULL), 0);
		assert_int_equal(krlcase_revokes(back, &rows[i].s),
		    rows[i].want);
		again = krlcase_encode(back);
		assert_true(slice_equal(buf_slice(b), buf_slice(again)));
		krl_free(k);
		krl_free(back);
		buf_free(b);
		buf_free(again);
	}
}

/* Two ways to the same content. */
static struct krl *
make(bool backwards)
{
	struct pubkey *a = data_pubkey("ed25519"), *b = data_pubkey("rsa3072");
	struct krl *k;

	assert_int_equal(krl_new(&k), 0);
	assert_int_equal(krl_set(k, 12, 1000, "a comment"), 0);
	for (int i = 0; i < 300; i++) {
		const uint64_t s = (uint64_t)(backwards ? 300 - i : i + 1);
		char id[16];

		/* odd ones touch their neighbours, every fifth is alone */
		if (s % 2)
			assert_int_equal(krl_add_serials(k, a, 10 * s,
					     10 * s + 9),
			    0);
		if (s % 5 == 0)
			assert_int_equal(krl_add_serials(k, b, 7 * s, 7 * s),
			    0);
		snprintf(id, sizeof(id), "id%d", (int)s);
		assert_int_equal(krl_add_key_id(k, s % 3 ? a : NULL, id), 0);
		if (backwards)
			assert_int_equal(krl_add_key_id(k, s % 3 ? a : NULL,
					     id),
			    0);
	}
	assert_int_equal(krl_add_key(k, backwards ? a : b), 0);
	assert_int_equal(krl_add_key(k, backwards ? b : a), 0);
	pubkey_free(a);
	pubkey_free(b);
	return k;
}

static void
equal_content_gives_equal_bytes(void **state)
{
	struct krl *k = make(false), *l = make(true);
	struct buf *b = krlcase_encode(k), *c = krlcase_encode(l);

	(void)state;
	assert_true(slice_equal(buf_slice(b), buf_slice(c)));
	krl_free(k);
	krl_free(l);
	buf_free(b);
	buf_free(c);
}

static void
ranges_merge_where_they_touch_or_overlap(void **state)
{
	static const struct {
		const char *name;
		struct krl_range in[3], out[3];
		size_t n_in, n_out;
	} cases[] = {
	    {"apart", {{1, 2}, {4, 5}}, {{1, 2}, {4, 5}}, 2, 2},
	    {"touching", {{1, 2}, {3, 5}}, {{1, 5}}, 2, 1},
	    {"overlapping", {{1, 4}, {3, 5}}, {{1, 5}}, 2, 1},
	    {"inside", {{1, 9}, {3, 5}}, {{1, 9}}, 2, 1},
	    {"backwards", {{7, 9}, {3, 5}, {6, 6}}, {{3, 9}}, 3, 1},
	    {"at the end",
		{{UINT64_MAX, UINT64_MAX}, {1, 1},
		    {UINT64_MAX - 1, UINT64_MAX - 1}},
		{{1, 1}, {UINT64_MAX - 1, UINT64_MAX}}, 3, 2},
	    {"all and one", {{1, UINT64_MAX}, {UINT64_MAX, UINT64_MAX}},
		{{1, UINT64_MAX}}, 2, 1},
	};
	struct krl_ranges r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		memset(&r, 0, sizeof(r));
		for (size_t j = 0; j < cases[i].n_in; j++)
			assert_int_equal(krl_ranges_add(&r, cases[i].in[j].lo,
					     cases[i].in[j].hi),
			    0);
		krl_ranges_compact(&r);
		if (r.n != cases[i].n_out)
			fail_msg("%s", cases[i].name);
		for (size_t j = 0; j < r.n; j++) {
			assert_int_equal(r.v[j].lo, cases[i].out[j].lo);
			assert_int_equal(r.v[j].hi, cases[i].out[j].hi);
		}
		krl_ranges_clear(&r);
	}
}

static void
range_ending_at_the_last_serial_is_kept(void **state)
{
	const struct subject last = {"ed25519", "ecdsa256", "x", UINT64_MAX};
	const struct subject before = {"ed25519", "ecdsa256", "x", 41};
	struct pubkey *ca = data_pubkey("ed25519");
	struct krl *k, *back;
	struct buf *b;

	(void)state;
	assert_int_equal(krl_new(&k), 0);
	assert_int_equal(krl_add_serials(k, ca, 42, UINT64_MAX), 0);
	assert_true(krlcase_revokes(k, &last));
	assert_false(krlcase_revokes(k, &before));
	b = krlcase_encode(k);
	assert_int_equal(krl_parse(buf_slice(b), &back, NULL), 0);
	assert_true(krlcase_revokes(back, &last));
	assert_false(krlcase_revokes(back, &before));
	krl_free(k);
	krl_free(back);
	buf_free(b);
	pubkey_free(ca);
}

static void
key_id_of_any_ca_revokes_with_each(void **state)
{
	const struct subject a = {"ed25519", "ecdsa256", "mallory", 1};
	const struct subject b = {"rsa3072", "ecdsa256", "mallory", 1};
	struct pubkey *ca = data_pubkey("ed25519");
	struct krl *k;

	(void)state;
	assert_int_equal(krl_new(&k), 0);
	assert_int_equal(krl_add_key_id(k, ca, "mallory"), 0);
	assert_true(krlcase_revokes(k, &a));
	assert_false(krlcase_revokes(k, &b));
	assert_int_equal(krl_add_key_id(k, NULL, "mallory"), 0);
	assert_true(krlcase_revokes(k, &b));
	krl_free(k);
	pubkey_free(ca);
}

static void
what_cannot_be_revoked_is_refused(void **state)
{
	struct pubkey *ca = data_pubkey("ed25519");
	struct krl *k;

	(void)state;
	assert_int_equal(krl_new(&k), 0);
	assert_int_equal(krl_add_serials(k, ca, 0, 0), ERR_PARSE);
	assert_int_equal(krl_add_serials(k, ca, 0, 5), ERR_PARSE);
	assert_int_equal(krl_add_serials(k, ca, 6, 5), ERR_PARSE);
	assert_int_equal(krl_add_serials(k, NULL, 5, 5), ERR_PARSE);
	assert_int_equal(krl_add_key_id(k, ca, ""), ERR_PARSE);
	assert_int_equal(krl_set(k, 1, -1, ""), ERR_PARSE);
	assert_int_equal(krl_set(k, 1, 1, "a\nb"), ERR_PARSE);
	assert_int_equal(k->n_entries, 0);
	krl_free(k);
	pubkey_free(ca);
}

static void
million_entries_are_taken_and_not_one_more(void **state)
{
	struct pubkey *ca = data_pubkey("ed25519");
	struct pubkey *key = data_pubkey("ecdsa256");
	struct krl *k, *back;
	struct buf *b;
	uint64_t serial;

	(void)state;
	assert_int_equal(krl_new(&k), 0);
	/* All even ones, in another order: 7919 has no factor of 10. */
	for (uint64_t i = 0; i < KRL_ENTRIES_MAX; i++) {
		serial = 2 * (i * 7919 % KRL_ENTRIES_MAX + 1);
		assert_int_equal(krl_add_serials(k, ca, serial, serial), 0);
	}
	assert_int_equal(k->n_entries, KRL_ENTRIES_MAX);
	assert_int_equal(krl_add_serials(k, ca, 1, 1), ERR_LIMIT);
	/* what is there already needs no room */
	assert_int_equal(krl_add_serials(k, ca, 4, 4), 0);
	assert_int_equal(krl_add_key(k, key), ERR_LIMIT);
	assert_int_equal(krl_add_key_id(k, ca, "x"), ERR_LIMIT);
	assert_int_equal(krl_add_serials(k, ca, UINT64_MAX, UINT64_MAX),
	    ERR_LIMIT);
	b = krlcase_encode(k);
	assert_int_equal(krl_parse(buf_slice(b), &back, NULL), 0);
	assert_int_equal(back->n_entries, KRL_ENTRIES_MAX);
	krl_free(back);
	krl_free(k);
	buf_free(b);
	pubkey_free(ca);
	pubkey_free(key);
}

static void
list_names_no_more_than_256_cas(void **state)
{
	struct pubkey *ca;
	struct krl *k;
	struct buf *b;
	uint8_t pk[32] = {9};

	(void)state;
	assert_int_equal(krl_new(&k), 0);
	assert_int_equal(buf_new(&b, 1024), 0);
	for (int i = 0; i <= KRL_CAS_MAX; i++) {
		pk[1] = (uint8_t)i;
		pk[2] = (uint8_t)(i >> 8);
		assert_int_equal(buf_put_cstring(b, "ssh-ed25519"), 0);
		assert_int_equal(buf_put_string(b, pk, 32), 0);
		assert_int_equal(pubkey_parse(buf_slice(b), &ca, NULL), 0);
		assert_int_equal(krl_add_serials(k, ca, 1, 1),
		    i < KRL_CAS_MAX ? 0 : ERR_LIMIT);
		pubkey_free(ca);
		buf_reset(b);
	}
	krl_free(k);
	buf_free(b);
}

static int
all_that_allocates(void *arg)
{
	const struct slice *blob = arg;
	struct pubkey *ca = NULL;
	struct krl *k = NULL;
	struct buf *b = NULL;
	int r;

	if ((r = krl_parse(*blob, &k, NULL)) != 0 ||
	    (r = krl_set(k, 2, 3, "comment")) != 0 ||
	    (r = krl_add_key_id(k, NULL, "one")) != 0 ||
	    (r = buf_new(&b, 65536)) != 0)
		goto out;
	r = krl_encode(k, b);
	/* what could not be written leaves nothing behind */
	if (r != 0)
		assert_int_equal(buf_len(b), 0);
out:
	pubkey_free(ca);
	krl_free(k);
	buf_free(b);
	return r;
}

static void
every_failing_allocation_is_reported(void **state)
{
	struct slice s;
	size_t n;
	char *text = data_read("mixed.krl", &n);

	(void)state;
	s = slice_of(text, n);
	assert_true(alloc_each(all_that_allocates, &s) > 15);
	free(text);
}

/* --- the judge ------------------------------------------------------------*/

/* ssh-keygen -Q: 0 where nothing is revoked, 1 where something is. */
static int
ask_ssh_keygen(const char *list, const char *cert)
{
	char path[128];
	pid_t pid;
	int status, fd;

	snprintf(path, sizeof(path), "tests/data/ssh/%s", cert);
	fflush(NULL);
	assert_true((pid = fork()) >= 0);
	if (pid == 0) {
		if ((fd = open("/dev/null", O_WRONLY)) >= 0) {
			(void)dup2(fd, 1);
			(void)dup2(fd, 2);
		}
		execlp("ssh-keygen", "ssh-keygen", "-Q", "-f", list, path,
		    (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
ssh_keygen_reads_what_was_written(void **state)
{
	/* user-CA-SUBJECT has the serial 1000 + 8 x CA + SUBJECT. */
	static const struct {
		const char *cert;
		int want;
	} cases[] = {
	    {"user-ed25519-ed25519.cert", 1},    /* 1001: single */
	    {"user-ed25519-ecdsa256.cert", 0},   /* 1002 */
	    {"user-ed25519-ecdsa384.cert", 1},   /* 1003: range */
	    {"user-ed25519-ecdsa521.cert", 1},   /* 1004 */
	    {"user-ed25519-rsa3072.cert", 0},    /* 1005 */
	    {"user-ecdsa256-ed25519.cert", 0},   /* another CA */
	    {"user-rsa3072-sk-ed25519.cert", 1}, /* key id, any CA */
	    {"user-ecdsa384-ecdsa256.cert", 1},  /* its CA */
	    {"user-ecdsa256-rsa3072.cert", 0},
	    {"rsa2048.pub", 1}, /* key */
	    {"rsa3072.pub", 0},
	};
	struct pubkey *ca = data_pubkey("ed25519");
	struct pubkey *other = data_pubkey("ecdsa384");
	struct pubkey *key = data_pubkey("rsa2048");
	char dir[TMPDIR_MAX], path[TMPDIR_MAX + 16];
	struct krl *k;
	struct buf *b;
	int r;

	(void)state;
	assert_int_equal(krl_new(&k), 0);
	assert_int_equal(krl_set(k, 3, 1767225600, "test"), 0);
	assert_int_equal(krl_add_serials(k, ca, 1001, 1001), 0);
	assert_int_equal(krl_add_serials(k, ca, 1003, 1004), 0);
	assert_int_equal(krl_add_key_id(k, NULL, "alice/sk-ed25519"), 0);
	assert_int_equal(krl_add_key(k, other), 0);
	assert_int_equal(krl_add_key(k, key), 0);
	b = krlcase_encode(k);
	tmpdir_make(dir, "krl");
	(void)snprintf(path, sizeof(path), "%s/krl", dir);
	assert_int_equal(file_write(path, buf_slice(b).p, buf_len(b), 0600,
			     FILE_NOSYNC, NULL),
	    0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if ((r = ask_ssh_keygen(path, cases[i].cert)) != cases[i].want)
			fail_msg("%s: %d", cases[i].cert, r);
	unlink(path);
	rmdir(dir);
	krl_free(k);
	buf_free(b);
	pubkey_free(ca);
	pubkey_free(other);
	pubkey_free(key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lists_of_ssh_keygen_revoke_what_they_name),
	    cmocka_unit_test(key_is_revoked_by_itself_or_its_hash),
	    cmocka_unit_test(what_was_read_says_the_same_when_written),
	    cmocka_unit_test(equal_content_gives_equal_bytes),
	    cmocka_unit_test(ranges_merge_where_they_touch_or_overlap),
	    cmocka_unit_test(range_ending_at_the_last_serial_is_kept),
	    cmocka_unit_test(key_id_of_any_ca_revokes_with_each),
	    cmocka_unit_test(what_cannot_be_revoked_is_refused),
	    cmocka_unit_test(million_entries_are_taken_and_not_one_more),
	    cmocka_unit_test(list_names_no_more_than_256_cas),
	    cmocka_unit_test(every_failing_allocation_is_reported),
	    cmocka_unit_test(ssh_keygen_reads_what_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
