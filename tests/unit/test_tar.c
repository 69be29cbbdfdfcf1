/* SPDX-License-Identifier: ISC */
/* Archives: what was put in comes out, and nothing else is let in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ca/daemon/tar.h"
#include "tests/unit/alloc.h"
#include "tests/unit/mutate.h"

#define BLOCK 512

static struct err err;

static struct buf *
archive(const char *path, const char *text)
{
	struct buf *b = NULL;

	assert_int_equal(buf_new(&b, 1 << 20), 0);
	assert_int_equal(tar_add(b, path, 0600, 1764380195, slice_str(text)),
	    0);
	assert_int_equal(tar_end(b), 0);
	return b;
}

static void
files_come_out_as_they_went_in(void **state)
{
	static const size_t sizes[] = {0, 1, 511, 512, 513, 2000};
	uint8_t data[2000];
	struct buf *b = NULL;
	struct tar_entry t;
	struct view v;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	assert_int_equal(buf_new(&b, 1 << 20), 0);
	for (size_t i = 0; i < 6; i++) {
		char path[32];

		(void)snprintf(path, sizeof(path), "d/f%zu@x+y", i);
		assert_int_equal(tar_add(b, path, 0644, 0,
				     slice_of(data, sizes[i])),
		    0);
	}
	assert_int_equal(tar_end(b), 0);
	assert_int_equal(buf_len(b) % BLOCK, 0);
	v = view_slice(buf_slice(b));
	for (size_t i = 0; i < 6; i++) {
		char path[32];

		(void)snprintf(path, sizeof(path), "d/f%zu@x+y", i);
		assert_int_equal(tar_next(&v, &t, &err), 0);
		assert_string_equal(t.path, path);
		assert_int_equal(t.mode, 0644);
		assert_true(slice_equal(t.data, slice_of(data, sizes[i])));
	}
	assert_int_equal(tar_next(&v, &t, &err), TAR_END);
	buf_free(b);
}

/* What editors leave, what units of systemd are called: "-" escaped. */
static void
names_that_are_in_use_come_out(void **state)
{
	static const char *const names[] = {"policy/ca.yaml~",
	    "policy/#ca.yaml#", "fleet/files/srv-my\\x2ddata.mount",
	    "fleet/files/a,b=c:d%e!(1)[2]{3}"};
	struct tar_entry t;
	struct buf *b;
	struct view v;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		b = archive(names[i], "text");
		v = view_slice(buf_slice(b));
		assert_int_equal(tar_next(&v, &t, &err), 0);
		assert_string_equal(t.path, names[i]);
		buf_free(b);
	}
}

/* An archive that is written can be read: what cannot is not put in. */
static void
what_could_not_come_out_does_not_go_in(void **state)
{
	static const char *const names[] = {"", "/etc/x", "keys/../x", "./x",
	    "keys//x", "keys/", "keys/a b", "keys/a\nb", "keys/\303\266",
	    "keys/\177"};
	struct buf *b = NULL;

	(void)state;
	assert_int_equal(buf_new(&b, 1 << 20), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(tar_add(b, names[i], 0600, 0,
				     slice_str("text")),
		    ERR_PARSE);
		assert_int_equal(buf_len(b), 0);
	}
	buf_free(b);
}

static void
a_long_path_is_cut_in_two(void **state)
{
	char path[TAR_PATH_MAX + 2];
	struct buf *b = NULL;
	struct tar_entry t;
	struct view v;

	(void)state;
	memset(path, 'x', sizeof(path));
	path[14] = '/';
	path[14 + 101] = '\0';
	b = archive(path, "text");
	v = view_slice(buf_slice(b));
	assert_int_equal(tar_next(&v, &t, &err), 0);
	assert_string_equal(t.path, path);
	buf_reset(b);
	/* Nowhere to cut: the last part alone is too long. */
	path[14 + 101] = 'x';
	path[14 + 102] = '\0';
	assert_int_equal(tar_add(b, path, 0600, 0, slice_str("")), ERR_LIMIT);
	assert_int_equal(buf_len(b), 0);
	buf_free(b);
}

/* A header with one field changed and the checksum made right again. */
static void
with_field(struct buf *b, size_t at, const char *text, size_t n)
{
	uint8_t *p = NULL;
	char sum[8];
	unsigned s = 0;
	size_t len;

	buf_take(b, &p, &len);
	memcpy(p + at, text, n);
	memset(p + 148, ' ', 8);
	for (size_t i = 0; i < BLOCK; i++)
		s += p[i];
	(void)snprintf(sum, sizeof(sum), "%06o", s);
	memcpy(p + 148, sum, 7);
	assert_int_equal(buf_put(b, p, len), 0);
	free(p);
}

#define AT_NAME   0
#define AT_TYPE   156
#define AT_PREFIX 345

static const struct {
	const char *name;
	size_t at;
	const char *text, *want;
} hostile[] = {
    {"an absolute path", AT_NAME, "/etc/passwd", "is no path"},
    {"a way up", AT_NAME, "../evil", "is no path"},
    {"a way up inside", AT_NAME, "keys/../../evil", "is no path"},
    {"a way up at the end", AT_NAME, "keys/..", "is no path"},
    {"a dot", AT_NAME, "./keys", "is no path"},
    {"an empty part", AT_NAME, "keys//x", "is no path"},
    {"a slash at the end", AT_NAME, "keys/", "is no path"},
    {"an absolute prefix", AT_PREFIX, "/etc", "is no path"},
    {"a prefix that leads up", AT_PREFIX, "..", "is no path"},
    {"a line end", AT_NAME, "keys/a\nb", "is no path"},
    {"a blank", AT_NAME, "keys/a b", "is no path"},
    {"a hard link", AT_TYPE, "1", "is no regular file"},
    {"a symbolic link", AT_TYPE, "2", "is no regular file"},
    {"a device", AT_TYPE, "3", "is no regular file"},
    {"a directory", AT_TYPE, "5", "is no regular file"},
    {"a fifo", AT_TYPE, "6", "is no regular file"},
    {"a pax header", AT_TYPE, "x", "is no regular file"},
    {"a GNU long name", AT_TYPE, "L", "is no regular file"},
    {"a size past the end", 124, "00000010000", "cut short"},
    {"a size in base 256", 124, "\x80", "not a ustar archive"},
    {"no magic", 257, "USTAR", "not a ustar archive"},
};

static void
what_no_backup_has_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		struct buf *b = archive("keys/user_ca", "secret");
		struct tar_entry t;
		struct view v;

		with_field(b, hostile[i].at, hostile[i].text,
		    strlen(hostile[i].text) + 1);
		v = view_slice(buf_slice(b));
		err = (struct err){0};
		if (tar_next(&v, &t, &err) != ERR_PARSE ||
		    strstr(err.msg, hostile[i].want) == NULL)
			fail_msg("%s: %s", hostile[i].name, err.msg);
		buf_free(b);
	}
}

static void
nothing_may_follow_the_end(void **state)
{
	struct buf *b = archive("a", "x");
	struct tar_entry t;
	struct view v;

	(void)state;
	assert_int_equal(buf_put_u8(b, 1), 0);
	v = view_slice(buf_slice(b));
	assert_int_equal(tar_next(&v, &t, &err), 0);
	assert_int_equal(tar_next(&v, &t, &err), ERR_PARSE);
	buf_free(b);
}

/* Every bit of a header is covered by its checksum, but for how blanks and
 * zeros around numbers are written; what is left reads the same. */
static void
check_mutant(const uint8_t *p, size_t n, void *arg)
{
	struct view v = view_of(p, n);
	struct tar_entry t;

	(void)arg;
	for (int r = 0; (r = tar_next(&v, &t, NULL)) != TAR_END && r == 0;)
		if (strcmp(t.path, "keys/user_ca") != 0 || t.data.n != 6)
			fail_msg("%s: '%s'", mutate_what(), t.path);
}

static void
damage_never_makes_another_file(void **state)
{
	struct buf *b = archive("keys/user_ca", "secret");

	(void)state;
	mutate_each(buf_slice(b).p, buf_len(b), check_mutant, NULL);
	buf_free(b);
}

static int
write_one(void *arg)
{
	struct buf *b = NULL;
	int r;

	(void)arg;
	if ((r = buf_new(&b, 1 << 16)) == 0 &&
	    (r = tar_add(b, "a", 0600, 0, slice_str("text"))) == 0)
		r = tar_end(b);
	buf_free(b);
	return r;
}

static void
writing_survives_each_failed_allocation(void **state)
{
	(void)state;
	assert_true(alloc_each(write_one, NULL) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(files_come_out_as_they_went_in),
	    cmocka_unit_test(names_that_are_in_use_come_out),
	    cmocka_unit_test(what_could_not_come_out_does_not_go_in),
	    cmocka_unit_test(a_long_path_is_cut_in_two),
	    cmocka_unit_test(what_no_backup_has_is_refused),
	    cmocka_unit_test(nothing_may_follow_the_end),
	    cmocka_unit_test(damage_never_makes_another_file),
	    cmocka_unit_test(writing_survives_each_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
