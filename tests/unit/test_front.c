/* SPDX-License-Identifier: ISC */
#include "lib/front/front.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/front/front_impl.h"
#include "lib/proc/plog.h"
#include "lib/proc/socket.h"
#include "tests/unit/alloc.h"
#include "tests/unit/mutate.h"
#include "tests/unit/tmpdir.h"

/* --- the table of keys ---------------------------------------------------- */

static struct hash
key(uint8_t n)
{
	struct hash h = {{n, 0xff, n}};

	return h;
}

/* A frame with one row a letter of names, from key number from on. */
static struct buf *
frame(uint8_t first, uint8_t last, const char *names, uint8_t from)
{
	struct buf *b = NULL;
	struct hash h;

	assert_int_equal(buf_new(&b, 10000), 0);
	assert_int_equal(buf_put_u8(b, first), 0);
	assert_int_equal(buf_put_u8(b, last), 0);
	for (size_t i = 0; names[i] != '\0'; i++) {
		h = key((uint8_t)(from + i));
		assert_int_equal(buf_put_string(b, h.b, HASH_LEN), 0);
		assert_int_equal(buf_put_string(b, names + i, 1), 0);
	}
	return b;
}

static int
load(struct keymap *k, uint8_t first, uint8_t last, const char *names,
    uint8_t from)
{
	struct buf *b = frame(first, last, names, from);
	struct err e = {0};
	int r = keymap_frame(k, buf_slice(b), &e);

	assert_int_equal(r < 0, e.msg[0] != '\0');
	buf_free(b);
	return r;
}

static const char *
who(const struct keymap *k, uint8_t n)
{
	struct hash h = key(n);
	const char *s = keymap_find(k, &h);

	return s != NULL ? s : "";
}

static void
a_table_is_in_force_when_it_is_whole(void **state)
{
	struct keymap *k = NULL;

	(void)state;
	assert_int_equal(keymap_new(&k), 0);
	assert_false(keymap_ready(k));
	assert_string_equal(who(k, 1), "");
	assert_int_equal(load(k, 1, 0, "abc", 1), 0);
	assert_false(keymap_ready(k));
	assert_string_equal(who(k, 1), "");
	assert_int_equal(load(k, 0, 0, "", 0), 0);
	assert_int_equal(load(k, 0, 1, "d", 9), KEYMAP_NEW);
	assert_true(keymap_ready(k));
	assert_int_equal(keymap_count(k), 4);
	assert_string_equal(who(k, 1), "a");
	assert_string_equal(who(k, 3), "c");
	assert_string_equal(who(k, 9), "d");
	assert_string_equal(who(k, 4), "");

	/* Another takes its place, all or nothing. */
	assert_int_equal(load(k, 1, 0, "x", 1), 0);
	assert_string_equal(who(k, 1), "a");
	assert_int_equal(load(k, 1, 0, "y", 2), 0); /* begun anew */
	assert_int_equal(load(k, 0, 1, "", 0), KEYMAP_NEW);
	assert_string_equal(who(k, 1), "");
	assert_string_equal(who(k, 2), "y");
	assert_int_equal(load(k, 1, 1, "", 0), KEYMAP_NEW);
	assert_true(keymap_ready(k));
	assert_int_equal(keymap_count(k), 0);
	keymap_free(k);
	keymap_free(NULL);
}

static void
bad_tables_change_nothing(void **state)
{
	struct keymap *k = NULL;

	(void)state;
	assert_int_equal(keymap_new(&k), 0);
	assert_int_equal(load(k, 0, 1, "a", 1), ERR_PARSE);
	assert_false(keymap_ready(k));
	assert_int_equal(load(k, 1, 1, "ab", 1), KEYMAP_NEW);
	assert_int_equal(load(k, 2, 1, "x", 1), ERR_PARSE);
	assert_int_equal(load(k, 1, 2, "x", 1), ERR_PARSE);
	assert_int_equal(load(k, 1, 1, "X", 1), ERR_PARSE);
	/* A key of two persons, also over two frames. */
	assert_int_equal(load(k, 1, 0, "xy", 5), 0);
	assert_int_equal(load(k, 0, 1, "z", 6), ERR_PARSE);
	/* Nothing goes on where something was refused. */
	assert_int_equal(load(k, 0, 1, "z", 9), ERR_PARSE);
	assert_string_equal(who(k, 1), "a");
	assert_int_equal(keymap_count(k), 2);
	keymap_free(k);
}

static void
check_mutated(const uint8_t *p, size_t n, void *arg)
{
	struct keymap *k = NULL;
	struct err e = {0};
	int r;

	(void)arg;
	assert_int_equal(keymap_new(&k), 0);
	r = keymap_frame(k, slice_of(p, n), &e);
	if ((r < 0) != (e.msg[0] != '\0') ||
	    keymap_ready(k) != (r == KEYMAP_NEW))
		fail_msg("%s: %d", mutate_what(), r);
	keymap_free(k);
}

static int
run_frame(void *arg)
{
	struct buf *b = arg;
	struct keymap *k = NULL;
	int r;

	if ((r = keymap_new(&k)) == 0)
		r = keymap_frame(k, buf_slice(b), NULL);
	keymap_free(k);
	return r == KEYMAP_NEW ? 0 : r;
}

static void
near_misses_of_a_table(void **state)
{
	struct buf *b = frame(1, 1, "abcd", 1);

	(void)state;
	mutate_each(buf_slice(b).p, buf_len(b), check_mutated, NULL);
	assert_true(alloc_each(run_frame, b) >= 6);
	buf_free(b);
}

static void
names_are_ids_and_kinds_of_them(void **state)
{
	static const char *const good[] = {"alice", "alice@example.com",
	    "host/db1.example.com", "master/m", "abcdefghijklmnop/x"};
	static const char *const bad[] = {"", "/", "host/", "/x", "Host/x",
	    "host/X", "host//x", "a/b/c", "h1/x", "abcdefghijklmnopq/x", "a b",
	    "host/a\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!front_name_is_valid(good[i]))
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (front_name_is_valid(bad[i]))
			fail_msg("%s", bad[i]);
}

/* --- words ---------------------------------------------------------------- */

static const struct front_words words = {
    "writ-ca", "CA", "Ask a security officer."};

static void
a_refusal_says_what_to_do(void **state)
{
	struct net_key keys[] = {
	    {"ssh-ed25519-cert-v01@openssh.com", {{0}}, "SHA256:cert"},
	    {"ssh-ed25519", {{0}}, "SHA256:one"},
	    {"ssh-rsa", {{0}}, "SHA256:two"},
	};
	struct str s = STR_INIT;

	(void)state;
	front_refusal(&words, false, keys, 3, &s);
	assert_non_null(strstr(s.p, "starting"));
	assert_null(strstr(s.p, "SHA256"));
	str_reset(&s);
	front_refusal(&words, true, keys, 0, &s);
	assert_non_null(strstr(s.p, "none was offered"));
	str_reset(&s);
	front_refusal(&words, true, keys, 1, &s);
	assert_non_null(strstr(s.p, "certificate"));
	assert_null(strstr(s.p, "SHA256"));
	str_reset(&s);
	front_refusal(&words, true, keys, 2, &s);
	assert_non_null(strstr(s.p, "This key is not enrolled"));
	assert_non_null(strstr(s.p, "  SHA256:one ssh-ed25519\n"));
	assert_null(strstr(s.p, "SHA256:cert"));
	str_reset(&s);
	front_refusal(&words, true, keys, 3, &s);
	assert_non_null(strstr(s.p, "  SHA256:two ssh-rsa\n"));
	assert_non_null(strstr(s.p, "\nAsk a security officer.\n"));
	str_clear(&s);
}

static void
failures_have_both_forms(void **state)
{
	struct str s = STR_INIT;
	struct err e = {0};

	(void)state;
	(void)err_set(&e, ERR_USAGE, "what \"now\"");
	front_failure(&words, FORM_JSON, &e, &s);
	assert_string_equal(s.p,
	    "{\"error\":\"what \\\"now\\\"\",\"code\":\"usage\"}");
	str_reset(&s);
	err_hint(&e, "do that");
	front_failure(&words, FORM_JSON, &e, &s);
	assert_string_equal(s.p,
	    "{\"error\":\"what \\\"now\\\"\",\"hint\":"
	    "\"do that\",\"code\":\"usage\"}");
	str_reset(&s);
	front_failure(&words, FORM_TEXT, &e, &s);
	assert_string_equal(s.p, "writ-ca: what \"now\"\n  do that\n");
	str_clear(&s);
}

/* --- a keeper that does not read ------------------------------------------- */

static size_t
fill(struct front *f, const uint8_t *bytes, size_t n)
{
	size_t sent = 0;

	while (link_send(f, MSG_CALL, 1, slice_of(bytes, n), NULL) == 0)
		sent++;
	return sent;
}

/* Else a call whose caller has left is open there for good. */
static void
that_calls_are_gone_has_room_behind_calls(void **state)
{
	static uint8_t large[CALL_MAX];
	struct front f = {.n_calls = 0};
	struct err e = {0};
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(chan_new(fds[0], &f.keeper, &e), 0);
	assert_in_range(fill(&f, large, sizeof(large)), 32, 63);
	(void)fill(&f, large, 100);
	for (uint32_t i = 1; i <= 100000; i++)
		if (link_send(&f, MSG_GONE, i, slice_of(NULL, 0), &e) != 0)
			fail_msg("%u: %s", i, e.msg);
	assert_int_equal(link_send(&f, MSG_CALL, 1, slice_of(large, 1), &e),
	    ERR_BUSY);
	assert_string_equal(e.msg, "more than 32 MiB of calls wait for it");
	chan_free(f.keeper);
	close(fds[1]);
}

/* Without memory it is told by the connection's end. */
static void
a_keeper_is_told_that_a_call_is_gone_or_cut_off(void **state)
{
	static uint8_t large[CALL_MAX];
	struct front f = {.words = &words, .backoff = 1};
	struct err e = {0};
	int fds[2];

	(void)state;
	plog_init("test", PLOG_ERR);
	TAILQ_INIT(&f.all);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(loop_new(&f.loop, &e), 0);
	assert_int_equal(chan_new(fds[0], &f.keeper, &e), 0);
	assert_int_equal(link_send(&f, MSG_CALL, 1,
			     slice_of(large, sizeof(large)), &e),
	    0);
	link_gone(&f, 1);
	assert_non_null(f.keeper);
	/* The blocks are full at some time. */
	for (uint32_t i = 2; f.keeper != NULL; i++) {
		assert_true(i < 100000);
		alloc_fail_nth(1);
		link_gone(&f, i);
	}
	alloc_fail_nth(0);
	link_gone(&f, 1);
	loop_free(f.loop);
	close(fds[1]);
}

/* --- the dialler ---------------------------------------------------------- */

static int
take(int fd, int *out)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct err e = {0};

	assert_int_equal(poll(&p, 1, 10000), 1);
	return dialler_take(fd, out, &e);
}

static void
the_dialler_connects_for_us(void **state)
{
	int dialler = -1, listener = -1, ours = -1, theirs = -1;
	struct err e = {0};
	char dir[TMPDIR_MAX], path[TMPDIR_MAX + 20], byte = 0;

	(void)state;
	tmpdir_make(dir, "front");
	snprintf(path, sizeof(path), "%s/keeper.sock", dir);
	assert_int_equal(dialler_start(path, NULL, &dialler, &e), 0);
	assert_int_equal(dialler_ask(dialler, &e), 0);
	assert_int_equal(take(dialler, &ours), DIALLER_NONE);

	if (socket_listen(path, &listener, &e) != 0)
		fail_msg("%s", e.msg);
	assert_int_equal(dialler_ask(dialler, &e), 0);
	assert_int_equal(take(dialler, &ours), 0);
	while (socket_accept(listener, &theirs, &e) == 1)
		usleep(1000);
	assert_int_equal(write(ours, "x", 1), 1);
	assert_int_equal(read(theirs, &byte, 1), 1);
	assert_int_equal(byte, 'x');
	close(ours);
	close(theirs);
	close(listener);

	/* Nothing but the one question. */
	assert_int_equal(send(dialler, "?", 1, 0), 1);
	assert_int_equal(take(dialler, &ours), ERR_NET);
	close(dialler);
	unlink(path);
	rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_table_is_in_force_when_it_is_whole),
	    cmocka_unit_test(bad_tables_change_nothing),
	    cmocka_unit_test(near_misses_of_a_table),
	    cmocka_unit_test(names_are_ids_and_kinds_of_them),
	    cmocka_unit_test(a_refusal_says_what_to_do),
	    cmocka_unit_test(failures_have_both_forms),
	    cmocka_unit_test(that_calls_are_gone_has_room_behind_calls),
	    cmocka_unit_test(a_keeper_is_told_that_a_call_is_gone_or_cut_off),
	    cmocka_unit_test(the_dialler_connects_for_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
