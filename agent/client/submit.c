/* SPDX-License-Identifier: ISC */
#include "agent/client/submit.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/trust/fleet_job.h"

#define TARGETS_SUFFIX ".targets"

/* --- sending -------------------------------------------------------------- */

static int
read_result(const json_t *body, struct submitted *out, struct err *e)
{
	const json_t *list = NULL, *one;
	int r;

	if ((r = json_array_of(body, "results", 0, MASTER_SUBMIT_MAX, &list,
		 e)) != 0)
		return r;
	one = json_array_get(list, 0);
	if (json_array_size(list) != 1 || !json_is_object(one))
		return err_set(e, ERR_PARSE, "%zu results for one statement",
		    json_array_size(list));
	*out = (struct submitted){0};
	if (link_error(one, 1, &out->error) != 0)
		return 0;
	out->has_index = json_object_get(one, "index") != NULL;
	return json_u64(one, "index", JSON_OPTIONAL, 0, UINT64_MAX, &out->index,
	    e);
}

int
master_submit(struct master *m, struct slice statement, const char *targets,
    struct submitted *out, struct err *e)
{
	struct str call = STR_INIT;
	json_t *body = NULL;
	struct jw w;
	int r;

	jw_init(&w, &call, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", "submit");
	jw_begin(&w, "statements", '[');
	jw_strn(&w, NULL, (const char *)statement.p, statement.n);
	jw_end(&w, ']');
	if (targets != NULL)
		jw_str(&w, "targets", targets);
	jw_end(&w, '}');
	if ((r = master_call(m, &call, NULL, &body, e)) == 0 &&
	    (r = read_result(body, out, e)) != 0)
		err_prefix(e, "%s: submit", m->address);
	json_decref(body);
	return r;
}

/* --- keeping -------------------------------------------------------------- */

int
master_keep(const char *dir, struct slice statement, const char *targets,
    char **path, struct err *e)
{
	char hex[HASH_HEX], *sub = NULL, *file = NULL, *beside = NULL;
	struct hash h;
	int r;

	hash_sha256(statement.p, statement.n, &h);
	hash_hex(&h, hex);
	if (path_join(dir, "unsent", &sub) != 0 ||
	    path_join(sub, hex, &file) != 0 ||
	    path_joinf(&beside, "%s" TARGETS_SUFFIX, file) != 0) {
		r = err_nomem(e);
		goto out;
	}
	/* The statement is what is looked for, so it comes last. */
	if ((r = file_mkdirs(sub, 0700, e)) != 0 ||
	    (targets != NULL &&
		(r = file_write(beside, targets, strlen(targets), 0600, 0,
		     e)) != 0) ||
	    (r = file_write(file, statement.p, statement.n, 0600, 0, e)) != 0)
		goto out;
	*path = file;
	file = NULL;
out:
	free(sub);
	free(file);
	free(beside);
	return r;
}

/* --- sending what was kept ------------------------------------------------ */

static bool
is_hash(const char *name)
{
	struct hash h;

	return hex_decode(name, strlen(name), h.b, HASH_LEN) == 0;
}

static int
list_kept(const char *dir, struct strs *paths, struct err *e)
{
	struct dirent *entry;
	char *sub = NULL;
	int r = 0;
	DIR *d;

	if (path_join(dir, "unsent", &sub) != 0)
		return err_nomem(e);
	d = opendir(sub);
	while (d != NULL && r == 0 && paths->n < MASTER_SUBMIT_MAX &&
	    (entry = readdir(d)) != NULL) {
		char *path = NULL;

		if (!is_hash(entry->d_name))
			continue;
		if (path_join(sub, entry->d_name, &path) != 0 ||
		    strs_add(paths, path) != 0)
			r = err_nomem(e);
		free(path);
	}
	if (d != NULL)
		(void)closedir(d);
	free(sub);
	strs_sort(paths);
	return r;
}

/* Taken, refused for good, or to be tried again? */
static bool
tell(struct master *m, const char *text, const struct submitted *done)
{
	struct statement s;
	struct str line = STR_INIT;
	const char *type = "statement";
	bool keep = done->error.code == ERR_RECORD ||
	    done->error.code == ERR_SYS || done->error.code == ERR_BUSY;

	statement_init(&s, ST_ACCEPT);
	if (statement_parse("kept", slice_of(text, strlen(text)), &s, NULL) ==
	    0)
		type = statement_type_name(s.type);
	str_addf(&line, "a %s that could not be sent before ", type);
	if (done->error.code == ERR_OK)
		str_add(&line, "was sent now");
	else
		str_addf(&line, "%s: %s",
		    keep ? "is still kept" : "came to nothing",
		    done->error.msg);
	if (m->say != NULL)
		m->say(m->ctx, line.p);
	str_clear(&line);
	statement_clear(&s);
	return !keep;
}

static int
send_kept(struct master *m, const char *path, struct err *e)
{
	char *text = NULL, *targets = NULL, *beside = NULL;
	struct submitted done = {0};
	size_t n = 0;
	int r;

	if (path_joinf(&beside, "%s" TARGETS_SUFFIX, path) != 0)
		return err_nomem(e);
	if ((r = file_read(path, STATEMENT_MAX, &text, &n, e)) != 0 ||
	    (file_exists(beside) &&
		(r = file_read(beside, TARGETS_MAX, &targets, &n, e)) != 0) ||
	    (r = master_submit(m, slice_str(text), targets, &done, e)) != 0)
		goto out;
	if (tell(m, text, &done)) {
		(void)unlink(path);
		(void)unlink(beside);
	}
out:
	free(text);
	free(targets);
	free(beside);
	return r;
}

int
master_send_kept(struct master *m, const char *dir, struct err *e)
{
	struct strs paths = {0};
	int r = list_kept(dir, &paths, e);

	for (size_t i = 0; i < paths.n && r == 0; i++)
		r = send_kept(m, paths.v[i], e);
	strs_clear(&paths);
	return r;
}
