/* SPDX-License-Identifier: ISC */
/* The machine that a deployment is on: files, users, clock, disk, ports. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "ca/daemon/check.h"
#include "ca/keeper/local.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/plural.h"
#include "lib/net/port.h"
#include "lib/notify/channels.h"
#include "lib/statement/leaf.h"

#define MIB             1048576.0
#define DISK_FAIL_MIB   64
#define DISK_WARN_MIB   1024
#define CLOCK_BACK_SECS 60
#define PATH_SUN_MAX    107

/* --- files ------------------------------------------------------------------
 */

enum user { USER_ANY, USER_SIGNER, USER_KEEPER, USER_FRONT };

/* What may be there, who besides root may own it, and which bits of its mode
 * let somebody in who has no business there. */
static const struct {
	const char *path;
	mode_t closed;
	enum user owner;
	bool needed;
} files[] = {
    {"", 022, USER_ANY, true},
    {"writ.yaml", 022, USER_ANY, true},
    {"policy", 022, USER_ANY, false},
    {"bundle", 022, USER_KEEPER, false},
    {"keys", 077, USER_SIGNER, false},
    {"signer", 077, USER_SIGNER, false},
    {"log", 022, USER_KEEPER, false},
    {"store", 077, USER_KEEPER, false},
};

static const char *
user_name(const struct check *c, enum user u)
{
	const struct service_users *s = &c->config.service.users;

	return u == USER_SIGNER ? s->signer
	    : u == USER_KEEPER  ? s->keeper
	    : u == USER_FRONT   ? s->front
				: NULL;
}

/* Root may own everything: a service that root starts reads first and drops
 * then. */
static bool
owner_is_right(struct check *c, const char *path, const struct stat *st,
    enum user u)
{
	const char *name = user_name(c, u);
	const struct passwd *pw;

	if (st->st_uid == 0 || st->st_uid == geteuid())
		return true;
	if (name == NULL) {
		if (u == USER_ANY)
			return true;
		check_add(c, FINDING_WARN, "files",
		    "%s belongs to user %u, expected root or whoever runs the "
		    "service",
		    path, (unsigned)st->st_uid);
		return false;
	}
	if ((pw = getpwnam(name)) != NULL && pw->pw_uid == st->st_uid)
		return true;
	check_add(c, FINDING_FAIL, "files",
	    "%s belongs to user %u, expected root or %s", path,
	    (unsigned)st->st_uid, name);
	return false;
}

static bool
check_path(struct check *c, const char *path, mode_t closed, enum user owner,
    bool needed)
{
	struct stat st;

	if (lstat(path, &st) != 0) {
		if (errno == ENOENT && !needed)
			return true;
		check_add(c, FINDING_FAIL, "files", "%s: %s", path,
		    strerror(errno));
		return false;
	}
	if (S_ISLNK(st.st_mode)) {
		check_add(c, FINDING_WARN, "files",
		    "%s is a symbolic link: what it leads to was not checked",
		    path);
		return false;
	}
	if ((st.st_mode & closed) != 0) {
		check_add(c, FINDING_FAIL, "files",
		    "%s has mode %04o, expected %04o", path,
		    (unsigned)(st.st_mode & 07777),
		    (unsigned)(st.st_mode & 07777 & ~closed));
		return false;
	}
	return owner_is_right(c, path, &st, owner);
}

static bool
check_key_files(struct check *c)
{
	bool ok = true;

	for (size_t i = 0; i < c->config.n_keys; i++) {
		const char *from = c->config.keys[i].from;
		char *path = NULL;

		if (strncmp(from, "agent", 5) == 0)
			continue;
		if ((from[0] == '/' ? path_joinf(&path, "%s", from)
				    : path_join(c->dir, from, &path)) != 0)
			c->found.table.failed = true;
		else
			ok = check_path(c, path, 077, USER_SIGNER, true) && ok;
		free(path);
	}
	return ok;
}

static bool
check_named_keys(struct check *c)
{
	const char *const names[] = {
	    c->config.user_ca, c->config.host_ca, config_log_key(&c->config)};
	bool ok = true;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = NULL;

		if (names[i] == NULL)
			continue;
		if (path_joinf(&path, "%s/keys/%s", c->dir, names[i]) != 0)
			c->found.table.failed = true;
		else
			ok = check_path(c, path, 077, USER_SIGNER, false) && ok;
		free(path);
	}
	return ok;
}

static bool
check_users(struct check *c)
{
	const struct service_users *u = &c->config.service.users;
	const char *const names[] = {u->front, u->keeper, u->signer, u->notify};
	bool ok = true;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i] != NULL && getpwnam(names[i]) == NULL) {
			check_add(c, FINDING_FAIL, "users",
			    "no user '%s' is on this machine", names[i]);
			ok = false;
		}
	return ok;
}

void
check_files(struct check *c)
{
	const struct service_config *s = &c->config.service;
	bool ok = check_users(c);

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *path = NULL;

		if ((files[i].path[0] == '\0'
			    ? path_joinf(&path, "%s", c->dir)
			    : path_join(c->dir, files[i].path, &path)) != 0)
			c->found.table.failed = true;
		else
			ok = check_path(c, path, files[i].closed,
				 files[i].owner, files[i].needed) &&
			    ok;
		free(path);
	}
	ok = check_key_files(c) && ok;
	ok = check_named_keys(c) && ok;
	ok = check_path(c, s->transport, 077, USER_FRONT, false) && ok;
	if (strlen(s->runtime) + strlen("/control.sock") > PATH_SUN_MAX) {
		check_add(c, FINDING_FAIL, "files",
		    "%s is too long for the sockets in it, expected at most "
		    "%zu bytes",
		    s->runtime, PATH_SUN_MAX - strlen("/control.sock"));
		ok = false;
	}
	if (ok)
		check_add(c, FINDING_OK, "files",
		    "nobody reads or writes what he should not");
}

void
check_notify(struct check *c)
{
	struct channels ch = {0};
	struct err e = {0};
	char *path = NULL;
	int r;

	if (path_join(c->dir, "notify.yaml", &path) != 0) {
		c->found.table.failed = true;
		return;
	}
	r = channels_load(path, &ch, &e);
	if (r == 0 && ch.n > 0)
		check_add(c, FINDING_OK, "notify", "%zu %s", ch.n,
		    text_plural(ch.n, "channel", "channels"));
	else if (r == 0 || r == ERR_NOTFOUND)
		check_add(c, FINDING_WARN, "notify",
		    "%s: nobody is told that somebody waits",
		    r == 0 ? "no channels" : e.msg);
	else
		check_err(c, FINDING_FAIL, "notify", &e);
	channels_clear(&ch);
	free(path);
}

/* --- clock ------------------------------------------------------------------
 */

/* When a leaf was made, as far as it says; 0: it does not. */
static int64_t
leaf_time(const struct leaf *l)
{
	switch (l->kind) {
	case LEAF_STATEMENT:
		return l->u.s.at;
	case LEAF_ISSUE:
		return l->u.i.now;
	case LEAF_TICK:
		return l->u.t.at;
	case LEAF_CERTIFICATE:
		break;
	}
	return 0;
}

/* The newest time among the log's last leaves; 0: none, or no log yet. */
static int
last_time(struct check *c, int64_t *out, struct err *e)
{
	struct local_options o = {.dir = c->dir, .mode = LOCAL_READ};
	struct local *l = NULL;
	uint64_t size;
	int r;

	*out = 0;
	if ((r = local_open(&o, &l, e)) != 0)
		return r;
	size = ledger_size(l->ledger);
	for (uint64_t i = size > 8 ? size - 8 : 0; i < size && r == 0; i++) {
		uint8_t *p = NULL;
		struct leaf leaf;
		size_t n;

		leaf_init(&leaf);
		if ((r = ledger_read(l->ledger, i, &p, &n, e)) == 0 &&
		    (r = leaf_parse("leaf", slice_of(p, n), &leaf, e)) == 0 &&
		    leaf_time(&leaf) > *out)
			*out = leaf_time(&leaf);
		leaf_clear(&leaf);
		free(p);
	}
	local_free(l);
	return r;
}

static void
check_ntp(struct check *c)
{
	struct timex t = {0};

	/* Reads alone; a machine whose kernel does not know is not at fault. */
	if (adjtimex(&t) == -1 || (t.status & STA_UNSYNC) == 0)
		return;
	check_add(c, FINDING_WARN, "clock",
	    "the kernel says that nothing synchronises it");
}

void
check_clock(struct check *c)
{
	char when[CLOCK_TEXT];
	struct err e = {0};
	int64_t last = 0;

	check_ntp(c);
	if (!c->trust.have)
		return;
	if (last_time(c, &last, &e) != 0) {
		check_err(c, FINDING_FAIL, "log", &e);
		return;
	}
	clock_format(last, when);
	if (last > c->now + CLOCK_BACK_SECS)
		check_add(c, FINDING_FAIL, "clock",
		    "the log has a leaf of %s, which is ahead of this clock: "
		    "nothing would be signed",
		    when);
	else if (last == 0)
		check_add(c, FINDING_OK, "clock", "the log is empty");
	else
		check_add(c, FINDING_OK, "clock", "not behind the log (%s)",
		    when);
}

/* --- disk ----------------------------------------------------------------- */

static void
check_room(struct check *c, const char *path)
{
	struct statvfs v;
	double mib;

	if (statvfs(path, &v) != 0) {
		check_add(c, errno == ENOENT ? FINDING_WARN : FINDING_FAIL,
		    "disk", "%s: %s", path, strerror(errno));
		return;
	}
	mib = (double)v.f_bavail * (double)v.f_frsize / MIB;
	if (v.f_files > 0 && v.f_favail < 1000)
		check_add(c, FINDING_FAIL, "disk",
		    "%s: no room for more than %llu files", path,
		    (unsigned long long)v.f_favail);
	else
		check_add(c,
		    mib < DISK_FAIL_MIB       ? FINDING_FAIL
			: mib < DISK_WARN_MIB ? FINDING_WARN
					      : FINDING_OK,
		    "disk", "%s: %.0f MiB free", path, mib);
}

void
check_disk(struct check *c)
{
	char *log = NULL;
	struct stat a, b;

	check_room(c, c->dir);
	if (config_log_dir(&c->config, &log) != 0)
		c->found.table.failed = true;
	else if (stat(c->dir, &a) == 0 && stat(log, &b) == 0 &&
	    a.st_dev != b.st_dev)
		check_room(c, log);
	free(log);
}

/* --- ports ---------------------------------------------------------------- */

static void
check_port(struct check *c, const char *address)
{
	char who[PORT_WHO_MAX];
	struct err e = {0};

	switch (port_is_free(address, who, &e)) {
	case 0:
		check_add(c, FINDING_OK, "port", "%s is free", address);
		break;
	case PORT_TAKEN:
		if (strcmp(who, "writ-ca-front") == 0)
			check_add(c, FINDING_OK, "port", "%s is served by us",
			    address);
		else if (strcmp(who, "systemd") == 0 ||
		    strcmp(who, "init") == 0)
			check_add(c, FINDING_OK, "port",
			    "%s is held by systemd", address);
		else if (who[0] == '\0')
			check_add(c, FINDING_WARN, "port",
			    "%s is in use, and only root can see by whom",
			    address);
		else
			check_add(c, FINDING_FAIL, "port", "%s is in use by %s",
			    address, who);
		break;
	default:
		check_err(c, FINDING_FAIL, "port", &e);
	}
}

void
check_ports(struct check *c)
{
	const struct service_config *s = &c->config.service;

	for (size_t i = 0; i < s->listen.n; i++)
		check_port(c, s->listen.v[i]);
	if (s->metrics != NULL)
		check_port(c, s->metrics);
}
