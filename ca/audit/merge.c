/* SPDX-License-Identifier: ISC */
/*
 * Another log of the realm, taken in beside this one.  Its objects keep their
 * names below logs/NAME/, so whoever audits this log finds it and audits it as
 * a log of its own; nothing of it has to be believed here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/audit_impl.h"
#include "lib/base/file.h"
#include "lib/base/plural.h"

#define GROUP_ITEMS 64
#define GROUP_BYTES (8 * 1024 * 1024)

struct copying {
	struct blob_store *from, *to;
	const char *name;
	struct strs keys;
	struct blob_item items[GROUP_ITEMS];
	char *names[GROUP_ITEMS];
	uint8_t *data[GROUP_ITEMS];
	size_t n, bytes;
	struct audit_merged *out;
};

static int
on_key(void *ctx, const struct blob_info *info)
{
	struct copying *c = ctx;

	/* Versions and markers were findings, or are older heads. */
	if (info->deleted || info->other || !info->latest)
		return 0;
	return strs_add(&c->keys, info->key);
}

static void
forget(struct copying *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->names[i]);
		free(c->data[i]);
	}
	c->n = c->bytes = 0;
}

static int
flush(struct copying *c, struct err *e)
{
	int r = c->n > 0
	    ? audit_of_store(blob_put_many(c->to, c->items, c->n, e))
	    : 0;

	for (size_t i = 0; i < c->n && r == 0; i++) {
		c->out->objects++;
		c->out->foreign += c->items[i].result == BLOB_FOREIGN;
	}
	forget(c);
	return r;
}

static unsigned
flags_of(const char *key)
{
	struct tile t;

	if (strcmp(key, "checkpoint") == 0)
		return BLOB_MUTABLE;
	return tile_parse_path(key, &t) == 0 && t.width < TILE_WIDTH
	    ? BLOB_PARTIAL
	    : 0;
}

static int
copy(struct copying *c, const char *key, struct err *e)
{
	uint8_t *data = NULL;
	char *name = NULL;
	size_t n;
	int r;

	r = audit_of_store(blob_get(c->from, key, BLOB_OBJECT_MAX, &data, &n,
	    e));
	if (r != 0)
		return r;
	if (path_joinf(&name, "logs/%s/%s", c->name, key) != 0) {
		free(data);
		return err_nomem(e);
	}
	c->names[c->n] = name;
	c->data[c->n] = data;
	c->items[c->n++] = (struct blob_item){.key = name,
	    .data = slice_of(data, n),
	    .flags = flags_of(key),
	    .content_type =
		strncmp(key, "checkpoint", 10) == 0 ? "text/plain" : NULL};
	c->bytes += n;
	return c->n == GROUP_ITEMS || c->bytes > GROUP_BYTES ? flush(c, e) : 0;
}

/* Heads last, and `checkpoint` after all: until it is there the log is what it
 * was before. */
static int
copy_all(struct copying *c, struct err *e)
{
	static const char *const prefixes[] = {
	    "policy/", "krl/", "tile/", "records/", "checkpoints/"};
	int r = 0;

	for (size_t i = 0; i < 5 && r == 0; i++)
		if ((r = audit_of_store(blob_list(c->from, prefixes[i], on_key,
			 c, e))) == ERR_NOMEM)
			(void)err_nomem(e);
	for (size_t i = 0; i < c->keys.n && r == 0; i++)
		r = copy(c, c->keys.v[i], e);
	if (r == 0 && (r = flush(c, e)) == 0 &&
	    (r = copy(c, "checkpoint", e)) == 0)
		r = flush(c, e);
	forget(c);
	strs_clear(&c->keys);
	return r;
}

/* What was merged before: its head must be a beginning of what comes. */
static int
merged_head(struct blob_store *to, const char *name, uint8_t **note, size_t *n,
    struct err *e)
{
	char *key = NULL;
	int r;

	if (path_joinf(&key, "logs/%s/checkpoint", name) != 0)
		return err_nomem(e);
	r = audit_of_store(blob_get(to, key, NOTE_MAX, note, n, e));
	free(key);
	return r == ERR_NOTFOUND ? 0 : r;
}

/* The log's name, as its checkpoint says. */
static int
peek_name(struct blob_store *from, const struct hash *realm,
    char out[ID_MAX + 1], struct err *e)
{
	uint8_t *note = NULL;
	char origin[ORIGIN_MAX], text[ORIGIN_MAX] = "";
	const char *slash;
	size_t n, len;
	int r;

	r = audit_of_store(blob_get(from, "checkpoint", NOTE_MAX, &note, &n,
	    e));
	if (r != 0)
		return r;
	len = strcspn((const char *)note, "\n");
	if (len < n && len < sizeof(text)) {
		memcpy(text, note, len);
		text[len] = '\0';
	}
	free(note);
	slash = strrchr(text, '/');
	if (slash == NULL || strlen(slash + 1) > ID_MAX ||
	    log_origin(realm, slash + 1, origin) != 0 ||
	    strcmp(origin, text) != 0)
		return err_set(e, ERR_DENIED, "%s is no log of this realm",
		    blob_url(from));
	(void)snprintf(out, ID_MAX + 1, "%s", slash + 1);
	return 0;
}

static int
verify(const struct audit_merge *m, const char *name, struct slice before,
    struct audit_report *report, struct audit_merged *out, struct err *e)
{
	struct audit_config c = {.url = m->from,
	    .blob = m->from_blob,
	    .realm = m->realm,
	    .since_note = before,
	    .all = true,
	    .name = name};
	const struct audit_part *p;
	int r;

	if ((r = audit_verify(&c, report, e)) != 0)
		return r;
	for (size_t i = 0; i < report->n; i++)
		if (strcmp(report->v[i].kind, "fork") == 0 ||
		    strcmp(report->v[i].kind, "rollback") == 0)
			return err_set(e, ERR_ROLLBACK,
			    "%s: %s: what was merged before is not a "
			    "beginning of it",
			    report->v[i].object, report->v[i].text);
	if (report->n_findings > 0)
		return err_set(e, ERR_DENIED,
		    "%llu %s in %s, the first: %s: %s",
		    (unsigned long long)report->n_findings,
		    text_plural(report->n_findings, "finding", "findings"),
		    m->from, report->n > 0 ? report->v[0].object : "",
		    report->n > 0 ? report->v[0].text : "");
	p = &report->parts[0];
	out->leaves = p->counts.leaves;
	out->certificates = p->counts.certificates;
	out->new_certificates = p->fresh;
	out->new_leaves = p->counts.leaves - p->since;
	return 0;
}

int
audit_merge(const struct audit_merge *m, struct audit_report *report,
    struct audit_merged *out, struct err *e)
{
	struct copying c = {.from = NULL};
	uint8_t *before = NULL;
	size_t n = 0;
	int r;

	memset(out, 0, sizeof(*out));
	if ((r = blob_open(m->from, m->from_blob, &c.from, e)) != 0 ||
	    (r = blob_open(m->to, m->to_blob, &c.to, e)) != 0 ||
	    (r = peek_name(c.from, &m->realm, out->name, e)) != 0)
		goto out;
	if (strcmp(out->name, m->own_name) == 0) {
		r = err_set(e, ERR_DENIED,
		    "%s is log '%s', as is the one that would take it", m->from,
		    out->name);
		goto out;
	}
	if ((r = merged_head(c.to, out->name, &before, &n, e)) != 0 ||
	    (r = verify(m, out->name, slice_of(before, n), report, out, e)) !=
		0)
		goto out;
	c.name = out->name;
	c.out = out;
	r = copy_all(&c, e);
out:
	free(before);
	blob_close(c.from);
	blob_close(c.to);
	return r;
}
