/* SPDX-License-Identifier: ISC */
/* The whole certificate of a login: found in what sshd hands to PAM, kept for root
 * alone, and believed where sshd's line does not say otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#include "agent/logins/whole.h"
#include "agent/minion/pam_spool.h"
#include "agent/minion/reports.h"
#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/ssh/cert.h"
#include "tests/unit/alloc.h"
#include "tests/unit/mutate.h"
#include "tests/unit/sshdata.h"
#include "tests/unit/tmpdir.h"

#define NOW  INT64_C(1772445600)
#define N(a) (sizeof(a) / sizeof((a)[0]))

/* --- what sshd says ------------------------------------------------------- */

static void
a_certificate_is_found_among_what_was_accepted(void **state)
{
#define ED "ssh-ed25519-cert-v01@openssh.com AAAA"
	static const struct {
		const char *info, *want; /* NULL: none */
	} cases[] = {
	    {"publickey " ED "\n", ED},
	    {"publickey " ED, ED},
	    {"password\npublickey " ED "\nkeyboard-interactive\n", ED},
	    {"publickey ssh-ed25519 AAAA\npublickey " ED "\n", ED},
	    {"publickey " ED "\npublickey x-cert-v01@openssh.com B\n", ED},
	    {"publickey ssh-ed25519 AAAA\n", NULL},
	    {"hostbased " ED "\n", NULL},
	    {"publickey " ED " more\n", NULL},
	    {"publickey ssh-ed25519-cert-v01@openssh.com\n", NULL},
	    {"keyboard-interactive/pam\n", NULL},
	    {"\n\n", NULL},
	    {"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		struct slice got;
		bool is = whole_find(slice_str(cases[i].info), &got);

		if (is != (cases[i].want != NULL) ||
		    (is && !slice_is(got, cases[i].want)))
			fail_msg("%s: %d", cases[i].info, is);
	}
}

static void
one_that_is_too_long_is_none(void **state)
{
	static const char front[] = "publickey " ED;
	char *info = malloc(WHOLE_MAX + sizeof(front));
	struct slice got;
	size_t n = WHOLE_MAX + strlen("publickey ");

	(void)state;
	assert_non_null(info);
	memset(info, 'A', n + 1);
	memcpy(info, front, sizeof(front) - 1);
	assert_true(whole_find(slice_of(info, n), &got));
	assert_false(whole_find(slice_of(info, n + 1), &got));
	free(info);
}

/* --- beside the line ------------------------------------------------------ */

/* The certificate of the tests' data as a line, and what an event may know. */
static char *
line_of(const char *name, struct login_event *knows)
{
	struct buf *b = data_cert(name);
	struct str s = STR_INIT;
	struct slice k;
	struct cert c;

	cert_init(&c);
	assert_int_equal(cert_parse(buf_slice(b), &c, NULL), 0);
	assert_int_equal(cert_add_line(&s, buf_slice(b), NULL), 0);
	if (knows != NULL) {
		*knows = (struct login_event){.has_key = true,
		    .has_cert = true,
		    .has_tbs = true,
		    .serial = c.serial,
		    .key_id = str_dup(c.key_id)};
		k = pubkey_blob(c.key);
		hash_sha256(k.p, k.n, &knows->key);
		k = pubkey_blob(c.ca);
		hash_sha256(k.p, k.n, &knows->ca);
		hash_sha256(buf_slice(b).p, c.tbs_len, &knows->tbs);
	}
	cert_clear(&c);
	buf_free(b);
	return s.p;
}

static bool
is_same(const struct login_event *a, const struct login_event *b)
{
	return a->has_key && a->has_cert && a->has_tbs &&
	    hash_equal(&a->key, &b->key) && hash_equal(&a->ca, &b->ca) &&
	    hash_equal(&a->tbs, &b->tbs) && a->serial == b->serial &&
	    strcmp(a->key_id, b->key_id) == 0;
}

enum line { WHOLE_LINE, CUT, BARE, OTHER_KEY, OTHER_CA, OTHER_SERIAL, PLAIN };

static void
make_event(enum line how, const struct login_event *all, struct login_event *ev)
{
	*ev = (struct login_event){.what = LOGIN_IN};
	ev->has_key = how != BARE;
	ev->key = all->key;
	if (how == CUT || how == BARE || how == PLAIN)
		return;
	ev->has_cert = true;
	ev->ca = all->ca;
	ev->serial = all->serial + (how == OTHER_SERIAL);
	ev->key_id = str_dup(all->key_id);
	assert_non_null(ev->key_id);
	if (how == OTHER_KEY)
		ev->key.b[0] ^= 1;
	if (how == OTHER_CA)
		ev->ca.b[31] ^= 1;
}

static void
it_beats_a_line_that_it_fits(void **state)
{
	static const struct {
		enum line how;
		int want;
	} cases[] = {{WHOLE_LINE, 0}, {CUT, 0}, {BARE, 0},
	    {OTHER_KEY, ERR_DENIED}, {OTHER_CA, ERR_DENIED},
	    {OTHER_SERIAL, ERR_DENIED}, {PLAIN, ERR_DENIED}};
	struct login_event all;
	char *line = line_of("user-ed25519-ed25519", &all);

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		struct login_event ev, before;
		struct err e = {0};
		int r;

		make_event(cases[i].how, &all, &ev);
		before = ev;
		r = whole_take(&ev, cases[i].how != PLAIN, slice_str(line), &e);
		if (r != cases[i].want)
			fail_msg("%zu: %d %s", i, r, e.msg);
		if (r == 0)
			assert_true(is_same(&ev, &all));
		else
			assert_memory_equal(&ev, &before, sizeof(ev));
		login_event_clear(&ev);
	}
	login_event_clear(&all);
	free(line);
}

static void
what_is_no_certificate_of_a_user_is_refused(void **state)
{
	struct login_event ev = {.what = LOGIN_IN};
	char *host = line_of("host-ed25519", NULL);

	(void)state;
	assert_int_equal(whole_take(&ev, true, slice_str(host), NULL),
	    ERR_DENIED);
	assert_int_equal(whole_take(&ev, true, slice_str(ED), NULL), ERR_PARSE);
	assert_int_equal(whole_take(&ev, true, slice_str(""), NULL), ERR_PARSE);
	assert_false(ev.has_cert || ev.has_tbs || ev.has_key);
	free(host);
}

static int
take_once(void *arg)
{
	struct login_event ev = {.what = LOGIN_IN};
	int r = whole_take(&ev, true, slice_str(arg), NULL);

	login_event_clear(&ev);
	return r;
}

static void
memory_may_run_out_anywhere(void **state)
{
	char *line = line_of("user-ed25519-ed25519", NULL);

	(void)state;
	assert_true(alloc_each(take_once, line) > 4);
	free(line);
}

/* Whatever is said, the serial of the line stays. */
static void
must_not_change_the_line(const uint8_t *p, size_t n, void *arg)
{
	const struct login_event *all = arg;
	struct login_event ev;

	make_event(WHOLE_LINE, all, &ev);
	if (whole_take(&ev, true, slice_of(p, n), NULL) == 0 &&
	    (ev.serial != all->serial || !hash_equal(&ev.ca, &all->ca) ||
		!hash_equal(&ev.key, &all->key)))
		fail_msg("%s", mutate_what());
	login_event_clear(&ev);
}

static void
near_misses_say_nothing_else(void **state)
{
	struct login_event all;
	char *line = line_of("user-ed25519-ed25519", &all);

	(void)state;
	mutate_cuts(line, strlen(line), must_not_change_the_line, &all);
	login_event_clear(&all);
	free(line);
}

/* --- until the line is read ----------------------------------------------- */

static char dir[TMPDIR_MAX], boot[2 * BOOT_ID_LEN + 1];

static int
setup(void **state)
{
	uint8_t id[BOOT_ID_LEN];

	(void)state;
	tmpdir_make(dir, "pam");
	boot_id_read(id);
	hex_encode(id, sizeof(id), boot);
	return 0;
}

static void
path_of(uint64_t pid, char out[TMPDIR_MAX + 40])
{
	(void)snprintf(out, TMPDIR_MAX + 40, "%s/pam/%" PRIu64, dir, pid);
}

static int
teardown(void **state)
{
	char path[TMPDIR_MAX + 40];

	(void)state;
	for (uint64_t pid = 1; pid <= PAM_SPOOL_MAX; pid++) {
		path_of(pid, path);
		(void)unlink(path);
	}
	(void)snprintf(path, sizeof(path), "%s/pam", dir);
	(void)rmdir(path);
	return rmdir(dir);
}

static int
put(uint64_t pid)
{
	return pam_spool_put(dir, pid, NOW, "big bob", slice_str(ED), NULL);
}

static bool
is_there(uint64_t pid)
{
	char path[TMPDIR_MAX + 40];

	path_of(pid, path);
	return file_exists(path);
}

static void
it_waits_for_its_line(void **state)
{
	static const struct {
		const char *account, *boot; /* NULL: this one */
		uint64_t pid;
		int64_t at;
		int want;
		bool stays;
	} cases[] = {
	    {"big bob", NULL, 7, NOW, 0, false},
	    {"big bob", NULL, 7, NOW - SEEN_WAIT_S, 0, false},
	    {"big bob", NULL, 7, NOW + SEEN_WAIT_S, 0, false},
	    {"big bob", NULL, 8, NOW, ERR_NOTFOUND, true},
	    {"big bob", NULL, 7, NOW - SEEN_WAIT_S - 1, ERR_NOTFOUND, true},
	    {"big bob", NULL, 7, NOW + SEEN_WAIT_S + 1, ERR_NOTFOUND, false},
	    {"bob", NULL, 7, NOW, ERR_NOTFOUND, false},
	    {"big bob", "xxxxxxxxxx", 7, NOW, ERR_NOTFOUND, false},
	};
	struct stat st;
	char path[TMPDIR_MAX + 40];

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		const struct seen_line line = {.pid = cases[i].pid,
		    .at = cases[i].at,
		    .boot = cases[i].boot != NULL ? cases[i].boot : boot};
		char *cert = NULL;
		int r;

		assert_int_equal(put(7), 0);
		path_of(7, path);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		r = pam_spool_take(dir, &line, cases[i].account, &cert, NULL);
		if (r != cases[i].want || is_there(7) != cases[i].stays)
			fail_msg("%zu: %d, there %d", i, r, is_there(7));
		if (r == 0)
			assert_string_equal(cert, ED);
		free(cert);
	}
	(void)snprintf(path, sizeof(path), "%s/pam", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
}

static void
what_is_damaged_is_said_once(void **state)
{
	static const char *const texts[] = {"", "x\n", "b 1 a\n", "b 1 a\nT",
	    "b x a\nT\n", "b 1\nT\n", "\nT\n"};
	const struct seen_line line = {.pid = 7, .at = NOW, .boot = boot};
	char path[TMPDIR_MAX + 40], *cert = NULL;

	(void)state;
	path_of(7, path);
	for (size_t i = 0; i < N(texts); i++) {
		assert_int_equal(put(7), 0);
		assert_int_equal(file_write(path, texts[i], strlen(texts[i]),
				     0600, 0, NULL),
		    0);
		assert_int_equal(pam_spool_take(dir, &line, "a", &cert, NULL),
		    ERR_CORRUPT);
		assert_int_equal(pam_spool_take(dir, &line, "a", &cert, NULL),
		    ERR_NOTFOUND);
	}
}

static void
there_is_an_end_to_them(void **state)
{
	struct utimbuf old = {NOW - SEEN_WAIT_S - 1, NOW - SEEN_WAIT_S - 1};
	struct utimbuf new = {NOW, NOW};
	char path[TMPDIR_MAX + 40];

	(void)state;
	for (uint64_t pid = 1; pid <= PAM_SPOOL_MAX; pid++) {
		assert_int_equal(put(pid), 0);
		path_of(pid, path);
		assert_int_equal(utime(path, pid > 1 ? &old : &new), 0);
	}
	assert_int_equal(put(PAM_SPOOL_MAX + 1), ERR_LIMIT);
	assert_false(is_there(PAM_SPOOL_MAX + 1));
	pam_spool_tidy(dir, NOW);
	assert_true(is_there(1));
	assert_false(is_there(2) || is_there(PAM_SPOOL_MAX));
	assert_int_equal(put(2), 0);
}

static void
an_account_is_a_name(void **state)
{
	char longest[LOGIN_ACCOUNT_MAX + 2];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[LOGIN_ACCOUNT_MAX + 1] = '\0';
	assert_int_equal(pam_spool_put(dir, 7, NOW, "", slice_str(ED), NULL),
	    ERR_PARSE);
	assert_int_equal(pam_spool_put(dir, 7, NOW, "a\nb", slice_str(ED),
			     NULL),
	    ERR_PARSE);
	assert_int_equal(pam_spool_put(dir, 7, NOW, longest, slice_str(ED),
			     NULL),
	    ERR_PARSE);
	longest[LOGIN_ACCOUNT_MAX] = '\0';
	assert_int_equal(pam_spool_put(dir, 7, NOW, longest, slice_str(ED),
			     NULL),
	    0);
}

#define D(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_certificate_is_found_among_what_was_accepted),
	    cmocka_unit_test(one_that_is_too_long_is_none),
	    cmocka_unit_test(it_beats_a_line_that_it_fits),
	    cmocka_unit_test(what_is_no_certificate_of_a_user_is_refused),
	    cmocka_unit_test(memory_may_run_out_anywhere),
	    cmocka_unit_test(near_misses_say_nothing_else),
	    D(it_waits_for_its_line),
	    D(what_is_damaged_is_said_once),
	    D(there_is_an_end_to_them),
	    D(an_account_is_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
