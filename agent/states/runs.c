/* SPDX-License-Identifier: ISC */
#include "agent/states/runs.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/json.h"

static const char *const names[] = {
    [STANDS_NONE] = "none",
    [STANDS_WRITING] = "writing",
    [STANDS_UNCONFIRMED] = "unconfirmed",
    [STANDS_DONE] = "done",
    [STANDS_CONFIRMED] = "confirmed",
    [STANDS_UNDONE] = "undone",
    [STANDS_UNDO_FAILED] = "undo-failed",
};
#define N_NAMES (sizeof(names) / sizeof(names[0]))

const char *
run_stands_name(enum run_stands s)
{
	return (size_t)s < N_NAMES ? names[s] : "?";
}

bool
run_is_finished(enum run_stands s)
{
	return s != STANDS_WRITING && s != STANDS_UNCONFIRMED &&
	    s != STANDS_UNDO_FAILED;
}

void
run_status_clear(struct run_status *s)
{
	free(s->boot);
	free(s->text);
	*s = (struct run_status){0};
}

int64_t
run_uptime_ms(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_BOOTTIME, &t) != 0)
		return 0;
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
run_boot_id(char out[RUN_BOOT_MAX])
{
	char *text;
	size_t n;

	out[0] = '\0';
	if (file_read("/proc/sys/kernel/random/boot_id", RUN_BOOT_MAX - 1,
		&text, &n, NULL) != 0)
		return;
	(void)snprintf(out, RUN_BOOT_MAX, "%.*s", (int)strcspn(text, "\n"),
	    text);
	free(text);
}

int
runs_lock(const char *dir, int *fd, struct err *e)
{
	char *path;
	int r;

	if (path_join(dir, "lock", &path) != 0)
		return err_nomem(e);
	r = file_lock(path, fd, e);
	free(path);
	return r;
}

int
runs_path(const char *dir, uint64_t n, char **out)
{
	return path_joinf(out, "%s/runs/%llu", dir, (unsigned long long)n);
}

/* Every run's number to take(arg, n). */
static int
each_run(const char *dir, void (*take)(void *arg, uint64_t n), void *arg,
    struct err *e)
{
	struct dirent *d;
	char *path;
	uint64_t n;
	DIR *all;
	int r = 0;

	if (path_join(dir, "runs", &path) != 0)
		return err_nomem(e);
	if ((all = opendir(path)) == NULL) {
		r = errno == ENOENT ? 0 : err_sys(e, "%s", path);
		free(path);
		return r;
	}
	while ((errno = 0, d = readdir(all)) != NULL)
		if (parse_u64(d->d_name, 1, UINT64_MAX - 1, &n) == 0)
			take(arg, n);
	if (errno != 0)
		r = err_sys(e, "%s", path);
	(void)closedir(all);
	free(path);
	return r;
}

static void
take_newest(void *arg, uint64_t n)
{
	uint64_t *newest = arg;

	if (n > *newest)
		*newest = n;
}

int
runs_newest(const char *dir, uint64_t *out, struct err *e)
{
	uint64_t n = 0;
	int r = each_run(dir, take_newest, &n, e);

	if (r == 0)
		*out = n;
	return r;
}

struct pruning {
	const char *dir;
	uint64_t below;
};

/* Files first; it holds no directories.  Fails in silence: the next run tries
 * again. */
static void
take_old(void *arg, uint64_t n)
{
	const struct pruning *p = arg;
	struct dirent *d;
	char *path;
	DIR *all;

	if (n >= p->below || runs_path(p->dir, n, &path) != 0)
		return;
	if ((all = opendir(path)) != NULL) {
		while ((d = readdir(all)) != NULL)
			(void)unlinkat(dirfd(all), d->d_name, 0);
		(void)closedir(all);
	}
	(void)rmdir(path);
	free(path);
}

int
runs_begin(const char *dir, uint64_t n, struct err *e)
{
	struct pruning p = {dir, n > RUNS_KEPT ? n - RUNS_KEPT + 1 : 0};
	char *path;
	int r;

	if (runs_path(dir, n, &path) != 0)
		return err_nomem(e);
	r = file_mkdirs(path, 0700, e);
	free(path);
	return r == 0 ? each_run(dir, take_old, &p, e) : r;
}

int
run_status_write(const char *run_dir, enum run_stands s, int64_t now,
    const char *text, struct err *e)
{
	char boot[RUN_BOOT_MAX], *path = NULL;
	struct str out = STR_INIT;
	struct jw w;
	size_t n = text != NULL ? strlen(text) : 0;
	int64_t up_ms = run_uptime_ms();
	int r;

	run_boot_id(boot);
	jw_init(&w, &out, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "stands", run_stands_name(s));
	jw_time(&w, "at", now);
	jw_int(&w, "up", up_ms / 1000);
	jw_int(&w, "ms", up_ms % 1000);
	jw_str(&w, "boot", boot);
	jw_strn(&w, "text", text != NULL ? text : "",
	    n < RUN_TEXT_MAX ? n : RUN_TEXT_MAX);
	jw_end(&w, '}');
	str_addc(&out, '\n');
	if (str_check(&out) != 0 || path_join(run_dir, "status", &path) != 0)
		r = err_nomem(e);
	else
		r = file_write(path, out.p, out.n, 0600, 0, e);
	free(path);
	str_clear(&out);
	return r;
}

static int
parse_status(const json_t *o, struct run_status *s, struct err *e)
{
	const char *name = "";
	int64_t up = 0, ms = 999; /* where it says none, no login is newer */
	int r;

	if ((r = json_str(o, "stands", 0, 32, &name, e)) != 0 ||
	    (r = json_time(o, "at", 0, &s->at, e)) != 0 ||
	    (r = json_int(o, "up", 0, 0, INT64_MAX / 1000 - 1, &up, e)) != 0 ||
	    (r = json_int(o, "ms", JSON_OPTIONAL, 0, 999, &ms, e)) != 0 ||
	    (r = json_strdup(o, "boot", JSON_EMPTY_OK, RUN_BOOT_MAX, &s->boot,
		 e)) != 0 ||
	    (r = json_strdup(o, "text", JSON_EMPTY_OK, RUN_TEXT_MAX, &s->text,
		 e)) != 0)
		return r;
	s->up_ms = up * 1000 + ms;
	for (size_t i = 1; i < N_NAMES; i++)
		if (strcmp(name, names[i]) == 0)
			s->stands = (enum run_stands)i;
	return s->stands != STANDS_NONE
	    ? 0
	    : err_set(e, ERR_PARSE, "unknown status '%s'", name);
}

int
run_status_read(const char *run_dir, struct run_status *out, struct err *e)
{
	struct run_status s = {0};
	char *path, *text = NULL;
	struct err why = {0};
	json_t *o = NULL;
	size_t n;
	int r;

	if (path_join(run_dir, "status", &path) != 0)
		return err_nomem(e);
	r = file_read(path, 16384, &text, &n, &why);
	if (r == ERR_NOTFOUND) {
		r = 0;
	} else if (r == 0 &&
	    ((r = json_read(slice_of(text, n), 16384, &o, &why)) != 0 ||
		(r = parse_status(o, &s, &why)) != 0)) {
		err_prefix(&why, "%s", path);
		r = r == ERR_NOMEM ? r : ERR_CORRUPT;
	}
	if (r != 0 && e != NULL)
		*e = why;
	if (r == 0)
		*out = s;
	else
		run_status_clear(&s);
	json_decref(o);
	free(text);
	free(path);
	return r;
}

int64_t
run_left(const struct run_status *s, int64_t within)
{
	return within - (run_uptime_ms() - s->up_ms) / 1000;
}

bool
run_is_overdue(const struct run_status *s, int64_t within)
{
	char boot[RUN_BOOT_MAX];

	run_boot_id(boot);
	return s->boot == NULL || strcmp(s->boot, boot) != 0 ||
	    run_left(s, within) <= 0;
}
