/* SPDX-License-Identifier: ISC */
#include "lib/cli/draft.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"

static const struct draft_place policy_places[] = {
    {"", {"root.yaml", "ca.yaml", "audit.yaml"}, NULL},
    {"people", {0}, ".yaml"},
    {"authorities", {0}, ".pub"},
};

const struct draft draft_policy = {
    .dir = "policy",
    .places = policy_places,
    .n_places = sizeof(policy_places) / sizeof(policy_places[0]),
    .expected = "root.yaml, ca.yaml, audit.yaml, people/*.yaml, "
		"authorities/*.pub",
};

static bool
belongs(const struct draft_place *place, const char *name)
{
	const char *suffix = place->suffix;
	size_t n = strlen(name);

	if (suffix != NULL)
		return n > strlen(suffix) &&
		    strcmp(name + n - strlen(suffix), suffix) == 0;
	for (size_t i = 0; i < DRAFT_NAMES_MAX && place->names[i] != NULL; i++)
		if (strcmp(name, place->names[i]) == 0)
			return true;
	return false;
}

static bool
is_subdirectory(const struct draft *what, const char *name)
{
	for (size_t i = 0; i < what->n_places; i++)
		if (strcmp(what->places[i].sub, name) == 0)
			return true;
	return false;
}

static int
add_file(const char *deployment, const struct draft *what, size_t place,
    const char *name, struct policy_files *out, struct err *e)
{
	const char *sub = what->places[place].sub;
	char *path = NULL, *rel = NULL, *text = NULL;
	size_t n;
	int r;

	if (path_joinf(&rel, "%s%s%s", sub, sub[0] != '\0' ? "/" : "", name) !=
		0 ||
	    path_joinf(&path, "%s/%s/%s", deployment, what->dir, rel) != 0) {
		r = err_nomem(e);
		goto out;
	}
	if (!belongs(&what->places[place], name)) {
		r = err_set(e, ERR_PARSE,
		    "%s: does not belong there, expected %s", path,
		    what->expected);
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
read_place(const char *deployment, const struct draft *what, size_t place,
    struct policy_files *out, struct err *e)
{
	struct dirent *entry;
	char *path = NULL;
	DIR *d;
	int r = 0;

	if (path_joinf(&path, "%s/%s/%s", deployment, what->dir,
		what->places[place].sub) != 0)
		return err_nomem(e);
	if ((d = opendir(path)) == NULL) {
		bool none = errno == ENOENT;

		if (!none || place == 0)
			r = err_sys(e, "%s", path);
		if (r != 0 && none)
			err_hint(e, "-C DIR names the deployment that has it");
		free(path);
		return r;
	}
	while (r == 0 && (entry = readdir(d)) != NULL) {
		const char *name = entry->d_name;

		if (name[0] == '.' || name[strlen(name) - 1] == '~' ||
		    (place == 0 && is_subdirectory(what, name)))
			continue;
		if (out->n >= POLICY_FILES_MAX)
			r = err_set(e, ERR_LIMIT, "%s: more than %d files",
			    path, POLICY_FILES_MAX);
		else
			r = add_file(deployment, what, place, name, out, e);
	}
	(void)closedir(d);
	free(path);
	return r;
}

int
draft_read(const char *deployment, const struct draft *what,
    struct policy_files *out, struct err *e)
{
	struct policy_files files = {0};
	int r = 0;

	for (size_t i = 0; i < what->n_places && r == 0; i++)
		r = read_place(deployment, what, i, &files, e);
	if (r != 0) {
		policy_files_clear(&files);
		return r;
	}
	policy_files_sort(&files);
	*out = files;
	return 0;
}
