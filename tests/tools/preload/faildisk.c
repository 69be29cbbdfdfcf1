/* SPDX-License-Identifier: ISC */
/*
 * A disk that tests fill and break, for LD_PRELOAD.
 *
 * $FAILDISK names a file of six 64-bit numbers in the machine's byte order, two
 * times three: the inode of a file, the errno that each write to it fails with,
 * and the one that each sync of it fails with; 0 leaves it alone.  They may
 * change while the program runs.  A write that fails has written nothing; what
 * was written before a sync that fails is there, as with a real disk, of which
 * nobody knows.  The file is mapped once, before main, so that a program which
 * may open nothing later sees it all the same.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { INODE, WRITES, SYNCS, OF_ONE };
#define FILES 2

typedef ssize_t write_call(int, const void *, size_t);
typedef ssize_t pwrite_call(int, const void *, size_t, off_t);
typedef int sync_call(int);

static write_call *real_write;
static pwrite_call *real_pwrite;
static sync_call *real_fsync, *real_fdatasync;
static const _Atomic int64_t *told;

static void __attribute__((constructor)) set_up(void)
{
	const char *path = getenv("FAILDISK");
	void *p = MAP_FAILED;
	int fd;

	/* ISO C has no conversion from an object to a function. */
	*(void **)&real_write = dlsym(RTLD_NEXT, "write");
	*(void **)&real_pwrite = dlsym(RTLD_NEXT, "pwrite");
	*(void **)&real_fsync = dlsym(RTLD_NEXT, "fsync");
	*(void **)&real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
	if (path == NULL || (fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return;
	p = mmap(NULL, FILES * OF_ONE * sizeof(*told), PROT_READ, MAP_SHARED,
	    fd, 0);
	(void)close(fd);
	if (p != MAP_FAILED)
		told = p;
}

/* Is it to fail?  errno is set then. */
static bool
fails(int fd, int what)
{
	struct stat st;

	if (told == NULL)
		return false;
	for (size_t i = 0; i < FILES; i++) {
		const _Atomic int64_t *f = &told[i * OF_ONE];

		if (f[what] == 0 || fstat(fd, &st) != 0 ||
		    (int64_t)st.st_ino != f[INODE])
			continue;
		errno = (int)f[what];
		return true;
	}
	return false;
}

ssize_t
write(int fd, const void *p, size_t n)
{
	return fails(fd, WRITES) ? -1 : real_write(fd, p, n);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	return fails(fd, WRITES) ? -1 : real_pwrite(fd, p, n, at);
}

int
fsync(int fd)
{
	return fails(fd, SYNCS) ? -1 : real_fsync(fd);
}

int
fdatasync(int fd)
{
	return fails(fd, SYNCS) ? -1 : real_fdatasync(fd);
}
