/* SPDX-License-Identifier: ISC */
#include "ca/client/unsent.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/cli/cli.h"
#include "lib/statement/statement.h"

int
unsent_submit(struct remote *r, const struct strs *statements, int *status,
    json_t **results, struct err *e)
{
	const json_t *list = NULL;
	struct str call = STR_INIT;
	json_t *body = NULL;
	struct jw w;
	int rc;

	jw_init(&w, &call, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", "submit");
	jw_strs(&w, "statements", statements);
	jw_end(&w, '}');
	if ((rc = remote_call(r, &call, LINK_CALL_MS, status, &body, e)) != 0)
		return rc;
	rc = json_array_of(body, "results", 0, SUBMIT_MAX, &list, e);
	if (rc == 0 && json_array_size(list) != statements->n)
		rc = err_set(e, ERR_PARSE, "%zu results for %zu statements",
		    json_array_size(list), statements->n);
	if (rc == 0)
		*results = json_incref((json_t *)(uintptr_t)list);
	else
		err_prefix(e, "%s: submit", r->profile.ca);
	json_decref(body);
	return rc;
}

int
unsent_keep(const struct profile *p, const char *text, struct err *e)
{
	char hex[HASH_HEX], *path = NULL;
	struct hash h;
	int rc;

	if ((rc = profile_mkdir(p, "unsent", e)) != 0)
		return rc;
	hash_sha256(text, strlen(text), &h);
	hash_hex(&h, hex);
	if (path_joinf(&path, "%s/unsent/%s", p->dir, hex) != 0)
		return err_nomem(e);
	rc = file_write(path, text, strlen(text), 0600, 0, e);
	free(path);
	return rc;
}

/* --- sending them --------------------------------------------------------- */

static int
list_kept(const struct profile *p, struct strs *paths, struct err *e)
{
	struct dirent *entry;
	char *dir = NULL;
	DIR *d;
	int rc;

	if ((rc = profile_path(p, "unsent", &dir, e)) != 0)
		return rc;
	d = opendir(dir);
	while (d != NULL && rc == 0 && paths->n < SUBMIT_MAX &&
	    (entry = readdir(d)) != NULL) {
		char *path = NULL;

		if (entry->d_name[0] == '.')
			continue;
		if (path_join(dir, entry->d_name, &path) != 0 ||
		    strs_add(paths, path) != 0)
			rc = err_nomem(e);
		free(path);
	}
	if (d != NULL)
		(void)closedir(d);
	free(dir);
	strs_sort(paths);
	return rc;
}

static int
read_kept(struct strs *paths, struct strs *texts, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < paths->n && rc == 0; i++) {
		char *text = NULL;
		size_t n = 0;

		if ((rc = file_read(paths->v[i], STATEMENT_MAX, &text, &n,
			 e)) == 0 &&
		    strs_addn(texts, text, n) != 0)
			rc = err_nomem(e);
		free(text);
	}
	return rc;
}

static void
tell(struct remote *r, const char *path, const json_t *result)
{
	const char *type = json_string_value(json_object_get(result, "type"));
	json_int_t status =
	    json_integer_value(json_object_get(result, "status"));
	struct err why = {0};
	struct str s = STR_INIT;

	str_addf(&s, "a %s that could not be sent before ",
	    type != NULL && text_is_clean(type, strlen(type), NULL)
		? type
		: "statement");
	if (link_error(result, (int)status, &why) == 0) {
		str_add(&s, "was sent now");
		(void)unlink(path);
	} else if (status == EXIT_RECORD || status == EXIT_SYSTEM) {
		str_addf(&s, "is still kept: %s", why.msg);
	} else {
		str_addf(&s, "came to nothing: %s", why.msg);
		(void)unlink(path);
	}
	r->say(r->ctx, s.p);
	str_clear(&s);
}

int
unsent_flush(struct remote *r, struct err *e)
{
	struct strs paths = {0}, texts = {0};
	json_t *results = NULL;
	int rc;

	if ((rc = list_kept(&r->profile, &paths, e)) != 0 || paths.n == 0 ||
	    (rc = read_kept(&paths, &texts, e)) != 0)
		goto out;
	if ((rc = unsent_submit(r, &texts, NULL, &results, e)) != 0)
		goto out;
	for (size_t i = 0; i < paths.n; i++)
		tell(r, paths.v[i], json_array_get(results, i));
out:
	json_decref(results);
	strs_clear(&paths);
	strs_clear(&texts);
	return rc;
}
