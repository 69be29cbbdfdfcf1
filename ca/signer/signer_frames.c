/* SPDX-License-Identifier: ISC */
/* All payloads but SIGN, which has a file of its own. */
#include "ca/signer/signer_frames.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/proc/frame.h"

static int
malformed(struct err *e, int r, const char *what)
{
	return err_set(e, r, "frame of a %s: %s", what, err_text(r));
}

/* --- SIGNED --------------------------------------------------------------- */

int
signed_frame_encode(struct slice note, const struct signer_job *jobs, size_t n,
    struct buf *out)
{
	int r;

	if ((r = buf_put_string(out, note.p, note.n)) != 0 ||
	    (r = buf_put_u32(out, (uint32_t)n)) != 0)
		return r;
	for (size_t i = 0; i < n && r == 0; i++)
		r = buf_put_buf(out, jobs[i].cert);
	return r;
}

static int
read_certs(struct view *v, struct signer_job *jobs, size_t n)
{
	struct slice cert;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		if ((r = view_get_string(v, &cert)) != 0)
			break;
		if (cert.n == 0 || cert.n > CERT_MAX)
			r = ERR_PARSE;
		else if ((r = buf_new(&jobs[i].cert, CERT_MAX)) == 0)
			r = buf_put_slice(jobs[i].cert, cert);
	}
	return r != 0 ? r : view_end(v);
}

int
signed_frame_parse(struct slice payload, struct signer_job *jobs, size_t n,
    struct str *note, struct err *e)
{
	struct view v = view_slice(payload);
	struct slice text;
	uint32_t count;
	int r;

	if ((r = view_get_string(&v, &text)) != 0 ||
	    (r = view_get_u32(&v, &count)) != 0)
		return malformed(e, r, "signed batch");
	if (text.n > NOTE_MAX || count != n)
		return malformed(e, ERR_PARSE, "signed batch");
	if ((r = read_certs(&v, jobs, n)) == 0) {
		str_addn(note, (const char *)text.p, text.n);
		r = str_check(note);
	}
	for (size_t i = 0; r != 0 && i < n; i++) {
		buf_free(jobs[i].cert);
		jobs[i].cert = NULL;
	}
	return r != 0 ? malformed(e, r, "signed batch") : 0;
}

/* --- SEEN ----------------------------------------------------------------- */

int
seen_frame_encode(const struct seen_frame *s, struct buf *out)
{
	const struct checkpoint *head = &s->seen.head;
	int r;

	if ((r = buf_put_u64(out, head->size)) != 0 ||
	    (r = buf_put_string(out, head->root.b, HASH_LEN)) != 0 ||
	    (r = buf_put_u64(out, s->seen.root_version)) != 0 ||
	    (r = buf_put_u64(out, s->seen.policy_version)) != 0 ||
	    (r = buf_put_u64(out, s->seen.krl_version)) != 0 ||
	    (r = buf_put_string(out, s->user_ca.p, s->user_ca.n)) != 0 ||
	    (r = buf_put_string(out, s->host_ca.p, s->host_ca.n)) != 0)
		return r;
	return buf_put_string(out, s->log.p, s->log.n);
}

int
seen_frame_parse(struct slice payload, struct seen_frame *out, struct err *e)
{
	struct view v = view_slice(payload);
	struct seen_frame s;
	struct slice root;

	memset(&s, 0, sizeof(s));
	if (view_get_u64(&v, &s.seen.head.size) != 0 ||
	    view_get_string(&v, &root) != 0 || root.n != HASH_LEN ||
	    view_get_u64(&v, &s.seen.root_version) != 0 ||
	    view_get_u64(&v, &s.seen.policy_version) != 0 ||
	    view_get_u64(&v, &s.seen.krl_version) != 0 ||
	    view_get_string(&v, &s.user_ca) != 0 ||
	    view_get_string(&v, &s.host_ca) != 0 ||
	    view_get_string(&v, &s.log) != 0 || view_end(&v) != 0)
		return malformed(e, ERR_PARSE, "signer's state");
	memcpy(s.seen.head.root.b, root.p, HASH_LEN);
	*out = s;
	return 0;
}

/* --- POLICY --------------------------------------------------------------- */

static int
put_roots(const struct bundle_chain *c, struct buf *out)
{
	int r = buf_put_u32(out, (uint32_t)c->n_roots);

	for (size_t i = 0; i < c->n_roots && r == 0; i++) {
		struct slice file = c->root_files[i];
		struct slice statement = c->root_statements[i];

		if ((r = buf_put_string(out, file.p, file.n)) == 0)
			r = buf_put_string(out, statement.p, statement.n);
	}
	return r;
}

int
policy_frame_encode(const struct bundle_chain *c, bool past, struct buf *out)
{
	int r;

	if ((r = buf_put_u8(out, past)) != 0 || (r = put_roots(c, out)) != 0 ||
	    (r = buf_put_string(out, c->statement.p, c->statement.n)) != 0 ||
	    (r = buf_put_string(out, c->manifest.p, c->manifest.n)) != 0 ||
	    (r = buf_put_u32(out, (uint32_t)c->files.n)) != 0)
		return r;
	for (size_t i = 0; i < c->files.n && r == 0; i++) {
		const struct policy_file *f = &c->files.v[i];

		if ((r = buf_put_cstring(out, f->path)) == 0)
			r = buf_put_string(out, f->data, f->n);
	}
	return r;
}

/* A string of at most max bytes, as a copy that the chain owns. */
static int
get_owned(struct view *v, size_t max, struct slice *out)
{
	struct slice s;
	char *p;
	int r;

	if ((r = view_get_string(v, &s)) != 0)
		return r;
	if (s.n > max)
		return ERR_LIMIT;
	if ((p = str_dupn(s.p, s.n)) == NULL)
		return ERR_NOMEM;
	*out = slice_of(p, s.n);
	return 0;
}

static int
get_roots(struct view *v, struct bundle_chain *c)
{
	uint32_t n;
	int r;

	if ((r = view_get_u32(v, &n)) != 0)
		return r;
	if (n > BUNDLE_ROOTS_MAX)
		return ERR_LIMIT;
	for (uint32_t i = 0; i < n && r == 0; i++) {
		r = get_owned(v, POLICY_FILE_MAX, &c->root_files[i]);
		if (r != 0)
			break;
		c->n_roots++; /* from here on cleared with the chain */
		r = get_owned(v, STATEMENT_MAX, &c->root_statements[i]);
	}
	return r;
}

static int
get_files(struct view *v, struct policy_files *out)
{
	struct slice data;
	char *path = NULL;
	uint32_t n;
	int r;

	if ((r = view_get_u32(v, &n)) != 0)
		return r;
	for (uint32_t i = 0; i < n && r == 0; i++) {
		if ((r = view_get_cstring(v, &path)) != 0)
			break;
		if ((r = view_get_string(v, &data)) == 0)
			r = data.n <= POLICY_FILE_MAX
			    ? policy_files_add(out, path, data.p, data.n)
			    : ERR_LIMIT;
		free(path);
		path = NULL;
	}
	return r;
}

int
policy_frame_parse(struct slice payload, bool *past, struct bundle_chain **out,
    struct err *e)
{
	struct view v = view_slice(payload);
	struct bundle_chain *c;
	uint8_t which;
	int r;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_nomem(e);
	if ((r = view_get_u8(&v, &which)) != 0 ||
	    (r = which > 1 ? ERR_PARSE : 0) != 0 ||
	    (r = get_roots(&v, c)) != 0 ||
	    (r = get_owned(&v, STATEMENT_MAX, &c->statement)) != 0 ||
	    (r = get_owned(&v, BUNDLE_MANIFEST_MAX, &c->manifest)) != 0 ||
	    (r = get_files(&v, &c->files)) != 0 || (r = view_end(&v)) != 0) {
		bundle_chain_clear(c);
		free(c);
		return malformed(e, r, "policy");
	}
	*past = which == 1;
	*out = c;
	return 0;
}

/* --- ACT ------------------------------------------------------------------ */

int
act_owners_add(struct act_owners *o, uint64_t serial, const char *person)
{
	int r;

	if ((r = vec_grow(&o->serials, o->n, &o->cap, ACT_OWNERS_MAX)) != 0 ||
	    (r = strs_add(&o->persons, person)) != 0)
		return r;
	o->serials[o->n++] = serial;
	return 0;
}

const char *
act_owner(void *ctx, uint64_t serial)
{
	const struct act_owners *o = ctx;

	for (size_t i = 0; i < o->n; i++)
		if (o->serials[i] == serial)
			return o->persons.v[i];
	return NULL;
}

void
act_owners_clear(struct act_owners *o)
{
	free(o->serials);
	strs_clear(&o->persons);
	memset(o, 0, sizeof(*o));
}

int
act_frame_encode(struct slice statement, const struct act_owners *o,
    struct buf *out)
{
	int r;

	if ((r = buf_put_string(out, statement.p, statement.n)) != 0 ||
	    (r = buf_put_u32(out, (uint32_t)o->n)) != 0)
		return r;
	for (size_t i = 0; i < o->n && r == 0; i++)
		if ((r = buf_put_u64(out, o->serials[i])) == 0)
			r = buf_put_cstring(out, o->persons.v[i]);
	return r;
}

static int
get_owners(struct view *v, struct act_owners *o)
{
	uint64_t serial;
	char *person;
	uint32_t n;
	int r;

	if ((r = view_get_u32(v, &n)) != 0)
		return r;
	for (uint32_t i = 0; i < n && r == 0; i++) {
		if ((r = view_get_u64(v, &serial)) != 0 ||
		    (r = view_get_cstring(v, &person)) != 0)
			break;
		r = id_is_valid(person) ? act_owners_add(o, serial, person)
					: ERR_PARSE;
		free(person);
	}
	return r != 0 ? r : view_end(v);
}

int
act_frame_parse(struct slice payload, struct slice *statement,
    struct act_owners *out, struct err *e)
{
	struct view v = view_slice(payload);
	struct act_owners o = {0};
	int r;

	if ((r = view_get_string(&v, statement)) != 0 ||
	    (r = get_owners(&v, &o)) != 0) {
		act_owners_clear(&o);
		return malformed(e, r, "key statement or revocation");
	}
	*out = o;
	return 0;
}
