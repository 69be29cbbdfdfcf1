/* SPDX-License-Identifier: ISC */
/* The working copy of the policy: which files belong in a bundle. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ca/common/bundles.h"
#include "lib/base/file.h"
#include "lib/base/str.h"

/* What may lie in which directory of policy/.  suffix NULL: whole names. */
static const struct {
	const char *sub;      /* "" for policy/ itself */
	const char *names[4]; /* when suffix is NULL */
	const char *suffix;
} places[] = {
    {"", {"root.yaml", "ca.yaml", "audit.yaml"}, NULL},
    {"people", {0}, ".yaml"},
    {"authorities", {0}, ".pub"},
};

static bool
belongs(size_t place, const char *name)
{
	const char *suffix = places[place].suffix;
	size_t n = strlen(name);

	if (suffix != NULL)
		return n > strlen(suffix) &&
		    strcmp(name + n - strlen(suffix), suffix) == 0;
	for (size_t i = 0; i < 4 && places[place].names[i] != NULL; i++)
		if (strcmp(name, places[place].names[i]) == 0)
			return true;
	return false;
}

static bool
is_subdirectory(const char *name)
{
	return strcmp(name, "people") == 0 || strcmp(name, "authorities") == 0;
}

static int
add_draft_file(const char *dir, size_t place, const char *name,
    struct policy_files *out, struct err *e)
{
	const char *sub = places[place].sub;
	char *path = NULL, *rel = NULL, *text = NULL;
	size_t n;
	int r;

	if (path_joinf(&rel, "%s%s%s", sub, sub[0] != '\0' ? "/" : "", name) !=
		0 ||
	    path_joinf(&path, "%s/policy/%s", dir, rel) != 0) {
		r = err_nomem(e);
		goto out;
	}
	if (!belongs(place, name)) {
		r = err_set(e, ERR_PARSE,
		    "%s: does not belong in a policy, expected root.yaml, "
		    "ca.yaml, audit.yaml, people/*.yaml, authorities/*.pub",
		    path);
		goto out;
	}
	if ((r = file_read(path, POLICY_FILE_MAX, &text, &n, e)) == 0 &&
	    policy_files_add(out, rel, text, n) != 0)
		r = err_nomem(e);
out:
	free(text);
	free(rel);
	free(path);
	return r;
}

static int
read_draft_dir(const char *dir, size_t place, struct policy_files *out,
    struct err *e)
{
	struct dirent *entry;
	char *path = NULL;
	DIR *d;
	int r = 0;

	if (path_joinf(&path, "%s/policy/%s", dir, places[place].sub) != 0)
		return err_nomem(e);
	if ((d = opendir(path)) == NULL) {
		if (errno != ENOENT || place == 0)
			r = err_sys(e, "%s", path);
		free(path);
		return r;
	}
	while (r == 0 && (entry = readdir(d)) != NULL) {
		const char *name = entry->d_name;

		if (name[0] == '.' || name[strlen(name) - 1] == '~' ||
		    (place == 0 && is_subdirectory(name)))
			continue;
		if (out->n >= POLICY_FILES_MAX)
			r = err_set(e, ERR_LIMIT, "%s: more than %d files",
			    path, POLICY_FILES_MAX);
		else
			r = add_draft_file(dir, place, name, out, e);
	}
	(void)closedir(d);
	free(path);
	return r;
}

int
bundles_read_draft(const char *dir, struct policy_files *out, struct err *e)
{
	struct policy_files files = {0};
	int r = 0;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && r == 0;
	     i++)
		r = read_draft_dir(dir, i, &files, e);
	if (r != 0) {
		policy_files_clear(&files);
		return r;
	}
	policy_files_sort(&files);
	*out = files;
	return 0;
}
