/* SPDX-License-Identifier: ISC */
/* The text form of a record. */
#include <stdlib.h>
#include <string.h>

#include "agent/states/record.h"
#include "lib/base/file.h"
#include "lib/base/json.h"

#define LIST_MAX   RECORD_FILES_MAX
#define PARAMS_MAX (1024 * 1024)

static void
write_file(struct jw *w, const struct rec_file *f)
{
	jw_begin(w, NULL, '{');
	jw_str(w, "path", f->path);
	jw_bool(w, "was", f->was);
	jw_bool(w, "takes_away", f->takes_away);
	if (f->was) {
		jw_u64(w, "size", f->size);
		jw_int(w, "mode", f->mode);
		jw_int(w, "uid", f->uid);
		jw_int(w, "gid", f->gid);
		jw_int(w, "mtime_ns", f->mtime_ns);
		jw_hex(w, "sha256", f->hash.b, HASH_LEN);
		jw_begin(w, "xattrs", '[');
		for (size_t i = 0; i < f->xattrs.n; i++) {
			jw_begin(w, NULL, '{');
			jw_str(w, "name", f->xattrs.v[i].name);
			jw_base64(w, "value", f->xattrs.v[i].value,
			    f->xattrs.v[i].n);
			jw_end(w, '}');
		}
		jw_end(w, ']');
	}
	jw_end(w, '}');
}

static void
write_state(struct jw *w, const struct rec_state *s)
{
	jw_begin(w, NULL, '{');
	jw_str(w, "id", s->id);
	jw_str(w, "kind", s->kind);
	jw_str(w, "params", s->params);
	jw_bool(w, "files", s->files);
	jw_bool(w, "snapshot", s->snapshot);
	jw_bool(w, "takes_away", s->takes_away);
	jw_end(w, '}');
}

static void
write_all(struct jw *w, const struct record *r)
{
	jw_begin(w, NULL, '{');
	jw_int(w, "v", 1);
	jw_u64(w, "run", r->number);
	jw_time(w, "at", r->at);
	jw_str(w, "host", r->host_id);
	jw_bool(w, "way_in", r->way_in);
	jw_int(w, "within", r->within);
	jw_strs(w, "dirs", &r->dirs);
	jw_begin(w, "files", '[');
	for (size_t i = 0; i < r->n_files; i++)
		write_file(w, &r->files[i]);
	jw_end(w, ']');
	jw_begin(w, "states", '[');
	for (size_t i = 0; i < r->n_states; i++)
		write_state(w, &r->states[i]);
	jw_end(w, ']');
	jw_end(w, '}');
}

int
record_write(const struct record *r, const char *dir, struct err *e)
{
	struct str s = STR_INIT;
	struct jw w;
	char *path = NULL;
	int res;

	jw_init(&w, &s, false);
	write_all(&w, r);
	str_addc(&s, '\n');
	if (str_check(&s) != 0 || path_join(dir, "record", &path) != 0)
		res = err_nomem(e);
	else
		res = file_write(path, s.p, s.n, 0600, 0, e);
	free(path);
	str_clear(&s);
	return res;
}

static int
read_xattr(const json_t *o, struct host_xattrs *x, struct err *e)
{
	struct host_xattr a = {0};
	const char *value = "";
	struct buf *b = NULL;
	int r;

	if ((r = json_strdup(o, "name", 0, 255, &a.name, e)) != 0 ||
	    (r = json_str(o, "value", JSON_EMPTY_OK, 2 * HOST_XATTRS_MAX,
		 &value, e)) != 0 ||
	    (r = buf_new(&b, HOST_XATTRS_MAX)) != 0 ||
	    (r = base64_decode(value, strlen(value), b)) != 0 ||
	    (r = vec_grow(&x->v, x->n, &x->cap, HOST_XATTRS_MAX)) != 0) {
		free(a.name);
		buf_free(b);
		return r;
	}
	buf_take(b, &a.value, &a.n);
	buf_free(b);
	x->v[x->n++] = a;
	return 0;
}

static int
read_was(const json_t *o, struct rec_file *f, struct err *e)
{
	int64_t mode = 0, uid = 0, gid = 0;
	const json_t *list = NULL;
	size_t i;
	json_t *x;
	int r;

	if ((r = json_u64(o, "size", 0, 0, HOST_FILE_MAX, &f->size, e)) != 0 ||
	    (r = json_int(o, "mode", 0, 0, 07777, &mode, e)) != 0 ||
	    (r = json_int(o, "uid", 0, 0, UINT32_MAX, &uid, e)) != 0 ||
	    (r = json_int(o, "gid", 0, 0, UINT32_MAX, &gid, e)) != 0 ||
	    (r = json_int(o, "mtime_ns", 0, INT64_MIN, INT64_MAX, &f->mtime_ns,
		 e)) != 0 ||
	    (r = json_hex(o, "sha256", 0, f->hash.b, HASH_LEN, e)) != 0 ||
	    (r = json_array_of(o, "xattrs", JSON_EMPTY_OK, HOST_XATTRS_MAX,
		 &list, e)) != 0)
		return r;
	f->mode = (mode_t)mode;
	f->uid = (uid_t)uid;
	f->gid = (gid_t)gid;
	json_array_foreach (list, i, x)
		if ((r = read_xattr(x, &f->xattrs, e)) != 0)
			return r;
	return 0;
}

static int
read_file(const json_t *o, struct record *r, struct err *e)
{
	struct rec_file *f;
	int res;

	if ((res = vec_grow(&r->files, r->n_files, &r->cap_files,
		 RECORD_FILES_MAX)) != 0)
		return res;
	f = &r->files[r->n_files++];
	*f = (struct rec_file){0};
	if ((res = json_strdup(o, "path", 0, HOST_PATH_MAX, &f->path, e)) !=
		0 ||
	    (res = json_bool(o, "was", 0, &f->was, e)) != 0 ||
	    (res = json_bool(o, "takes_away", 0, &f->takes_away, e)) != 0)
		return res;
	return f->was ? read_was(o, f, e) : 0;
}

static int
read_state(const json_t *o, struct record *r, struct err *e)
{
	struct rec_state *s;
	int res;

	if ((res = vec_grow(&r->states, r->n_states, &r->cap_states,
		 RECORD_FILES_MAX)) != 0)
		return res;
	s = &r->states[r->n_states++];
	*s = (struct rec_state){0};
	if ((res = json_strdup(o, "id", 0, 255, &s->id, e)) != 0 ||
	    (res = json_strdup(o, "kind", 0, 255, &s->kind, e)) != 0 ||
	    (res = json_strdup(o, "params", JSON_EMPTY_OK, PARAMS_MAX,
		 &s->params, e)) != 0 ||
	    (res = json_bool(o, "files", 0, &s->files, e)) != 0 ||
	    (res = json_bool(o, "snapshot", 0, &s->snapshot, e)) != 0)
		return res;
	return json_bool(o, "takes_away", 0, &s->takes_away, e);
}

static int
read_lists(const json_t *o, struct record *r, struct err *e)
{
	const json_t *files = NULL, *states = NULL;
	size_t i;
	json_t *x;
	int res;

	if ((res = json_array_of(o, "files", JSON_EMPTY_OK, LIST_MAX, &files,
		 e)) != 0 ||
	    (res = json_array_of(o, "states", JSON_EMPTY_OK, LIST_MAX, &states,
		 e)) != 0)
		return res;
	json_array_foreach (files, i, x)
		if ((res = read_file(x, r, e)) != 0)
			return res;
	json_array_foreach (states, i, x)
		if ((res = read_state(x, r, e)) != 0)
			return res;
	return 0;
}

static int
read_all(const json_t *o, struct record *r, struct err *e)
{
	int64_t v = 0;
	int res;

	if ((res = json_int(o, "v", 0, 1, 1, &v, e)) != 0 ||
	    (res = json_u64(o, "run", 0, 1, UINT64_MAX, &r->number, e)) != 0 ||
	    (res = json_time(o, "at", 0, &r->at, e)) != 0 ||
	    (res = json_strdup(o, "host", JSON_EMPTY_OK, 255, &r->host_id,
		 e)) != 0 ||
	    (res = json_bool(o, "way_in", 0, &r->way_in, e)) != 0 ||
	    (res = json_int(o, "within", 0, 0, INT32_MAX, &r->within, e)) !=
		0 ||
	    (res = json_strs(o, "dirs", JSON_EMPTY_OK, LIST_MAX, HOST_PATH_MAX,
		 &r->dirs, e)) != 0)
		return res;
	return read_lists(o, r, e);
}

int
record_read(const char *dir, struct record *out, struct err *e)
{
	struct record rec = {0};
	char *path, *text = NULL;
	json_t *o = NULL;
	size_t n;
	int r;

	if (path_join(dir, "record", &path) != 0)
		return err_nomem(e);
	if ((r = file_read(path, RECORD_MAX, &text, &n, e)) != 0)
		goto out;
	if ((r = json_read(slice_of(text, n), RECORD_MAX, &o, e)) != 0 ||
	    (r = read_all(o, &rec, e)) != 0) {
		err_prefix(e, "%s", path);
		if (r == ERR_PARSE || r == ERR_LIMIT)
			r = ERR_CORRUPT;
	}
out:
	if (r == 0)
		*out = rec;
	else
		record_clear(&rec);
	json_decref(o);
	free(text);
	free(path);
	return r;
}
