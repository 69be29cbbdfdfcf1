/* SPDX-License-Identifier: ISC */
/* Where the master's keeper may read and write once it is warm. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/master/mk_start.h"
#include "lib/base/file.h"
#include "lib/proc/sandbox.h"

#define PATHS_MAX 32

/* Owned paths, ended by NULL as the sandbox wants them. */
struct paths {
	char *v[PATHS_MAX + 1];
	size_t n;
	int r;
};

/* Takes path; NULL: memory was out. */
static void
add(struct paths *p, char *path)
{
	if (path != NULL && p->n < PATHS_MAX) {
		p->v[p->n++] = path;
		return;
	}
	if (p->r == 0)
		p->r = path == NULL ? ERR_NOMEM : ERR_LIMIT;
	free(path);
}

static void
add_below(struct paths *p, const char *dir, const char *name)
{
	char *path = NULL;

	add(p, path_join(dir, name, &path) == 0 ? path : NULL);
}

static void
paths_clear(struct paths *p)
{
	while (p->n > 0)
		free(p->v[--p->n]);
}

/* Where a copy's directory is not there now, it lags: that stops nothing. */
static void
add_copies(struct paths *p, const struct master_config *c)
{
	for (size_t i = 0; i < c->home.copies.n; i++) {
		const char *url = c->home.copies.v[i];
		const char *path = strncmp(url, "dir:", 4) == 0 ? url + 4 : url;

		if (strncmp(url, "s3:", 3) != 0 && access(path, X_OK) == 0)
			add(p, str_dup(path));
	}
}

static void
add_written(struct paths *p, const struct master_config *c)
{
	char *log = NULL;

	add(p, log_home_dir(&c->home, c->dir, &log) == 0 ? log : NULL);
	add(p, str_dupn(c->store, (size_t)(path_base(c->store) - c->store)));
	add_below(p, c->dir, "bundle");
	add_copies(p, c);
}

static void
add_read(struct paths *p, const struct master_config *c)
{
	/* Names of hosts, certificates of authorities, libraries that load
	   others late, random numbers of SQLite, since when the machine runs. */
	static const char *const always[] = {"/etc", "/usr", "/lib", "/lib64",
	    "/run/systemd/resolve", "/dev/urandom",
	    "/proc/sys/kernel/random/boot_id"};
	static const char *const variables[] = {
	    "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE"};
	const char *credentials = c->home.credentials;

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		add(p, str_dup(always[i]));
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		if (getenv(variables[i]) != NULL)
			add(p, str_dup(getenv(variables[i])));
	/* "file:PATH" or "file:PATH#PROFILE": read again when they expire. */
	if (credentials != NULL && strncmp(credentials, "file:", 5) == 0)
		add(p,
		    str_dupn(credentials + 5, strcspn(credentials + 5, "#")));
	/* The courier's socket is connected to again and again. */
	add(p, str_dup(c->runtime));
}

int
mk_seal(const struct master_config *c, struct err *e)
{
	struct paths written = {.n = 0}, read = {.n = 0};
	const struct sandbox s = {.profile = SANDBOX_KEEPER,
	    .write_below = (const char *const *)written.v,
	    .read_below = (const char *const *)read.v};
	int r;

	add_written(&written, c);
	add_read(&read, c);
	if (written.r != 0 || read.r != 0) {
		r = written.r != 0 ? written.r : read.r;
		(void)err_set(e, r, "enter the sandbox: %s", err_text(r));
	} else {
		r = sandbox_enter(&s, e);
	}
	paths_clear(&written);
	paths_clear(&read);
	return r;
}
