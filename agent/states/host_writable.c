/* SPDX-License-Identifier: ISC */
/* What would stand in the way of a write, before anything is written. */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "agent/states/host_impl.h"
#include "agent/states/host_write.h"

#define ROOM_SPARE (256 * 1024) /* for directories and a journal */

/* Immutable or append-only, where the file system knows of such a thing. */
static int
not_fixed(int fd, const char *path, bool dir, struct err *e)
{
	int flags = 0;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0)
		return 0;
	if ((flags & FS_IMMUTABLE_FL) != 0) {
		(void)err_set(e, ERR_DENIED, "%s is immutable", path);
		err_hint(e, "chattr -i %s", path);
		return ERR_DENIED;
	}
	if (!dir && (flags & FS_APPEND_FL) != 0)
		return err_set(e, ERR_DENIED,
		    "%s can only be appended to (chattr +a)", path);
	return 0;
}

static int
has_room(int fd, const char *path, uint64_t n, struct err *e)
{
	struct statvfs fs;
	uint64_t room;

	if (fstatvfs(fd, &fs) != 0)
		return err_sys(e, "%s", path);
	if ((fs.f_flag & ST_RDONLY) != 0)
		return err_set(e, ERR_DENIED,
		    "%s is on a file system that is mounted read-only", path);
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (room < n + ROOM_SPARE || (fs.f_files != 0 && fs.f_favail < 2))
		return err_set(e, ERR_LIMIT,
		    "%s: no room: %" PRIu64 " bytes and %" PRIu64
		    " files are free, expected %" PRIu64 " bytes",
		    path, room, (uint64_t)fs.f_favail, n + ROOM_SPARE);
	return 0;
}

/* The nearest directory above that is there. */
static int
open_parent(struct host *h, const char *path, int *fd, struct err *e)
{
	char dir[HOST_PATH_MAX + 1];
	char *slash;
	int r;

	memcpy(dir, path, strlen(path) + 1);
	do {
		slash = strrchr(dir, '/');
		slash[slash == dir ? 1 : 0] = '\0';
		r = host_openat(h, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
		    fd, e);
	} while (r == ERR_NOTFOUND && dir[1] != '\0');
	return r;
}

int
host_writable(struct host *h, const char *path, uint64_t n, struct err *e)
{
	struct stat st;
	int dir = -1, fd = -1, r;

	if ((r = host_begin(h, "writable", path, e)) != 0 ||
	    (r = host_path_check(path, e)) != 0 ||
	    (r = open_parent(h, path, &dir, e)) != 0)
		return r;
	if ((r = not_fixed(dir, path, true, e)) != 0) {
		err_prefix(e, "the directory of it");
		goto out;
	}
	if ((r = has_room(dir, path, n, e)) != 0)
		goto out;
	r = host_openat(h, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
	    0, &fd, e);
	if (r == ERR_NOTFOUND)
		r = 0;
	else if (r == 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)))
		r = err_set(e, ERR_DENIED,
		    "%s is not a regular file, expected one or nothing", path);
	else if (r == 0)
		r = not_fixed(fd, path, false, e);
out:
	if (fd != -1)
		(void)close(fd);
	(void)close(dir);
	return r;
}
