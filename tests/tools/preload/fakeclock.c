/* SPDX-License-Identifier: ISC */
/*
 * A clock that tests set, for LD_PRELOAD, or for /etc/ld.so.preload of a host whose
 * programs give each other no environment.
 *
 * $FAKECLOCK, or /etc/fakeclock where it is not set, names a file of 64-bit numbers in the machine's byte order, seconds
 * that the time of day is moved by: the first for every program, the second
 * besides for the one that $FAKECLOCK_OF names, such as writ-ca-signer.  What
 * counts seconds since a start (CLOCK_MONOTONIC) is left alone, as it is when
 * the clock of a machine is set, but for that one program, by the third number:
 * so much time passes there.  Where the file ends before that, it is 0.
 * All may change while programs run.  The file is mapped once, before main, so
 * that a program which may open nothing later sees them all the same.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

typedef int get_time(clockid_t, struct timespec *);

static get_time *real;
static const _Atomic int64_t *moved;
static bool is_other;

static void __attribute__((constructor)) set_up(void)
{
	const char *path = getenv("FAKECLOCK"), *of = getenv("FAKECLOCK_OF");
	void *p = MAP_FAILED;
	int fd;

	/* ISO C has no conversion from an object to a function. */
	*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	if (path == NULL)
		path = "/etc/fakeclock";
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return;
	p = mmap(NULL, 3 * sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (p == MAP_FAILED)
		return;
	moved = p;
	is_other = of != NULL && strcmp(of, program_invocation_short_name) == 0;
}

int
clock_gettime(clockid_t id, struct timespec *t)
{
	int r;

	/* By another constructor, before ours: there is no sandbox yet. */
	if (real == NULL)
		return (int)syscall(SYS_clock_gettime, id, t);
	r = real(id, t);
	if (r == 0 && moved != NULL &&
	    (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		t->tv_sec += moved[0] + (is_other ? moved[1] : 0);
	if (r == 0 && moved != NULL && is_other && id == CLOCK_MONOTONIC)
		t->tv_sec += moved[2];
	return r;
}

time_t
time(time_t *out)
{
	struct timespec t = {0};

	(void)clock_gettime(CLOCK_REALTIME, &t);
	if (out != NULL)
		*out = t.tv_sec;
	return t.tv_sec;
}

int
gettimeofday(struct timeval *restrict v, void *restrict zone)
{
	struct timespec t = {0};

	(void)zone;
	(void)clock_gettime(CLOCK_REALTIME, &t);
	v->tv_sec = t.tv_sec;
	v->tv_usec = t.tv_nsec / 1000;
	return 0;
}
