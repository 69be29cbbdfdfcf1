/* SPDX-License-Identifier: ISC */
/*
 * The objects of a log: which are there, in how many versions, and which of
 * them nobody should have put there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/audit_impl.h"
#include "ca/audit/past.h"

#define OBJECTS_MAX (SIZE_MAX / 256)

/* --- listing ------------------------------------------------------------- */

struct listing {
	struct audit *a;
	char *key, *version; /* the item before */
	bool deleted, kept;  /* it; and is it among a->versions already? */
	bool fresh;          /* the item at hand has a key of its own */
	bool elsewhere;      /* accounted for by another audit */
	int (*each)(struct listing *l, const struct blob_info *info);
};

static int
version_add(struct audit *a, const char *key, const char *version, bool deleted)
{
	struct version_seen *v;
	int r;

	r = vec_grow(&a->versions, a->n_versions, &a->cap_versions,
	    OBJECTS_MAX);
	if (r != 0)
		return r;
	v = &a->versions[a->n_versions];
	*v = (struct version_seen){.key = str_dup(key),
	    .version = str_dup(version),
	    .deleted = deleted};
	a->n_versions++;
	return v->key == NULL || v->version == NULL ? ERR_NOMEM : 0;
}

/*
 * Versions of a key come one after the other, the newest first.  `checkpoint`
 * is replaced by its writer, so its older ones are told and do not fail.
 */
static int
note_version(struct listing *l, const struct blob_info *info)
{
	struct audit *a = l->a;
	bool head = strcmp(info->key, "checkpoint") == 0;
	int r = 0;

	l->fresh = l->key == NULL || strcmp(l->key, info->key) != 0;
	if (info->deleted) {
		OBJECT_FINDING(a, STAGE_OBJECT, "version", info->key,
		    "has a delete marker (version %s)", info->version);
		r = version_add(a, info->key, info->version, true);
	} else if (!l->fresh) {
		if (!l->kept)
			r = version_add(a, l->key, l->version, l->deleted);
		if (r == 0)
			r = version_add(a, info->key, info->version, false);
		if (head)
			a->n_older++;
		else
			OBJECT_FINDING(a, STAGE_OBJECT, "version", info->key,
			    "has another version, %s, that was there before",
			    info->version);
	}
	l->kept = info->deleted || !l->fresh;
	l->deleted = info->deleted;
	free(l->key);
	free(l->version);
	l->key = str_dup(info->key);
	l->version = str_dup(info->version);
	return l->key == NULL || l->version == NULL ? ERR_NOMEM : r;
}

static int
on_item(void *ctx, const struct blob_info *info)
{
	struct listing *l = ctx;
	int r;

	if (l->elsewhere)
		return info->deleted ? 0 : l->each(l, info);
	if (info->other) {
		OBJECT_FINDING(l->a, STAGE_OBJECT, "foreign", info->key,
		    "is not a regular file");
		return 0;
	}
	if ((r = note_version(l, info)) != 0)
		return r;
	if (info->deleted)
		return 0;
	l->a->counts.objects++;
	return l->each(l, info);
}

static int
list(struct audit *a, const char *prefix,
    int (*each)(struct listing *l, const struct blob_info *info), struct err *e)
{
	struct listing l = {
	    .a = a, .each = each, .elsewhere = strcmp(prefix, "logs/") == 0};
	int r = blob_list(a->store, prefix, on_item, &l, e);

	free(l.key);
	free(l.version);
	if (r == ERR_NOMEM)
		return err_nomem(e);
	return r;
}

static void
foreign(struct audit *a, const char *key)
{
	OBJECT_FINDING(a, STAGE_OBJECT, "foreign", key,
	    "is no object of a log");
}

/* `checkpoint` with every version, and checkpoints/SIZE. */
static int
on_head(struct listing *l, const struct blob_info *info)
{
	struct audit *a = l->a;
	struct audit_head *h;
	uint64_t size;
	int r;

	if (strcmp(info->key, "checkpoint") != 0 &&
	    (strncmp(info->key, "checkpoints/", 12) != 0 ||
		parse_u64(info->key + 12, 0, AUDIT_LEAVES_MAX, &size) != 0)) {
		foreign(a, info->key);
		return 0;
	}
	r = vec_grow(&a->heads, a->n_heads, &a->cap_heads, OBJECTS_MAX);
	if (r != 0)
		return r;
	h = &a->heads[a->n_heads++];
	*h = (struct audit_head){.key = str_dup(info->key)};
	if (!l->fresh)
		h->version = str_dup(info->version);
	return h->key == NULL || (!l->fresh && h->version == NULL) ? ERR_NOMEM
								   : 0;
}

static int
on_tile(struct listing *l, const struct blob_info *info)
{
	struct audit *a = l->a;
	struct tile t;
	int r;

	if (tile_parse_path(info->key, &t) != 0) {
		foreign(a, info->key);
		return 0;
	}
	if (!l->fresh)
		return 0;
	r = vec_grow(&a->tiles, a->n_tiles, &a->cap_tiles, OBJECTS_MAX);
	if (r != 0)
		return r;
	a->tiles[a->n_tiles++] = (struct tile_seen){.level = (uint8_t)t.level,
	    .index = t.index,
	    .width = (uint16_t)t.width,
	    .bytes = info->size};
	return 0;
}

static int
on_file(struct listing *l, const struct blob_info *info)
{
	const char *name = strchr(info->key, '/') + 1;
	struct hash h;

	if (hash_from_hex(name, &h) != 0) {
		foreign(l->a, info->key);
		return 0;
	}
	return l->fresh ? strs_add(&l->a->files, info->key) : 0;
}

/* logs/NAME/... is audited as a log of its own. */
static int
on_log(struct listing *l, const struct blob_info *info)
{
	struct audit *a = l->a;
	const char *name = info->key + 5, *slash = strchr(name, '/');
	char text[ID_MAX + 1];
	size_t n = slash != NULL ? (size_t)(slash - name) : 0;

	if (n == 0 || n > ID_MAX || a->label[0] != '\0') {
		foreign(a, info->key);
		return 0;
	}
	memcpy(text, name, n);
	text[n] = '\0';
	if (a->logs.n > 0 && strcmp(a->logs.v[a->logs.n - 1], text) == 0)
		return 0;
	return strs_has(&a->logs, text) ? 0 : strs_add(&a->logs, text);
}

static int
tile_order(const void *x, const void *y)
{
	const struct tile_seen *a = x, *b = y;

	if (a->level != b->level)
		return a->level < b->level ? -1 : 1;
	if (a->index != b->index)
		return a->index < b->index ? -1 : 1;
	return a->width < b->width ? -1 : a->width > b->width;
}

int
audit_list(struct audit *a, struct err *e)
{
	int r;

	if ((r = list(a, "checkpoint", on_head, e)) != 0 ||
	    (r = list(a, "tile/", on_tile, e)) != 0 ||
	    (r = list(a, "policy/", on_file, e)) != 0 ||
	    (r = list(a, "krl/", on_file, e)) != 0 ||
	    (r = list(a, "logs/", on_log, e)) != 0)
		return r;
	if (a->n_older > 0)
		finding_add(a->r, a->label, STAGE_OBJECT, "version", true,
		    "checkpoint", AUDIT_NO_INDEX, "has %llu older versions",
		    (unsigned long long)a->n_older);
	if (a->n_tiles > 1)
		qsort(a->tiles, a->n_tiles, sizeof(*a->tiles), tile_order);
	return 0;
}

/* --- records ------------------------------------------------------------- */

bool
audit_record_name(const char *key, uint64_t *serial, bool *certificate)
{
	const char *base = strrchr(key, '/') + 1;
	size_t n = strspn(base, "0123456789");
	char digits[24];

	*certificate = strcmp(base + n, "-cert.pub") == 0;
	if ((!*certificate && strcmp(base + n, ".json") != 0) ||
	    n >= sizeof(digits))
		return false;
	memcpy(digits, base, n);
	digits[n] = '\0';
	return parse_u64(digits, 1, UINT64_MAX, serial) == 0;
}

/* records/YYYY/MM/DD/SERIAL.json and -cert.pub of leaves we know. */
static int
on_record(struct listing *l, const struct blob_info *info)
{
	const struct audit_issue *i;
	struct audit *a = l->a;
	uint64_t serial;
	bool certificate;

	if (!audit_record_name(info->key, &serial, &certificate)) {
		OBJECT_FINDING(a, STAGE_OBJECT, "foreign", info->key,
		    "is of no certificate of the log");
		return 0;
	}
	if ((i = audit_issue_of(a, serial)) == NULL)
		return strs_add(&a->early, info->key);
	if (i->known_path) {
		char path[ISSUE_PATH_MAX];

		issue_record_path(i->valid_after, i->serial,
		    certificate ? "-cert.pub" : ".json", path);
		if (strcmp(path, info->key) != 0)
			OBJECT_FINDING(a, STAGE_OBJECT, "foreign", info->key,
			    "is not where leaf %llu has its record, %s",
			    (unsigned long long)i->index, path);
	}
	if (certificate && i->certificate == AUDIT_NO_INDEX)
		return strs_add(&a->early, info->key);
	return 0;
}

int
audit_list_records(struct audit *a, struct err *e)
{
	return list(a, "records/", on_record, e);
}

/* --- reading ------------------------------------------------------------- */

static int
version_order(const void *key, const void *v)
{
	return strcmp(key, ((const struct version_seen *)v)->key);
}

static const struct version_seen *
first_version(const struct audit *a, const char *key)
{
	/* In the order of five listings, each sorted: few, so look at all. */
	for (size_t i = 0; i < a->n_versions; i++)
		if (version_order(key, &a->versions[i]) == 0)
			return &a->versions[i];
	return NULL;
}

bool
audit_has_versions(const struct audit *a, const char *key)
{
	return first_version(a, key) != NULL;
}

const char *
audit_version(const struct audit *a, const char *key, size_t nth)
{
	const struct version_seen *v = first_version(a, key);

	for (; v != NULL && v < a->versions + a->n_versions; v++) {
		if (strcmp(v->key, key) != 0)
			return NULL;
		if (!v->deleted && nth-- == 0)
			return v->version;
	}
	return NULL;
}

int
audit_get(struct audit *a, const char *key, size_t nth, size_t max,
    uint8_t **out, size_t *n, struct err *e)
{
	const char *version = NULL;
	int r;

	if (audit_has_versions(a, key)) {
		if ((version = audit_version(a, key, nth)) == NULL)
			return 1;
	} else if (nth > 0) {
		return 1;
	}
	r = version != NULL
	    ? blob_get_version(a->store, key, version, max, out, n, e)
	    : blob_get(a->store, key, max, out, n, e);
	if (r == ERR_NOTFOUND)
		return 1;
	return r == ERR_CORRUPT || r == ERR_LIMIT || r == ERR_PARSE
	    ? AUDIT_UNREADABLE
	    : r;
}

void
audit_tiles_of(const struct audit *a, unsigned level, uint64_t index,
    size_t *from, size_t *to)
{
	const struct tile_seen want = {
	    .level = (uint8_t)level, .index = index, .width = 0};
	size_t lo = 0, hi = a->n_tiles;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (tile_order(&a->tiles[mid], &want) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*from = *to = lo;
	while (*to < a->n_tiles && a->tiles[*to].level == level &&
	    a->tiles[*to].index == index)
		(*to)++;
}

const struct tile_seen *
audit_tile(const struct audit *a, unsigned level, uint64_t index,
    unsigned width)
{
	size_t from, to;

	audit_tiles_of(a, level, index, &from, &to);
	for (; from < to; from++)
		if (a->tiles[from].width >= width)
			return &a->tiles[from];
	return NULL;
}

/* --- policy/ and krl/ ----------------------------------------------------- */

int
audit_file(struct audit *a, const char *dir, const struct hash *h, size_t max,
    uint64_t index, struct str *out, struct err *e)
{
	char key[80], hex[HASH_HEX];
	uint8_t *bytes = NULL;
	struct err why = {0};
	struct hash got;
	size_t n = 0, nth = 0;
	int r;

	hash_hex(h, hex);
	(void)snprintf(key, sizeof(key), "%s/%s", dir, hex);
	while ((r = audit_get(a, key, nth++, max, &bytes, &n, &why)) == 0) {
		hash_sha256(bytes, n, &got);
		if (hash_equal(&got, h)) {
			str_addn(out, (const char *)bytes, n);
			r = str_check(out);
			free(bytes);
			return r;
		}
		free(bytes);
		bytes = NULL;
	}
	if (r < 0) {
		if (e != NULL)
			*e = why;
		return r;
	}
	finding_add(a->r, a->label, STAGE_OBJECT,
	    nth == 1 && r == 1 ? "missing" : dir, false, key, AUDIT_NO_INDEX,
	    nth == 1 && r == 1 ? "is missing, leaf %llu refers to it"
			       : "does not hash to its name, leaf %llu refers "
				 "to it",
	    (unsigned long long)index);
	return 1;
}

static int
hash_order(const void *a, const void *b)
{
	return memcmp(a, b, HASH_LEN);
}

static int
check_file(struct audit *a, const char *key, struct err *e)
{
	struct hash want, got;
	uint8_t *bytes = NULL;
	size_t n;
	int r;

	r = hash_from_hex(strchr(key, '/') + 1, &want);
	if (r != 0)
		return r;
	if (a->n_refs == 0 ||
	    bsearch(&want, a->refs, a->n_refs, HASH_LEN, hash_order) == NULL) {
		if (a->grown == 0)
			OBJECT_FINDING(a, STAGE_OBJECT, "foreign", key,
			    "is referred to by no leaf");
		return 0;
	}
	if (strncmp(key, "krl/", 4) == 0 && past_has_list(a, &want))
		return 0;
	r = audit_get(a, key, 0, BLOB_OBJECT_MAX, &bytes, &n, e);
	if (r < 0)
		return r;
	if (r == 0)
		hash_sha256(bytes, n, &got);
	if (r != 0 || !hash_equal(&got, &want))
		OBJECT_FINDING(a, STAGE_OBJECT, "policy", key,
		    "does not hash to its name");
	free(bytes);
	return 0;
}

int
audit_check_files(struct audit *a, struct err *e)
{
	int r = 0;

	if (a->n_refs > 1)
		qsort(a->refs, a->n_refs, HASH_LEN, hash_order);
	for (size_t i = 0; i < a->files.n && r == 0; i++)
		r = check_file(a, a->files.v[i], e);
	return r;
}
