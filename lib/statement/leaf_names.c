/* SPDX-License-Identifier: ISC */
/* What the ledger indexes: the tag of a leaf, and the names that it goes by. */
#include <string.h>

#include "lib/statement/fields.h"
#include "lib/statement/leaf_impl.h"

uint64_t
leaf_serial(const struct hash *request)
{
	uint64_t v = 0;

	for (size_t i = 0; i < 8; i++)
		v = v << 8 | request->b[i];
	v &= INT64_MAX;
	return v != 0 ? v : 1;
}

void
leaf_serial_name(uint64_t serial, struct hash *name)
{
	memset(name->b, 0, sizeof(name->b));
	for (size_t i = 0; i < 8; i++)
		name->b[i] = (uint8_t)(serial >> (56 - 8 * i));
}

static const struct {
	uint8_t tag;
	enum statement_type type;
} statement_tags[] = {
    {LTAG_REQUEST, ST_REQUEST},
    {LTAG_DECISION, ST_DECISION},
    {LTAG_REVOKE, ST_REVOKE},
    {LTAG_KEY, ST_KEY},
    {LTAG_ROOT, ST_ROOT},
    {LTAG_POLICY, ST_POLICY},
    {LTAG_KRL, ST_KRL},
    {LTAG_FLEET, ST_FLEET},
    {LTAG_JOB, ST_JOB},
    {LTAG_ENROL, ST_ENROL},
    {LTAG_ACCEPT, ST_ACCEPT},
    {LTAG_REJECT, ST_REJECT},
    {LTAG_RENAME, ST_RENAME},
    {LTAG_FORGET, ST_FORGET},
    {LTAG_TOKEN, ST_TOKEN},
    {LTAG_RENEW, ST_RENEW},
    {LTAG_REPORT, ST_REPORT},
};
#define N_STATEMENT_TAGS (sizeof(statement_tags) / sizeof(statement_tags[0]))

uint8_t
leaf_tag_of_type(enum statement_type t)
{
	for (size_t i = 0; i < N_STATEMENT_TAGS; i++)
		if (statement_tags[i].type == t)
			return statement_tags[i].tag;
	return LTAG_OTHER;
}

/* The hash in `"request":"..."` of an issue or certificate leaf, in whose one
 * spelling no text of anybody's choosing comes before it. */
static bool
find_request(struct slice line, struct hash *out)
{
	static const char key[] = "\"request\":\"";
	const char *at;
	size_t left;

	at = memmem(line.p, line.n, key, sizeof(key) - 1);
	if (at == NULL)
		return false;
	at += sizeof(key) - 1;
	left = line.n - (size_t)((const uint8_t *)at - line.p);
	return left > 2 * HASH_LEN && at[2 * HASH_LEN] == '"' &&
	    hex_decode(at, 2 * HASH_LEN, out->b, HASH_LEN) == 0;
}

/* Does a decision name key statements?  The raw text `"keys"` may also be a
 * comment's, and escapes may spell it otherwise, so what looks like either is
 * read properly. */
static bool
names_keys(struct slice line)
{
	json_t *o = NULL;
	bool yes;

	if (memmem(line.p, line.n, "\"keys\"", 6) == NULL &&
	    memmem(line.p, line.n, "\\u", 2) == NULL)
		return false;
	yes = json_read(line, STATEMENT_MAX, &o, NULL) == 0 &&
	    json_object_get(o, "keys") != NULL;
	json_decref(o);
	return yes;
}

/* The type of a statement that people wrote by hand, keys in any order. */
static uint8_t
slow_tag(struct slice line)
{
	uint8_t tag = LTAG_OTHER;
	const char *type = NULL;
	json_t *o = NULL;

	if (line.n > 0 && line.p[0] == '{' &&
	    json_read(line, STATEMENT_MAX, &o, NULL) == 0 &&
	    json_str(o, "type", 0, ST_WORD_MAX, &type, NULL) == 0) {
		for (size_t i = 0; i < N_STATEMENT_TAGS; i++)
			if (strcmp(type,
				statement_type_name(statement_tags[i].type)) ==
			    0)
				tag = statement_tags[i].tag;
	}
	json_decref(o);
	return tag;
}

/* With its LF; empty where there is none. */
static struct slice
first_line(struct slice bytes)
{
	const uint8_t *lf = bytes.n > 0 ? memchr(bytes.p, '\n', bytes.n) : NULL;

	return slice_of(bytes.p, lf != NULL ? (size_t)(lf - bytes.p) + 1 : 0);
}

/* What a person's statement is, by its message; LTAG_OTHER if none of ours. */
static uint8_t
statement_tag(struct slice line)
{
	uint8_t tag = LTAG_OTHER;

	if (line.n == 0)
		return LTAG_OTHER;
	for (size_t i = 0; i < N_STATEMENT_TAGS; i++)
		if (leaf_has_type(line,
			statement_type_name(statement_tags[i].type)))
			tag = statement_tags[i].tag;
	if (tag == LTAG_OTHER)
		tag = slow_tag(line);
	if (tag == LTAG_DECISION && names_keys(line))
		tag = LTAG_KEY_DECISION;
	return tag;
}

void
leaf_classify(struct slice bytes, uint8_t *tag, struct hash *name)
{
	const struct leaf_own *own = leaf_own_of(bytes);
	struct slice line;
	struct hash request;

	*tag = LTAG_OTHER;
	if (own == NULL) {
		line = first_line(bytes);
		*tag = statement_tag(line);
		if (*tag != LTAG_OTHER)
			hash_sha256(line.p, line.n, name);
	} else if (own->kind == LEAF_TICK) {
		*tag = own->tag;
	} else if (find_request(bytes, &request)) {
		*tag = own->tag;
		leaf_serial_name(leaf_serial(&request), name);
	}
	if (*tag == LTAG_OTHER || *tag == LTAG_TICK)
		hash_sha256(bytes.p, bytes.n, name);
}

uint8_t
leaf_serial_of(struct slice bytes, uint64_t *serial)
{
	const struct leaf_own *own = leaf_own_of(bytes);
	struct hash request;

	*serial = 0;
	if (own == NULL || own->kind == LEAF_TICK ||
	    !find_request(bytes, &request))
		return LTAG_OTHER;
	*serial = leaf_serial(&request);
	return own->tag;
}

/* The hashes of an array of JSON strings. */
static void
add_hashes(const json_t *array,
    void (*add)(void *ctx, uint8_t tag, const struct hash *name), void *ctx)
{
	const json_t *item;
	struct hash h;
	size_t i;

	json_array_foreach (array, i, item) {
		const char *hex = json_string_value(item);

		if (hex != NULL && hash_from_hex(hex, &h) == 0)
			add(ctx, LTAG_DECIDES, &h);
	}
}

void
leaf_names(struct slice bytes,
    void (*add)(void *ctx, uint8_t tag, const struct hash *name), void *ctx)
{
	const json_t *outcome;
	struct slice line;
	json_t *o = NULL;
	uint8_t tag;
	size_t i;

	if (leaf_own_of(bytes) != NULL)
		return;
	line = first_line(bytes);
	tag = statement_tag(line);
	if ((tag != LTAG_DECISION && tag != LTAG_KEY_DECISION) ||
	    json_read(slice_of(line.p, line.n - 1), STATEMENT_MAX, &o, NULL) !=
		0)
		return;
	json_array_foreach (json_object_get(o, "outcomes"), i, outcome)
		add_hashes(json_object_get(outcome, "requests"), add, ctx);
	add_hashes(json_object_get(o, "keys"), add, ctx);
	json_decref(o);
}
