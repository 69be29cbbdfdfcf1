/* SPDX-License-Identifier: ISC */
/* The journal: what was appended is there after any crash, damage is named. */
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

#include "lib/base/file.h"
#include "lib/ledger/journal.h"
#include "tests/unit/alloc.h"
#include "tests/unit/tmpdir.h"

#define ROOM  4096
#define FIRST 512 /* where records begin */

static char dir[TMPDIR_MAX];
static char path[TMPDIR_MAX + 16], other[TMPDIR_MAX + 16];

static int
make_dir(void **state)
{
	(void)state;
	tmpdir_make(dir, "journal");
	snprintf(path, sizeof(path), "%s/journal", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	return 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	(void)unlink(path);
	(void)unlink(other);
	return rmdir(dir);
}

static int
clean(void **state)
{
	(void)state;
	(void)unlink(path);
	(void)unlink(other);
	return 0;
}

/* What a replay gave, as text: "base:one,two,". */
struct seen {
	char text[4096];
	uint64_t n;
};

static int
see(void *ctx, uint64_t base, uint64_t nth, struct slice record)
{
	struct seen *s = ctx;
	size_t at = strlen(s->text);

	assert_int_equal(nth, s->n);
	if (nth == 0)
		at += (size_t)snprintf(s->text, sizeof(s->text),
		    "%llu:", (unsigned long long)base);
	snprintf(s->text + at, sizeof(s->text) - at, "%.*s,",
	    (int)(record.n > 8 ? 8 : record.n), (const char *)record.p);
	s->n++;
	return 0;
}

static int
open_as(const char *name, bool read_only, struct seen *s, struct journal **j,
    struct err *e)
{
	memset(s, 0, sizeof(*s));
	return journal_open(name, ROOM, read_only, see, s, j, e);
}

static void
append(struct journal *j, const char *a, const char *b)
{
	const struct slice s[] = {slice_str(a), slice_str(b == NULL ? "" : b)};

	assert_int_equal(journal_append(j, s, b == NULL ? 1 : 2, NULL), 0);
}

/* Three batches: one; two, three; four. */
static void
make(void)
{
	struct journal *j;
	struct seen s;

	assert_int_equal(open_as(path, false, &s, &j, NULL), 0);
	append(j, "one", NULL);
	append(j, "two, which has 16 bytes and more", "three");
	append(j, "four", NULL);
	journal_close(j);
}

static void
load(uint8_t **p, size_t *n)
{
	char *text;

	assert_int_equal(file_read(path, 1 << 20, &text, n, NULL), 0);
	*p = (uint8_t *)text;
}

static int
open_bytes(const uint8_t *p, size_t n, struct seen *s)
{
	struct journal *j = NULL;
	int r;

	assert_int_equal(file_write(other, p, n, 0600, FILE_NOSYNC, NULL), 0);
	r = open_as(other, false, s, &j, NULL);
	journal_close(j);
	return r;
}

static void
records_come_back_in_order(void **state)
{
	struct journal *j;
	struct seen s;
	struct stat st;

	(void)state;
	make();
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, ROOM);
	assert_int_equal(open_as(path, false, &s, &j, NULL), 0);
	assert_string_equal(s.text, "0:one,two, whi,three,four,");
	assert_int_equal(journal_base(j), 0);
	assert_int_equal(journal_bytes(j), 48 + 64 + 48 + 48);
	append(j, "five", NULL);
	journal_close(j);
	assert_int_equal(open_as(path, true, &s, &j, NULL), 0);
	assert_string_equal(s.text, "0:one,two, whi,three,four,five,");
	journal_close(j);
}

static void
fill(void *ctx, size_t i, uint8_t *to)
{
	memset(to, 'a' + (int)i % 26, ((size_t *)ctx)[i]);
}

/* Made in place or copied, one cannot tell; and what is kept can be read when
 * the journal is closed. */
static void
records_are_made_in_place_and_kept(void **state)
{
	size_t len[] = {3, 16, 5, 1, 40, JOURNAL_RECORD_MAX + 1};
	uint8_t *block, *content;
	struct journal *j;
	struct seen s;

	(void)state;
	make();
	assert_int_equal(open_as(path, false, &s, &j, NULL), 0);
	assert_int_equal(journal_append_made(j, len, 6, fill, len, &block,
			     NULL),
	    ERR_LIMIT);
	assert_null(block);
	assert_int_equal(journal_append_made(j, len, 5, fill, len, &block,
			     NULL),
	    0);
	assert_non_null(memmem(block, 48, "aaa", 3));
	free(block);
	append(j, "after", NULL);
	journal_close(j);
	memset(&s, 0, sizeof(s));
	assert_int_equal(journal_open_kept(path, ROOM, true, see, &s, &content,
			     &j, NULL),
	    0);
	journal_close(j);
	assert_string_equal(s.text,
	    "0:one,two, whi,three,four,aaa,bbbbbbbb,ccccc,d,eeeeeeee,after,");
	assert_non_null(memmem(content, ROOM, "after", 5));
	free(content);
}

static void
a_journal_grows_past_its_room(void **state)
{
	char *big = calloc(1, JOURNAL_RECORD_MAX + 1);
	struct journal *j;
	struct seen s;
	struct slice rec = slice_of(big, JOURNAL_RECORD_MAX);

	(void)state;
	assert_non_null(big);
	memset(big, 'x', JOURNAL_RECORD_MAX);
	assert_int_equal(open_as(path, false, &s, &j, NULL), 0);
	assert_int_equal(journal_append(j, &rec, 1, NULL), 0);
	append(j, "after", NULL);
	rec.n++;
	assert_int_equal(journal_append(j, &rec, 1, NULL), ERR_LIMIT);
	rec.n = 0;
	assert_int_equal(journal_append(j, &rec, 1, NULL), ERR_LIMIT);
	append(j, "again", NULL);
	journal_close(j);
	assert_int_equal(open_as(path, false, &s, &j, NULL), 0);
	assert_string_equal(s.text, "0:xxxxxxxx,after,again,");
	journal_close(j);
	free(big);
}

static void
a_restart_keeps_what_it_was_given_and_its_base(void **state)
{
	const struct slice rec[] = {slice_str("edge"), slice_str("leaf")};
	struct journal *j;
	struct seen s;

	(void)state;
	make();
	assert_int_equal(open_as(path, false, &s, &j, NULL), 0);
	assert_int_equal(journal_restart(j, 256, rec, 2, NULL), 0);
	assert_int_equal(journal_base(j), 256);
	append(j, "next", NULL);
	journal_close(j);
	assert_int_equal(open_as(path, false, &s, &j, NULL), 0);
	assert_string_equal(s.text, "256:edge,leaf,next,");
	assert_int_equal(journal_restart(j, 512, NULL, 0, NULL), 0);
	journal_close(j);
	assert_int_equal(open_as(path, false, &s, &j, NULL), 0);
	assert_string_equal(s.text, "");
	assert_int_equal(journal_base(j), 512);
	journal_close(j);
}

/* The last batch, 48 bytes, reached the disk in part: up to any byte, or from
 * any byte on, or not at all. */
static void
a_torn_last_batch_is_cut_off_at_each_byte(void **state)
{
	const size_t last = FIRST + 48 + 64 + 48;
	uint8_t *p, *q;
	struct seen s;
	size_t n;

	(void)state;
	make();
	load(&p, &n);
	q = malloc(n);
	assert_non_null(q);
	for (size_t cut = 0; cut < 32 + 4; cut++) {
		memcpy(q, p, n);
		memset(q + last + cut, 0, 48 - cut);
		assert_int_equal(open_bytes(q, n, &s), 0);
		assert_string_equal(s.text, "0:one,two, whi,three,");
		memcpy(q, p, n);
		memset(q + last, 0, cut + 1);
		assert_int_equal(open_bytes(q, n, &s), 0);
		assert_string_equal(s.text, "0:one,two, whi,three,");
	}
	free(q);
	free(p);
}

static void
a_hole_within_the_last_batch_is_torn_too(void **state)
{
	const struct slice rec[] = {
	    slice_str("a"), slice_str("b"), slice_str("c")};
	struct journal *j;
	struct seen s;
	uint8_t *p;
	size_t n;

	(void)state;
	assert_int_equal(open_as(path, false, &s, &j, NULL), 0);
	append(j, "one", NULL);
	assert_int_equal(journal_append(j, rec, 3, NULL), 0);
	journal_close(j);
	load(&p, &n);
	memset(p + FIRST + 48 + 48, 0, 48); /* of b; c checks out */
	assert_int_equal(open_bytes(p, n, &s), 0);
	assert_string_equal(s.text, "0:one,a,");
	/* What is cut off is gone for good, even where the next record ends
	 * just where the old one begins. */
	assert_int_equal(open_as(other, false, &s, &j, NULL), 0);
	append(j, "B", NULL);
	journal_close(j);
	assert_int_equal(open_as(other, false, &s, &j, NULL), 0);
	assert_string_equal(s.text, "0:one,a,B,");
	journal_close(j);
	free(p);
}

static void
a_flipped_bit_before_the_last_batch_is_damage(void **state)
{
	uint8_t *p;
	struct seen s;
	size_t n;

	(void)state;
	make();
	load(&p, &n);
	for (size_t i = 0; i < FIRST + 48 + 64 + 48; i++) {
		p[i] ^= 1 << i % 8;
		if (open_bytes(p, n, &s) != ERR_CORRUPT)
			fail_msg("byte %zu", i);
		p[i] ^= 1 << i % 8;
	}
	assert_int_equal(open_bytes(p, n, &s), 0);
	free(p);
}

static void
a_file_cut_short_is_damage_or_loses_its_end(void **state)
{
	static const size_t ends[] = {FIRST, FIRST + 48, FIRST + 48 + 64,
	    FIRST + 48 + 64 + 48, FIRST + 48 + 64 + 48 + 48};
	uint8_t *p;
	struct seen s;
	size_t n;

	(void)state;
	make();
	load(&p, &n);
	for (size_t cut = 0; cut <= ends[4]; cut++) {
		uint64_t whole = 0;
		int r = open_bytes(p, cut, &s);

		while (whole < 4 && ends[whole + 1] <= cut)
			whole++;
		assert_int_equal(r, cut < FIRST ? ERR_CORRUPT : 0);
		if (r == 0)
			assert_int_equal(s.n, whole);
	}
	free(p);
}

static void
a_reader_changes_nothing(void **state)
{
	struct journal *j = NULL;
	struct slice rec = slice_str("x");
	uint8_t *p, *q;
	struct seen s;
	size_t n, m;

	(void)state;
	assert_int_equal(open_as(path, true, &s, &j, NULL), ERR_NOTFOUND);
	assert_false(file_exists(path));
	make();
	load(&p, &n);
	p[FIRST + 48 + 64 + 48 + 40] ^= 1;
	assert_int_equal(file_write(path, p, n, 0600, 0, NULL), 0);
	assert_int_equal(open_as(path, true, &s, &j, NULL), 0);
	assert_string_equal(s.text, "0:one,two, whi,three,");
	assert_int_equal(journal_append(j, &rec, 1, NULL), ERR_RECORD);
	assert_int_equal(journal_restart(j, 1, &rec, 1, NULL), ERR_RECORD);
	journal_close(j);
	load(&q, &m);
	assert_int_equal(n, m);
	assert_memory_equal(p, q, n);
	free(p);
	free(q);
}

static void
a_full_disk_is_said_and_loses_nothing(void **state)
{
	struct rlimit was, now;
	char big[2 * ROOM] = "";
	struct slice rec = slice_of(big, sizeof(big));
	struct journal *j;
	struct err e = {0};
	struct seen s;

	(void)state;
	memset(big, 'x', sizeof(big));
	make();
	assert_int_equal(open_as(path, false, &s, &j, NULL), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	now = was;
	now.rlim_cur = ROOM + 100;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
	assert_int_equal(journal_append(j, &rec, 1, &e), ERR_RECORD);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_non_null(strstr(e.msg, "the disk is full"));
	/* Room again: still not, since what is on the disk is not known. */
	rec.n = 3;
	assert_int_equal(journal_append(j, &rec, 1, &e), ERR_RECORD);
	journal_close(j);
	assert_int_equal(open_as(path, false, &s, &j, NULL), 0);
	assert_string_equal(s.text, "0:one,two, whi,three,four,");
	append(j, "five", NULL);
	journal_close(j);
}

static int
stop(void *ctx, uint64_t base, uint64_t nth, struct slice record)
{
	(void)base;
	(void)record;
	++*(int *)ctx;
	return nth == 1 ? ERR_DENIED : 0;
}

static void
a_replay_ends_where_the_caller_says(void **state)
{
	struct journal *j = NULL;
	int n = 0;

	(void)state;
	make();
	assert_int_equal(journal_open(path, ROOM, false, stop, &n, &j, NULL),
	    ERR_DENIED);
	assert_int_equal(n, 2);
	assert_null(j);
}

static void
what_is_no_journal_is_refused(void **state)
{
	struct journal *j = NULL;
	struct err e = {0};
	struct seen s;

	(void)state;
	assert_int_equal(file_write(path, "text\n", 5, 0600, 0, NULL), 0);
	assert_int_equal(open_as(path, false, &s, &j, &e), ERR_CORRUPT);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(open_as(path, false, &s, &j, &e), ERR_SYS);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(open_as(path, false, &s, &j, &e), ERR_SYS);
	assert_false(file_exists(other));
}

static int
everything(void *arg)
{
	const struct slice rec = slice_str("record");
	struct journal *j = NULL;
	int r;

	(void)arg;
	r = journal_open(path, ROOM, false, NULL, NULL, &j, NULL);
	if (r == 0)
		r = journal_append(j, &rec, 1, NULL);
	if (r == 0)
		r = journal_restart(j, 256, &rec, 1, NULL);
	if (r == 0)
		r = journal_append(j, &rec, 1, NULL);
	journal_close(j);
	return r;
}

static void
memory_that_runs_out_is_said_and_breaks_nothing(void **state)
{
	(void)state;
	assert_true(alloc_each(everything, NULL) >= 5);
	assert_int_equal(everything(NULL), 0);
}

#define T(f) cmocka_unit_test_teardown(f, clean)
int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(records_come_back_in_order),
	    T(records_are_made_in_place_and_kept),
	    T(a_journal_grows_past_its_room),
	    T(a_restart_keeps_what_it_was_given_and_its_base),
	    T(a_torn_last_batch_is_cut_off_at_each_byte),
	    T(a_hole_within_the_last_batch_is_torn_too),
	    T(a_flipped_bit_before_the_last_batch_is_damage),
	    T(a_file_cut_short_is_damage_or_loses_its_end),
	    T(a_reader_changes_nothing),
	    T(a_full_disk_is_said_and_loses_nothing),
	    T(a_replay_ends_where_the_caller_says),
	    T(what_is_no_journal_is_refused),
	    T(memory_that_runs_out_is_said_and_breaks_nothing),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
