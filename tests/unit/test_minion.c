/* SPDX-License-Identifier: ISC */
#include "agent/minion/arm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/minion/bundle_dir.h"
#include "agent/minion/config.h"
#include "agent/minion/grains.h"
#include "agent/minion/login.h"
#include "agent/states/run.h"
#include "agent/states/runs.h"
#include "lib/base/file.h"
#include "tests/unit/fakehost.h"
#include "tests/unit/runcase.h"
#include "tests/unit/toystate.h"

struct bench {
	struct fakehost *f, *store;
	struct host *h;
	struct toy toy;
	struct toys t;
	struct err e;
	char dir[200];
};

static int
setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->f = fakehost_new();
	b->h = fakehost_host(b->f);
	b->store = fakehost_new();
	(void)snprintf(b->dir, sizeof(b->dir), "%s/agent",
	    host_root(fakehost_host(b->store)));
	toy_install(b->f, &b->toy);
	toys_init(&b->t);
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct bench *b = *state;

	toys_clear(&b->t);
	state_kinds_test(NULL);
	fakehost_free(b->f);
	fakehost_free(b->store);
	free(b);
	return 0;
}

/* A process of a fake /proc; began in milliseconds after the boot. */
static void
process(struct bench *b, int pid, const char *name, int parent,
    int64_t began_ms)
{
	char path[40], text[300];

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	(void)snprintf(text, sizeof(text),
	    "%d (%s) S %d 1 1 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 %lld 9 9",
	    pid, name, parent,
	    (long long)began_ms * sysconf(_SC_CLK_TCK) / 1000);
	fakehost_file(b->f, path, 0444, text);
}

static void
a_login_counts_when_it_is_newer(void **state)
{
	static const struct {
		const char *name;
		const char *program; /* two above who types */
		int64_t began_ms;
		int want;
	} cases[] = {
	    {"newer", "sshd", 101000, 0},
	    {"of OpenSSH 9.8", "sshd-session", 101000, 0},
	    {"in the same second", "sshd", 100300, 0},
	    {"in the same tick", "sshd", 100250, ERR_DENIED},
	    {"older", "sshd", 99990, ERR_DENIED},
	    {"a console", "login", 101000, ERR_DENIED},
	    {"named like one", "sshd) S 1 (x", 101000, ERR_DENIED},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r;

		process(b, 40, "sudo", 39, 150000);
		process(b, 39, "ba) sh", 38, 140000);
		process(b, 38, cases[i].program, 37, cases[i].began_ms);
		/* The listener is not a login, however new. */
		process(b, 37, "systemd-thing", 1, 120000);
		r = login_is_newer(b->h, 40, 100259, &b->e);
		if (r != cases[i].want)
			fail_msg("%s: %d", cases[i].name, r);
	}
	assert_int_equal(login_is_newer(b->h, 4711, 100259, &b->e),
	    ERR_NOTFOUND);
	fakehost_file(b->f, "/proc/5/stat", 0444, "5 (x) S");
	assert_int_equal(login_is_newer(b->h, 5, 100259, &b->e), ERR_PARSE);
}

#define SHOW_UNIT "systemctl show --property=ExecStart --value " ARM_UNIT

static void
a_boot_unit_has_to_be_enabled(void **state)
{
	struct bench *b = *state;

	assert_int_equal(arm_has_boot_unit(b->h, &b->e), ERR_DENIED);
	assert_non_null(strstr(b->e.msg, "without systemd"));
	fakehost_dir(b->f, "/run/systemd/system", 0755);
	fakehost_file(b->f, "/lib/systemd/system/" ARM_UNIT, 0644, "");
	assert_int_equal(arm_has_boot_unit(b->h, &b->e), ERR_DENIED);
	assert_non_null(strstr(b->e.hint, "systemctl enable " ARM_UNIT));
	fakehost_link(b->f,
	    "/etc/systemd/system/sysinit.target.wants/" ARM_UNIT,
	    "/lib/systemd/system/" ARM_UNIT);
	/* A unit that starts nothing undoes nothing. */
	fakehost_command(b->f, SHOW_UNIT, 0,
	    "{ path=/usr/bin/writ-agent ; argv[]=/usr/bin/writ-agent undo "
	    "--boot ; ignore_errors=no ; pid=0 }\n",
	    "");
	assert_int_equal(arm_has_boot_unit(b->h, &b->e), ERR_DENIED);
	assert_string_equal(b->e.msg,
	    "this would touch a way in, and nothing would undo it after a "
	    "reboot: " ARM_UNIT " starts /usr/bin/writ-agent, which is not "
	    "there");
	fakehost_file(b->f, "/usr/bin/writ-agent", 0755, "");
	assert_int_equal(arm_has_boot_unit(b->h, &b->e), 0);
	fakehost_file(b->f, "/usr/bin/writ-agent", 0644, "");
	assert_int_equal(arm_has_boot_unit(b->h, &b->e), ERR_DENIED);
	/* Or one that was masked, or whose file is gone. */
	fakehost_command(b->f, SHOW_UNIT, 0, "\n", "");
	assert_int_equal(arm_has_boot_unit(b->h, &b->e), ERR_DENIED);
	assert_non_null(strstr(b->e.msg, "starts nothing"));
}

static int
no_arm(void *ctx, uint64_t number, struct err *e)
{
	(void)ctx;
	(void)number;
	(void)e;
	return 0;
}

/* A run over a way in, to be confirmed within so many seconds; its number. */
static uint64_t
a_run(struct bench *b, int64_t within)
{
	const struct state_env env = {.host_id = "web1"};
	const struct run_in in = {.host = b->h,
	    .env = &env,
	    .states = &b->t.states,
	    .dir = b->dir,
	    .stage = "/nonexistent",
	    .within = within,
	    .arm = no_arm};
	struct run_out out = {0};
	uint64_t number;

	fakehost_file(b->f, "/etc/a.conf", 0640, "before");
	toys_clear(&b->t);
	toys_add(&b->t, &state_toy, "a",
	    "{path: /etc/a.conf, text: after, value: new, way_in: \"yes\"}");
	if (run(&in, &out, &b->e) != 0 || out.end != RUN_END_WAITS)
		fail_msg("end %d: %s", (int)out.end, b->e.msg);
	number = out.number;
	run_clear(&out);
	return number;
}

static void
what_is_not_confirmed_in_time_is_undone(void **state)
{
	struct bench *b = *state;
	uint64_t n = a_run(b, 3600);

	assert_int_equal(arm_look(b->h, b->dir, n, &b->e), WATCH_AGAIN);
	assert_string_equal(fakehost_text(b->f, "/etc/a.conf"), "after");
	assert_int_equal(arm_confirm(b->h, b->dir, 1, true, &n, &b->e), 0);
	assert_int_equal(arm_look(b->h, b->dir, n, &b->e), WATCH_OVER);
	assert_string_equal(fakehost_text(b->f, "/etc/a.conf"), "after");
	assert_int_equal(run_stands_in(b->dir, n), STANDS_CONFIRMED);

	n = a_run(b, 0); /* at once */
	b->toy.reloads = 0;
	assert_int_equal(arm_confirm(b->h, b->dir, 1, true, &n, &b->e),
	    ERR_EXPIRED);
	assert_int_equal(arm_look(b->h, b->dir, n, &b->e), WATCH_OVER);
	assert_int_equal(run_stands_in(b->dir, n), STANDS_UNDONE);
	assert_string_equal(fakehost_text(b->f, "/etc/a.conf"), "before");
	assert_int_equal(b->toy.reloads, 1);
	assert_int_equal(arm_confirm(b->h, b->dir, 1, true, &n, &b->e),
	    ERR_NOTFOUND);
}

static void
only_a_new_login_confirms(void **state)
{
	struct bench *b = *state;
	uint64_t n = a_run(b, 3600), number = 0;

	process(b, 40, "sh", 38, 0);
	process(b, 38, "sshd", 1, 0);
	assert_int_equal(arm_confirm(b->h, b->dir, 40, false, &number, &b->e),
	    ERR_DENIED);
	assert_int_equal(run_stands_in(b->dir, n), STANDS_UNCONFIRMED);
	process(b, 38, "sshd", 1, run_uptime_ms() + 10000);
	assert_int_equal(arm_confirm(b->h, b->dir, 40, false, &number, &b->e),
	    0);
	assert_int_equal(number, n);
}

/* Status files had no thousandths once: of that second no login is newer. */
static void
a_status_of_whole_seconds_is_read(void **state)
{
	struct bench *b = *state;
	uint64_t n = a_run(b, 3600);
	struct run_status s = {0};
	char *dir, *path, *text, *ms;
	int64_t at;
	size_t len;

	assert_int_equal(runs_path(b->dir, n, &dir), 0);
	assert_int_equal(path_join(dir, "status", &path), 0);
	assert_int_equal(run_status_read(dir, &s, &b->e), 0);
	at = s.up_ms;
	run_status_clear(&s);
	assert_int_equal(file_read(path, 16384, &text, &len, &b->e), 0);
	ms = strstr(text, ",\"ms\":");
	assert_non_null(ms);
	memmove(ms, strchr(ms + 1, ','), strlen(strchr(ms + 1, ',')) + 1);
	assert_int_equal(file_write(path, text, strlen(text), 0600, 0, &b->e),
	    0);
	assert_int_equal(run_status_read(dir, &s, &b->e), 0);
	assert_int_equal(s.up_ms, at / 1000 * 1000 + 999);
	run_status_clear(&s);
	free(text);
	free(path);
	free(dir);
}

/* Its process died: the lock is free, and the status says it writes. */
static void
what_its_process_left_is_undone_at_once(void **state)
{
	struct bench *b = *state;
	uint64_t n = a_run(b, 3600);
	char *dir;
	int lock;

	assert_int_equal(runs_path(b->dir, n, &dir), 0);
	assert_int_equal(run_status_write(dir, STANDS_WRITING, 0, NULL, &b->e),
	    0);
	assert_int_equal(runs_lock(b->dir, &lock, &b->e), 0);
	assert_int_equal(arm_look(b->h, b->dir, n, &b->e), WATCH_AGAIN);
	assert_string_equal(fakehost_text(b->f, "/etc/a.conf"), "after");
	(void)close(lock);
	assert_int_equal(arm_look(b->h, b->dir, n, &b->e), WATCH_OVER);
	assert_string_equal(fakehost_text(b->f, "/etc/a.conf"), "before");
	assert_string_equal(b->toy.value, "old");
	free(dir);
}

/* Another boot's id makes any time too late. */
static void
a_boot_undoes_and_tells_no_service(void **state)
{
	struct bench *b = *state;
	uint64_t n, undone;

	assert_int_equal(file_mkdirs(b->dir, 0700, NULL), 0);
	assert_int_equal(arm_boot(b->h, b->dir, &undone, &b->e), 0);
	assert_int_equal(undone, 0);
	n = a_run(b, 3600);
	b->toy.reloads = 0;
	assert_int_equal(arm_boot(b->h, b->dir, &undone, &b->e), 0);
	assert_int_equal(undone, n);
	assert_string_equal(fakehost_text(b->f, "/etc/a.conf"), "before");
	assert_int_equal(b->toy.reloads, 0);
	assert_int_equal(arm_boot(b->h, b->dir, &undone, &b->e), 0);
	assert_int_equal(undone, 0);
}

static void
every_grain_is_said(void **state)
{
	struct bench *b = *state;
	struct grains g = {0};

	fakehost_file(b->f, "/usr/lib/os-release", 0644,
	    "PRETTY_NAME=\"x\"\nVERSION_ID=\"12\"\nID=debian\n"
	    "VERSION_CODENAME='bookworm'\n");
	fakehost_file(b->f, "/usr/sbin/sshd", 0755, "");
	fakehost_command(b->f, "ssh -V", 0, "",
	    "OpenSSH_9.2p1 Debian-2+deb12u3, OpenSSL 3.0.15\n");
	fakehost_file(b->f, "/sys/class/dmi/id/sys_vendor", 0444, "QEMU\n");
	fakehost_file(b->f, "/proc/1/comm", 0444, "runit\n");
	assert_int_equal(file_mkdirs(b->dir, 0700, NULL), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(grains_read(b->h, b->dir, &g, &b->e), 0);
		assert_int_equal(g.n, grain_kinds_n);
		for (size_t k = 0; k < g.n; k++)
			assert_string_equal(g.v[k].name, grain_kinds[k].name);
		assert_string_equal(grains_get(&g, "os"), "debian");
		assert_string_equal(grains_get(&g, "os_version"), "12");
		assert_string_equal(grains_get(&g, "os_codename"), "bookworm");
		assert_string_equal(grains_get(&g, "openssh"), "9.2p1");
		assert_string_equal(grains_get(&g, "virtual"), "kvm");
		assert_string_equal(grains_get(&g, "init"), "runit");
		grains_clear(&g);
	}
	/* Asked once for one sshd. */
	assert_int_equal(fakehost_ran(b->f)->n, 1);
}

/* os-release(5): the file in /etc goes before that in /usr/lib, and is a link to
 * it or to another place as a rule. */
static void
os_release_is_found_as_its_page_says(void **state)
{
	struct bench *b = *state;
	struct grains g = {0};
	static const struct {
		const char *etc, *link, *want;
	} cases[] = {
	    {NULL, NULL, "vendor"},
	    {"ID=mine\n", NULL, "mine"},
	    {NULL, "../usr/lib/os-release", "vendor"},
	    {NULL, "/opt/os-release", "linked"},
	    {NULL, "/opt/none", "vendor"},
	};

	fakehost_file(b->f, "/usr/lib/os-release", 0644, "ID=vendor\n");
	fakehost_file(b->f, "/opt/os-release", 0644, "ID=linked\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (cases[i].etc != NULL)
			fakehost_file(b->f, "/etc/os-release", 0644,
			    cases[i].etc);
		if (cases[i].link != NULL)
			fakehost_link(b->f, "/etc/os-release", cases[i].link);
		assert_int_equal(grains_read(b->h, NULL, &g, &b->e), 0);
		assert_string_equal(grains_get(&g, "os"), cases[i].want);
		grains_clear(&g);
		if (i > 0)
			fakehost_remove(b->f, "/etc/os-release");
	}
}

static void
an_empty_host_says_unknown(void **state)
{
	struct bench *b = *state;
	struct grains g = {0};

	assert_int_equal(grains_read(b->h, NULL, &g, &b->e), 0);
	assert_int_equal(g.n, grain_kinds_n);
	assert_string_equal(grains_get(&g, "os"), "unknown");
	assert_string_equal(grains_get(&g, "openssh"), "unknown");
	assert_int_equal(fakehost_ran(b->f)->n, 0);
	grains_clear(&g);
}

static void
what_was_held_is_not_forgotten_when_damaged(void **state)
{
	struct bench *b = *state;
	struct held h = {.have = true,
			.policy_version = 7,
			.fleet = {.have = true,
			    .version = 9,
			    .expires = 1795000000}},
		    got;
	char *path;

	memset(h.realm.b, 1, HASH_LEN);
	memset(h.policy.b, 2, HASH_LEN);
	memset(h.fleet.bundle.b, 3, HASH_LEN);
	assert_int_equal(file_mkdirs(b->dir, 0700, NULL), 0);
	assert_int_equal(held_read(b->dir, &got, &b->e), 0);
	assert_false(got.have);
	assert_int_equal(held_write(b->dir, &h, &b->e), 0);
	assert_int_equal(held_read(b->dir, &got, &b->e), 0);
	assert_true(got.have && got.fleet.have);
	assert_int_equal(got.policy_version, 7);
	assert_int_equal(got.fleet.version, 9);
	assert_int_equal(got.fleet.expires, 1795000000);
	assert_false(got.last.have || got.owed || got.enforcing);
	assert_string_equal(got.host, "");
	h.last = (struct fleet_last){.have = true, .at = 1790000000};
	h.owed = h.enforcing = true;
	h.krl_version = 4;
	h.accepted_at = 1780000000;
	h.root_version = 3;
	memset(h.root.b, 7, HASH_LEN);
	memset(h.krl.b, 4, HASH_LEN);
	memset(h.accept.b, 5, HASH_LEN);
	memset(h.last.job.b, 6, HASH_LEN);
	(void)snprintf(h.host, sizeof(h.host), "web-1.example.com");
	assert_int_equal(held_write(b->dir, &h, &b->e), 0);
	assert_int_equal(held_read(b->dir, &got, &b->e), 0);
	assert_true(got.last.have && got.owed && got.enforcing);
	assert_int_equal(got.last.at, 1790000000);
	assert_int_equal(got.krl_version, 4);
	assert_int_equal(got.root_version, 3);
	assert_true(hash_equal(&got.root, &h.root));
	assert_int_equal(got.accepted_at, 1780000000);
	assert_true(hash_equal(&got.krl, &h.krl));
	assert_true(hash_equal(&got.accept, &h.accept));
	assert_true(hash_equal(&got.last.job, &h.last.job));
	assert_string_equal(got.host, "web-1.example.com");
	/* A host that was accepted and has no fleet yet. */
	h.fleet = (struct fleet_held){0};
	assert_int_equal(held_write(b->dir, &h, &b->e), 0);
	assert_int_equal(held_read(b->dir, &got, &b->e), 0);
	assert_true(got.have && !got.fleet.have);
	assert_true(hash_equal(&got.realm, &h.realm));
	assert_true(hash_equal(&got.policy, &h.policy));
	assert_true(hash_equal(&got.fleet.bundle, &h.fleet.bundle));
	assert_int_equal(path_join(b->dir, "held", &path), 0);
	assert_int_equal(file_write(path, "{}", 2, 0600, 0, NULL), 0);
	assert_int_equal(held_read(b->dir, &got, &b->e), ERR_CORRUPT);
	free(path);
}

static void
the_configuration_is_read_strictly(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: good */
	} cases[] = {
	    {"", NULL},
	    {"id: web-1.example.com\nlocal: /srv/writ\n"
	     "operator: {account: petra, principal: admin}\n",
		NULL},
	    {"masters:\n"
	     "  - {address: \"m.example.com:2023\", key: \"ssh-ed25519 "
	     "AAAAC3NzaC1lZDI1NTE5AAAAIIzBt1iD+8gd/"
	     "GR1Qk0f9zaoMrQZeJ1NOxLo0vfF5C"
	     "UV\"}\n"
	     "user: agent\nhost_key: /etc/ssh/k\nssh_port: 2222\n"
	     "token: /etc/writ/token\n",
		NULL},
	    {"token: [a]\n", ":1:8: "},
	    {"token: \"\"\n", ":1:8: "},
	    {"masters: []\n", ":1:10: "},
	    {"masters:\n  - {address: m}\n", ":2:5: "},
	    {"masters:\n  - {address: \"a b\", key: x}\n",
		":2:15: 'a b' is no"},
	    {"masters:\n  - {address: m, key: ssh-rsa AAAA}\n", ":2:23: "},
	    {"ssh_port: 0\n", ":1:11: "},
	    {"id: Web 1\n", ":1:5: 'Web 1' is no id"},
	    {"idd: x\n", ":1:1: unknown key"},
	    {"operator: petra\n", ":1:11: "},
	    {"operator: {name: petra}\n", ":1:12: unknown key"},
	    {"id: [a]\n", ":1:5: "},
	    {"logins: no\n", NULL},
	    {"logins: sometimes\n", ":1:9: "},
	};
	struct bench *b = *state;
	struct agent_config c;
	char *path;

	assert_int_equal(file_mkdirs(b->dir, 0700, NULL), 0);
	assert_int_equal(path_join(b->dir, "agent.yaml", &path), 0);
	c = (struct agent_config){0};
	assert_int_equal(agent_config_read(path, &c, &b->e), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r;

		assert_int_equal(file_write(path, cases[i].text,
				     strlen(cases[i].text), 0600, 0, NULL),
		    0);
		c = (struct agent_config){0};
		b->e = (struct err){0};
		r = agent_config_read(path, &c, &b->e);
		if ((r == 0) != (cases[i].want == NULL) ||
		    (r != 0 && strstr(b->e.msg, cases[i].want) == NULL))
			fail_msg("%s: %d %s", cases[i].text, r, b->e.msg);
		/* Who logs in is reported unless somebody says not to. */
		assert_int_equal(c.no_logins,
		    strcmp(cases[i].text, "logins: no\n") == 0);
		agent_config_clear(&c);
	}
	free(path);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_login_counts_when_it_is_newer),
	    T(a_boot_unit_has_to_be_enabled),
	    T(what_is_not_confirmed_in_time_is_undone),
	    T(only_a_new_login_confirms),
	    T(a_status_of_whole_seconds_is_read),
	    T(what_its_process_left_is_undone_at_once),
	    T(a_boot_undoes_and_tells_no_service),
	    T(every_grain_is_said),
	    T(os_release_is_found_as_its_page_says),
	    T(an_empty_host_says_unknown),
	    T(what_was_held_is_not_forgotten_when_damaged),
	    T(the_configuration_is_read_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
