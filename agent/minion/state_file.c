/* SPDX-License-Identifier: ISC */
#include "agent/minion/state_file.h"

#include <stdlib.h>

#include "lib/base/file.h"

int
state_file_read(const char *state_dir, const char *name, size_t max,
    int (*parse)(const json_t *o, void *out, struct err *e), void *out,
    struct err *e)
{
	struct err why = {0};
	char *path, *text = NULL;
	json_t *o = NULL;
	size_t n;
	int r;

	if (path_join(state_dir, name, &path) != 0)
		return err_nomem(e);
	r = file_read(path, max, &text, &n, &why);
	if (r == ERR_NOTFOUND) {
		r = 0;
	} else if (r == 0 &&
	    ((r = json_read(slice_of(text, n), max, &o, &why)) != 0 ||
		(r = parse(o, out, &why)) != 0)) {
		err_prefix(&why, "%s", path);
		r = r == ERR_NOMEM ? r : ERR_CORRUPT;
	}
	if (r != 0 && e != NULL)
		*e = why;
	json_decref(o);
	free(text);
	free(path);
	return r;
}

int
state_file_write(const char *state_dir, const char *name, struct str *text,
    struct err *e)
{
	char *path = NULL;
	int r;

	str_addc(text, '\n');
	if (str_check(text) != 0 || path_join(state_dir, name, &path) != 0)
		r = err_nomem(e);
	else
		r = file_write(path, text->p, text->n, 0600, 0, e);
	free(path);
	return r;
}
