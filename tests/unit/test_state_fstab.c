/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/states/fstab_impl.h"
#include "agent/states/kinds.h"
#include "tests/unit/statecase.h"

#define OPS       (&state_fstab)
#define MOUNTINFO "/proc/self/mountinfo"

static const char policy[] = "mounts:\n"
			     "  /tmp: {options: [noexec, nosuid, nodev]}\n"
			     "  /home: {options: [nosuid, nodev]}\n";

static const char table[] =
    "# made by the installer\n"
    "UUID=1-2 / ext4 errors=remount-ro 0 1\n"
    "UUID=3-4\t/home\text4\tdefaults,suid\t0 2 # theirs\n"
    "tmpfs   /tmp  tmpfs  rw,size=1g,noexec 0 0";

/* /home is mounted twice: the later one counts. */
static const char mounts[] =
    "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "22 21 8:2 / /home rw,nosuid,nodev - ext4 /dev/sda2 rw\n"
    "23 21 8:2 / /home rw,relatime - ext4 /dev/sda2 rw\n"
    "24 21 0:9 / /tmp rw,noexec master:1 propagate_from:2 - tmpfs tmpfs "
    "rw,size=1048576k\n";

static int
setup(void **state)
{
	struct fakehost *f = fakehost_new();

	fakehost_file(f, "/etc/fstab", 0644, table);
	fakehost_file(f, MOUNTINFO, 0444, mounts);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	fakehost_free(*state);
	return 0;
}

static struct slice
of(const char *s)
{
	return (struct slice){(const uint8_t *)s, strlen(s)};
}

static void
options_are_merged_and_kept(void **state)
{
	static const struct {
		const char *have, *want, *merged;
	} cases[] = {
	    {"defaults", "noexec", "defaults,noexec"},
	    {"noexec", "noexec", "noexec"},
	    {"exec,rw", "noexec", "rw,noexec"},
	    {"noexec,exec", "noexec", "noexec"},
	    {"size=1g,x-y=2", "size=2g", "x-y=2,size=2g"},
	    {"size=2g", "size=2g", "size=2g"},
	    {"sizes=1g", "size=2g", "sizes=1g,size=2g"},
	    {"size", "size=2g", "size,size=2g"},
	    {"ro", "rw", "rw"},
	    {"", "nodev", "nodev"},
	    {",,a,", "nodev", "a,nodev"},
	    {"users,suid,dev", "nosuid nodev", "users,nosuid,nodev"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct strs want = {0};
		struct str out = STR_INIT;
		struct slice list = of(cases[i].want), word;
		const char *at;

		while (list.n > 0) {
			at = memchr(list.p, ' ', list.n);
			word.n = at != NULL
			    ? (size_t)(at - (const char *)list.p)
			    : list.n;
			assert_int_equal(strs_addn(&want, list.p, word.n), 0);
			list.p += word.n + (at != NULL);
			list.n -= word.n + (at != NULL);
		}
		assert_int_equal(fstab_merge(of(cases[i].have), &want, &out),
		    0);
		assert_string_equal(out.p, cases[i].merged);
		assert_true(fstab_has_all(of(out.p), &want));
		assert_int_equal(fstab_has_all(of(cases[i].have), &want),
		    strcmp(cases[i].have, cases[i].merged) == 0);
		str_clear(&out);
		strs_clear(&want);
	}
}

static void
a_path_with_blanks_is_one_field(void **state)
{
	struct str s = STR_INIT;

	(void)state;
	fstab_add_path(&s, "/mnt/a b\\c#d");
	assert_string_equal(s.p, "/mnt/a\\040b\\134c\\043d");
	assert_true(fstab_path_is(of(s.p), "/mnt/a b\\c#d"));
	assert_false(fstab_path_is(of(s.p), "/mnt/a b\\c#"));
	assert_false(fstab_path_is(of("/mnt/a\\04"), "/mnt/a "));
	assert_true(fstab_path_is(of("/mnt/a/"), "/mnt/a"));
	assert_true(fstab_path_is(of("//mnt//a//"), "/mnt/a"));
	assert_true(fstab_path_is(of("//"), "/"));
	assert_false(fstab_path_is(of("/mnt/a/b"), "/mnt/a"));
	assert_false(fstab_path_is(of("/mnt//deleted"), "/mnt"));
	assert_false(fstab_path_is(of("mnt"), "/mnt"));
	assert_false(fstab_path_is(of(""), "/"));
	str_clear(&s);
}

static void
bad_parameters_are_named_with_their_place(void **state)
{
	static const struct {
		const char *yaml, *want;
	} cases[] = {
	    {"mounts: {}\n", "1:9: 'mounts' has 0 entries, expected 1 to 256"},
	    {"{}\n",
		"1:1: fstab has no 'mounts', expected mount points and their "
		"options"},
	    {"mounts:\n  tmp: {options: [noexec]}\n",
		"2:3: 'tmp' is no mount point, expected an absolute path "
		"without '.', '..' and a slash at the end"},
	    {"mounts:\n  /a/../b: {options: [noexec]}\n",
		"2:3: '/a/../b' is no mount point"},
	    {"mounts:\n  /tmp/: {options: [noexec]}\n",
		"2:3: '/tmp/' is no mount point"},
	    {"mounts:\n  /tmp: {options: []}\n",
		"2:19: 'options' is an empty list, expected a list of mount "
		"options"},
	    {"mounts:\n  /tmp: {}\n",
		"2:3: /tmp has no 'options', expected a list of mount "
		"options"},
	    {"mounts:\n  /tmp: {options: [\"no exec\"]}\n",
		"2:20: 'no exec' is no mount option"},
	    {"mounts:\n  /tmp: {options: [\"a,b\"]}\n",
		"2:20: 'a,b' is no mount option"},
	    {"mounts:\n  /tmp: {options: [exec, noexec]}\n",
		"2:3: /tmp is to be both exec and noexec"},
	    {"mounts:\n  /tmp: {options: [exec], tmpfs: big}\n",
		"2:34: 'tmpfs' is 'big', expected a size such as 512m or 10%"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *got = statecase_faults(OPS, cases[i].yaml);

		if (strncmp(got, cases[i].want, strlen(cases[i].want)) != 0)
			fail_msg("%s\n got: %s\nwant: %s", cases[i].yaml, got,
			    cases[i].want);
		free(got);
	}
}

static void
lines_change_in_their_options_alone(void **state)
{
	struct fakehost *f = *state;

	statecase_is(f, OPS, NULL, policy,
	    "ok\n"
	    "live remount /tmp remount /tmp noexec,nosuid,nodev\n"
	    "live remount /home remount /home nosuid,nodev\n"
	    "file /etc/fstab 0644 /etc/fstab: /tmp noexec,nosuid,nodev; /home "
	    "nosuid,nodev\n");
	statecase_apply(f, OPS, NULL, policy);
	assert_string_equal(fakehost_text(f, "/etc/fstab"),
	    "# made by the installer\n"
	    "UUID=1-2 / ext4 errors=remount-ro 0 1\n"
	    "UUID=3-4\t/home\text4\tdefaults,nosuid,nodev\t0 2 # theirs\n"
	    "tmpfs   /tmp  tmpfs  rw,size=1g,noexec,nosuid,nodev 0 0");
	assert_true(fakehost_has_run(f, "remount /tmp e 0"));
	assert_true(fakehost_has_run(f, "remount /home 6 0"));
}

static void
what_holds_needs_nothing(void **state)
{
	struct fakehost *f = *state;

	statecase_apply(f, OPS, NULL, policy);
	fakehost_file(f, MOUNTINFO, 0444,
	    "22 21 8:2 / /home rw,nosuid,nodev - ext4 /dev/sda2 rw\n"
	    "24 21 0:9 / /tmp rw,nosuid,nodev,noexec - tmpfs tmpfs rw\n");
	fakehost_forget_ran(f);
	statecase_is(f, OPS, NULL, policy, "ok\n");
	assert_int_equal(fakehost_ran(f)->n, 0);
}

static void
a_path_that_is_no_mount_is_not_applicable(void **state)
{
	statecase_is(*state, OPS, NULL,
	    "mounts:\n  /var/tmp: {options: [noexec]}\n  /srv: {options: "
	    "[nodev]}\n",
	    "not applicable [/var/tmp is no mount of its own, /srv is no "
	    "mount of its own]\n");
}

static void
a_tmpfs_is_made_where_it_is_asked_for(void **state)
{
	static const char yaml[] =
	    "mounts:\n  /var/tmp: {options: [noexec], tmpfs: 64m}\n";
	struct fakehost *f = *state;

	statecase_is(f, OPS, NULL, yaml,
	    "ok\nlive mount /var/tmp mount a tmpfs of 64m on /var/tmp\n"
	    "file /etc/fstab 0644 /etc/fstab: /var/tmp noexec\n");
	fakehost_command(f, "mount -- /var/tmp", 0, "", "");
	statecase_apply(f, OPS, NULL, yaml);
	assert_non_null(strstr(fakehost_text(f, "/etc/fstab"),
	    "noexec 0 0\ntmpfs\t/var/tmp\ttmpfs\tmode=1777,size=64m,nofail,"
	    "noexec\t0\t0\n"));
}

static void
a_mount_without_a_line_gets_one(void **state)
{
	struct fakehost *f = *state;

	fakehost_file(f, MOUNTINFO, 0444,
	    "30 21 0:9 / /dev/shm rw,nosuid,nodev - tmpfs shm rw\n");
	statecase_apply(f, OPS, NULL,
	    "mounts:\n  /dev/shm: {options: [noexec]}\n");
	assert_non_null(strstr(fakehost_text(f, "/etc/fstab"),
	    "\nshm\t/dev/shm\ttmpfs\trw,nosuid,nodev,noexec,nofail\t0\t0\n"));
	assert_true(fakehost_has_run(f, "remount /dev/shm 8 0"));
}

static void
options_of_a_file_system_go_through_mount(void **state)
{
	struct fakehost *f = *state;

	fakehost_command(f, "mount -o remount,size=2g -- /tmp", 0, "", "");
	statecase_apply(f, OPS, NULL,
	    "mounts:\n  /tmp: {options: [size=2g, exec]}\n");
	assert_true(fakehost_has_run(f, "mount -o remount,size=2g -- /tmp"));
	assert_true(fakehost_has_run(f, "remount /tmp 0 8"));
}

static void
a_host_without_fstab_gets_one(void **state)
{
	struct fakehost *f = *state;

	fakehost_remove(f, "/etc/fstab");
	statecase_apply(f, OPS, NULL, "mounts:\n  /tmp: {options: [nodev]}\n");
	assert_string_equal(fakehost_text(f, "/etc/fstab"),
	    "tmpfs\t/tmp\ttmpfs\trw,noexec,size=1048576k,nodev,nofail\t0\t0"
	    "\n");
}

/* At the next boot a second line for it would not count: systemd has the first. */
static void
a_line_that_is_written_otherwise_is_the_same(void **state)
{
	static const struct {
		const char *was, *is;
	} cases[] = {
	    {"tmpfs /tmp tmpfs\n", "tmpfs /tmp tmpfs\tnoexec,nodev\n"},
	    {"tmpfs /tmp tmpfs \r\n", "tmpfs /tmp tmpfs\tnoexec,nodev \r\n"},
	    {"tmpfs /tmp tmpfs", "tmpfs /tmp tmpfs\tnoexec,nodev"},
	    {"tmpfs /tmp/ tmpfs exec 0 0\n",
		"tmpfs /tmp/ tmpfs noexec,nodev 0 0\n"},
	    {"tmpfs //tmp tmpfs rw\r\n",
		"tmpfs //tmp tmpfs rw,noexec,nodev\r\n"},
	};
	static const char yaml[] =
	    "mounts:\n  /tmp: {options: [noexec, nodev]}\n";
	static const char away[] =
	    "mounts:\n  /tmp: {ensure: absent, options: [nosuid]}\n";
	struct fakehost *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fakehost_file(f, "/etc/fstab", 0644, cases[i].was);
		statecase_is(f, OPS, NULL, away, "ok\n");
		statecase_apply(f, OPS, NULL, yaml);
		assert_string_equal(fakehost_text(f, "/etc/fstab"),
		    cases[i].is);
	}
}

/* What a line leaves out is not there after the next boot. */
static void
a_line_of_ours_says_all_of_it(void **state)
{
	static const struct {
		const char *mount, *line;
	} cases[] = {
	    {"30 21 0:9 / /srv rw,relatime - tmpfs t rw,size=1k,mode=700,uid=7",
		"t\t/srv\ttmpfs\trw,relatime,size=1k,mode=700,uid=7,nodev,"
		"nofail\t0\t0\n"},
	    {"30 21 0:9 /a /srv ro - btrfs /dev/b ro,subvolid=9,subvol=/a",
		"/dev/b\t/srv\tbtrfs\tro,subvolid=9,subvol=/a,nodev,nofail\t0"
		"\t0\n"},
	};
	struct fakehost *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fakehost_file(f, "/etc/fstab", 0644, "");
		fakehost_file(f, MOUNTINFO, 0444, cases[i].mount);
		statecase_apply(f, OPS, NULL,
		    "mounts:\n  /srv: {options: [nodev]}\n");
		assert_string_equal(fakehost_text(f, "/etc/fstab"),
		    cases[i].line);
	}
}

/* A line made of it would mount something else there, or nothing. */
static void
what_a_line_cannot_say_is_refused(void **state)
{
	static const char yaml[] =
	    "mounts:\n  /tmp: {options: [noexec]}\n"
	    "  /srv: {options: [nodev]}\n  /none: {options: [nodev]}\n";
	struct fakehost *f = *state;

	fakehost_file(f, MOUNTINFO, 0444,
	    "30 21 8:1 /big/srv /srv rw - ext4 /dev/sda1 rw\n");
	statecase_is(f, OPS, NULL, yaml,
	    "impossible [/srv is a part of another file system and has no line "
	    "in /etc/fstab, expected one]\n");
	fakehost_file(f, MOUNTINFO, 0444,
	    "30 21 0:9 / /srv rw - autofs systemd-1 rw,fd=5,pgrp=1\n");
	statecase_is(f, OPS, NULL, yaml,
	    "impossible [/srv is mounted when somebody asks for it and has no "
	    "line in /etc/fstab, expected one]\n");
	/* With a line it is that line's to say. */
	fakehost_file(f, MOUNTINFO, 0444,
	    "30 21 8:1 /big/srv /srv rw,nodev - ext4 /dev/sda1 rw\n");
	fakehost_file(f, "/etc/fstab", 0644,
	    "/big/srv /srv none bind,nodev 0 0\n");
	statecase_is(f, OPS, NULL, "mounts:\n  /srv: {options: [nodev]}\n",
	    "ok\n");
}

static void
units_are_named_as_systemd_does(void **state)
{
	static const struct {
		const char *path, *unit;
	} cases[] = {
	    {"/", "-.mount"},
	    {"/tmp", "tmp.mount"},
	    {"/var/lib-a", "var-lib\\x2da.mount"},
	    {"/.a/.b c", "\\x2ea-.b\\x20c.mount"},
	    {"/\xc3\xbc", "\\xc3\\xbc.mount"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str s = STR_INIT;

		assert_int_equal(fstab_unit_name(cases[i].path, &s), 0);
		assert_string_equal(s.p, cases[i].unit);
		str_clear(&s);
	}
}

/* A unit of the administrator's is what counts at the next boot. */
static void
a_unit_that_is_stronger_is_named(void **state)
{
	static const char cat[] = "systemctl cat -- tmp.mount";
	static const char yaml[] = "mounts:\n  /tmp: {options: [noexec]}\n";
	static const char refused[] =
	    "impossible [/tmp: /etc/systemd/system/tmp.mount counts at boot, "
	    "and not /etc/fstab, expected Options=noexec in it]\n";
	struct fakehost *f = *state;

	fakehost_dir(f, "/run/systemd/system", 0755);
	fakehost_dir(f, "/etc/systemd/system", 0755);
	statecase_is(f, OPS, NULL, yaml, "ok\n");
	assert_int_equal(fakehost_ran(f)->n, 0);
	fakehost_link(f, "/etc/systemd/system/tmp.mount", "/usr/lib/tmp.mount");
	fakehost_command(f, cat, 0,
	    "# /etc/systemd/system/tmp.mount\n# A comment\n[Mount]\n"
	    "Options=mode=1777,nosuid\n\n",
	    "");
	statecase_is(f, OPS, NULL, yaml, refused);
	fakehost_command(f, cat, 0,
	    "# /etc/systemd/system/tmp.mount\n[Mount]\nWhat=tmpfs\n", "");
	statecase_is(f, OPS, NULL, yaml, refused);
	fakehost_command(f, cat, 0, "# Unit tmp.mount is masked.\n", "");
	statecase_is(f, OPS, NULL, yaml,
	    "impossible [/tmp: a unit that is masked counts at boot, and not "
	    "/etc/fstab, expected Options=noexec in it]\n");
	/* A drop-in has the last word, and is as good as a line. */
	fakehost_command(f, cat, 0,
	    "# /etc/systemd/system/tmp.mount\n[Mount]\nOptions=exec\n\n"
	    "# /etc/systemd/system/tmp.mount.d/a.conf\n[Mount]\n"
	    "Options=noexec,nodev\n",
	    "");
	statecase_is(f, OPS, NULL, yaml, "ok\n");
	fakehost_remove(f, "/etc/systemd/system/tmp.mount");
	fakehost_dir(f, "/etc/systemd/system/tmp.mount.d", 0755);
	fakehost_command(f, cat, 0,
	    "# /run/systemd/generator/tmp.mount\n[Mount]\nOptions=noexec\n"
	    "\n# /etc/systemd/system/tmp.mount.d/a.conf\n[Mount]\n"
	    "Options=exec\n",
	    "");
	statecase_is(f, OPS, NULL, yaml,
	    "impossible [/tmp: /etc/systemd/system/tmp.mount.d/a.conf counts "
	    "at boot, and not /etc/fstab, expected Options=noexec in it]\n");
	/* What fstab says itself is changed there. */
	fakehost_command(f, cat, 0,
	    "# /run/systemd/generator/tmp.mount\n[Mount]\nOptions=exec\n", "");
	statecase_is(f, OPS, NULL, yaml, "ok\n");
}

static void
options_that_are_too_long_are_said(void **state)
{
	struct fakehost *f = *state;
	struct str s = STR_INIT;
	char *said;

	str_add(&s, "tmpfs /tmp tmpfs ");
	for (int i = 0; i < FSTAB_OPTIONS_MAX; i++)
		str_addc(&s, 'a');
	fakehost_file(f, "/etc/fstab", 0644, s.p);
	assert_int_equal(statecase_plan(f, OPS, NULL, policy, &said), 0);
	free(said);
	str_addc(&s, 'a');
	fakehost_file(f, "/etc/fstab", 0644, s.p);
	assert_int_equal(statecase_plan(f, OPS, NULL, policy, &said),
	    ERR_LIMIT);
	assert_string_equal(said,
	    "options of a mount are too long, expected at most 4096 bytes");
	free(said);
	str_clear(&s);
}

static void
what_is_absent_loses_what_we_asked_for(void **state)
{
	static const char away[] =
	    "mounts:\n  /home: {ensure: absent, options: [nosuid, nodev]}\n"
	    "  /tmp: {ensure: absent, options: [noexec], tmpfs: 1g}\n";
	struct fakehost *f = *state;

	fakehost_file(f, "/etc/fstab", 0644,
	    "UUID=3-4\t/home\text4\tnodev,nosuid\t0 2 # theirs\n"
	    "tmpfs\t/tmp\ttmpfs\tsize=1g,noexec\t0\t0\n"
	    "# the end\n");
	fakehost_file(f, MOUNTINFO, 0444,
	    "22 21 8:2 / /home rw,nosuid,nodev - ext4 /dev/sda2 rw\n"
	    "24 21 0:9 / /tmp rw,noexec - tmpfs tmpfs rw\n");
	statecase_is(f, OPS, NULL, away,
	    "ok\nlive lift /home remount /home without what we asked for\n"
	    "live lift /tmp remount /tmp without what we asked for\n"
	    "file /etc/fstab 0644 /etc/fstab: /home without nosuid,nodev; "
	    "/tmp without our tmpfs\n");
	statecase_apply(f, OPS, NULL, away);
	assert_string_equal(fakehost_text(f, "/etc/fstab"),
	    "UUID=3-4\t/home\text4\tdefaults\t0 2 # theirs\n# the end\n");
	assert_true(fakehost_has_run(f, "remount /home 0 6"));
	assert_true(fakehost_has_run(f, "remount /tmp 0 8"));
	fakehost_file(f, MOUNTINFO, 0444,
	    "22 21 8:2 / /home rw - ext4 /dev/sda2 rw\n"
	    "24 21 0:9 / /tmp rw - tmpfs tmpfs rw\n");
	statecase_is(f, OPS, NULL, away, "ok\n");
}

static void
what_is_absent_is_not_asked_for_elsewhere(void **state)
{
	struct fakehost *f = *state;

	/* Nothing there is ours: no line is made, nobody is remounted. */
	statecase_is(f, OPS, NULL,
	    "mounts:\n  /srv: {ensure: absent, options: [nodev]}\n"
	    "  /tmp: {ensure: absent, options: [nodev, size=2g]}\n",
	    "ok\n");
}

static void
whoever_may_write_it_is_root(void **state)
{
	struct fakehost *f = *state;

	statecase_apply(f, OPS, NULL, policy);
	fakehost_file(f, MOUNTINFO, 0444,
	    "22 21 8:2 / /home rw,nosuid,nodev - ext4 /dev/sda2 rw\n"
	    "24 21 0:9 / /tmp rw,nosuid,nodev,noexec - tmpfs tmpfs rw\n");
	fakehost_file(f, "/etc/fstab", 0666, fakehost_text(f, "/etc/fstab"));
	statecase_is(f, OPS, NULL, policy,
	    "ok\nfile /etc/fstab 0644 /etc/fstab: root's alone to write\n");
	fakehost_file(f, "/etc/fstab", 0640, fakehost_text(f, "/etc/fstab"));
	statecase_is(f, OPS, NULL, policy, "ok\n");
}

static void
the_checker_is_heard_about_our_lines_alone(void **state)
{
	static const struct {
		const char *says;
		int want;
	} cases[] = {
	    {"/tmp\n   [E] unknown option\n0 parse errors, 1 error\n",
		ERR_DENIED},
	    {"/tmp\n   [W] odd\n/mnt\n   [E] unreachable: UUID=9\n", 0},
	    {"/mnt\n   [E] unreachable: UUID=9\n/tmp\n   [W] odd\n", 0},
	};
	struct fakehost *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *got;

		fakehost_command(f, "findmnt --verify", 1, cases[i].says, "");
		assert_int_equal(statecase_validate(f, OPS, NULL, policy, &got),
		    cases[i].want);
		if (cases[i].want != 0)
			assert_string_equal(got, "/etc/fstab:  unknown option");
		free(got);
	}
}

static void
what_was_mounted_is_put_back(void **state)
{
	struct fakehost *f = *state;

	fakehost_command(f, "mount -o remount,size=2g -- /tmp", 0, "", "");
	fakehost_command(f, "mount -o remount,size=1048576k -- /tmp", 0, "",
	    "");
	fakehost_command(f, "mount -- /srv", 0, "", "");
	fakehost_command(f, "umount -l -- /srv", 0, "", "");
	statecase_undo(f, OPS, NULL,
	    "mounts:\n  /tmp: {options: [nosuid, size=2g]}\n"
	    "  /srv: {options: [nodev], tmpfs: 1m}\n",
	    NULL);
	/* As it was: noexec alone, and the old size. */
	assert_true(fakehost_has_run(f, "remount /tmp 8 200087"));
	assert_true(fakehost_has_run(f,
	    "mount -o remount,size=1048576k -- /tmp"));
	/* Nothing is on /srv on this host, so nothing is taken away. */
	assert_false(fakehost_has_run(f, "umount -l -- /srv"));
}

static void
a_host_that_fails_is_never_taken_for_compliant(void **state)
{
	statecase_faulty_host(*state, OPS, NULL, policy);
}

static void
memory_that_runs_out_is_said(void **state)
{
	statecase_alloc(*state, OPS, NULL, policy);
}

static void
what_a_host_has_is_shown_as_a_state(void **state)
{
	struct fakehost *f = *state;
	struct str out = STR_INIT;
	struct err e = {0};

	assert_int_equal(OPS->show(fakehost_host(f), &out, &e), 0);
	assert_string_equal(out.p,
	    "fstab:\n  mounts:\n"
	    "    /: {options: [errors=remount-ro]}\n"
	    "    /home: {options: [defaults,suid]}\n"
	    "    /tmp: {options: [rw,size=1g,noexec]}\n");
	str_clear(&out);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(options_are_merged_and_kept),
	    cmocka_unit_test(a_path_with_blanks_is_one_field),
	    cmocka_unit_test(bad_parameters_are_named_with_their_place),
	    T(lines_change_in_their_options_alone),
	    T(what_holds_needs_nothing),
	    T(a_path_that_is_no_mount_is_not_applicable),
	    T(a_tmpfs_is_made_where_it_is_asked_for),
	    T(a_mount_without_a_line_gets_one),
	    T(options_of_a_file_system_go_through_mount),
	    T(a_host_without_fstab_gets_one),
	    T(a_line_that_is_written_otherwise_is_the_same),
	    T(a_line_of_ours_says_all_of_it),
	    T(what_a_line_cannot_say_is_refused),
	    cmocka_unit_test(units_are_named_as_systemd_does),
	    T(a_unit_that_is_stronger_is_named),
	    T(options_that_are_too_long_are_said),
	    T(what_is_absent_loses_what_we_asked_for),
	    T(what_is_absent_is_not_asked_for_elsewhere),
	    T(whoever_may_write_it_is_root),
	    T(the_checker_is_heard_about_our_lines_alone),
	    T(what_was_mounted_is_put_back),
	    T(a_host_that_fails_is_never_taken_for_compliant),
	    T(memory_that_runs_out_is_said),
	    T(what_a_host_has_is_shown_as_a_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
