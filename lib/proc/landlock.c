/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <stdint.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/str.h"
#include "lib/proc/sandbox_impl.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* What headers older than the kernel do not name. */
#define FS_TRUNCATE  (UINT64_C(1) << 14)
#define FS_IOCTL_DEV (UINT64_C(1) << 15)
#define NET_ALL      UINT64_C(3) /* bind and connect, of TCP */
#define SCOPE_ALL    UINT64_C(3) /* abstract sockets, signals */

/* struct landlock_ruleset_attr as it has grown; an older kernel gets less. */
struct ruleset {
	uint64_t fs, net, scope;
};

#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_WRITE                                                             \
	(FS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE |                           \
	    LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |      \
	    LANDLOCK_ACCESS_FS_REFER | FS_TRUNCATE)
/* Of these, what a rule for something that is no directory may have. */
#define FS_FILE                                                         \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | \
	    FS_TRUNCATE)

/* Everything that the version of the kernel's interface can withhold. */
static struct ruleset
ruleset_of(int version, bool tcp)
{
	/* Bits of files by version; what is newer knows those of the last. */
	static const int fs_bits[] = {0, 13, 14, 15, 15, 16};
	size_t v = (size_t)version;
	struct ruleset all = {0};

	all.fs = (UINT64_C(1) << fs_bits[v < LEN(fs_bits) ? v : 5]) - 1;
	all.net = version >= 4 && !tcp ? NET_ALL : 0;
	all.scope = version >= 6 ? SCOPE_ALL : 0;
	return all;
}

static size_t
ruleset_size(int version)
{
	return version >= 6 ? 24 : version >= 4 ? 16 : 8;
}

static int
allow_below(int ruleset, const char *path, uint64_t access, bool needed,
    struct err *e)
{
	struct landlock_path_beneath_attr rule;
	char quoted[QUOTE_MAX];
	struct stat st;
	int r = 0;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd == -1 && !needed)
		return 0;
	if (rule.parent_fd == -1 || fstat(rule.parent_fd, &st) != 0) {
		r = err_sys(e, "look at %s", str_quote(quoted, path));
		goto out;
	}
	rule.allowed_access = S_ISDIR(st.st_mode) ? access : access & FS_FILE;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
		&rule, 0) != 0)
		r = err_sys(e, "allow what is below %s",
		    str_quote(quoted, path));
out:
	if (rule.parent_fd != -1)
		close(rule.parent_fd);
	return r;
}

static int
allow_all(int ruleset, const char *const *paths, uint64_t access, bool needed,
    struct err *e)
{
	int r = 0;

	for (size_t i = 0; paths != NULL && paths[i] != NULL && r == 0; i++)
		r = allow_below(ruleset, paths[i], access, needed, e);
	return r;
}

int
landlock_enter(const struct sandbox *s, bool tcp, struct err *e)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset all;
	int fd, r;

	if (version < 1)
		return 0;
	all = ruleset_of((int)version, tcp);
	fd = (int)syscall(SYS_landlock_create_ruleset, &all,
	    ruleset_size((int)version), 0);
	if (fd == -1)
		return err_sys(e, "make Landlock rules");
	if ((r = allow_all(fd, s->write_below, FS_WRITE & all.fs, true, e)) !=
		0 ||
	    (r = allow_all(fd, s->read_below, FS_READ & all.fs, false, e)) != 0)
		goto out;
	if (syscall(SYS_landlock_restrict_self, fd, 0) != 0)
		r = err_sys(e, "enter Landlock");
out:
	close(fd);
	return r;
}
