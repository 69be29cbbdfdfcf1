/* SPDX-License-Identifier: ISC */
/*
 * The meaning of a YAML tree, as tables: keyword, reader, place.
 *
 * A mapping with fixed keys is a table of struct conf_key and one call of
 * conf_map().  A reader turns the node of one key into a field of the object
 * and says what is wrong to in->diags, with the node's position; then it
 * leaves the field as it was.  Reading goes on after an error, so that all of
 * a file's faults are found at once; whether there were any is the diags' to
 * say.  Memory that runs out sets diags->failed.  Pure.
 */
#ifndef LIB_CONF_SCHEMA_H
#define LIB_CONF_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/str.h"
#include "lib/conf/diag.h"
#include "lib/conf/yaml.h"

struct conf_in {
	struct conf_diags *diags;
	void *ctx; /* the caller's */
};

struct conf_key {
	const char *name;
	void (*read)(struct conf_in *in, const struct conf_key *k,
	    const struct yaml_node *n, void *field);
	size_t offset; /* of the field in the object */
	bool required;
	const char *expect; /* "a span such as 8h": ends messages */
	int64_t min, max;   /* characters, entries, value, seconds */
	/* Of a text, or of each entry of a list; NULL: any.  False after it
	   has said what is wrong. */
	bool (*check)(struct conf_in *in, const struct yaml_node *n);
};

/*
 * Read a mapping into obj.  what and pos are for a mapping that is none and for
 * keys that are missing: ("a grant", where its name stands).
 */
void conf_map(struct conf_in *in, struct conf_pos pos, const char *what,
    const struct yaml_node *n, const struct conf_key *keys, size_t n_keys,
    void *obj);

/* Readers.  The type of the field, and what min and max are. */
void conf_text(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field); /* char *; characters */
void conf_texts(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field); /* struct strs, none twice */
void conf_unsigned(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field); /* unsigned; its value */
void conf_u64(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field); /* uint64_t; its value */
void conf_span(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field); /* int64_t seconds */
void conf_time(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field); /* int64_t; no limits */
void conf_fingerprint(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field); /* struct hash; "SHA256:..." */
void conf_bool(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field); /* yes no true false */

/* For readers of one's own. */
/* One word of a table, for an enum: its value; false after it has said what was
 * expected. */
struct conf_word {
	const char *text;
	int value;
};
bool conf_word(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, const struct conf_word *words, size_t n_words,
    int *out);
#define CONF_WORD(in, k, n, words, out) \
	conf_word((in), (k), (n), (words), sizeof(words) / sizeof((words)[0]), \
	    (out))
/* Is it of that kind?  Says what was expected, if not. */
bool conf_is(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, enum yaml_kind kind);
/* "'max' is 'x', expected ...": a value that is wrong. */
void conf_bad(
    struct conf_in *in, const struct conf_key *k, const struct yaml_node *n);
/* A list of k->min (0 or 1) to k->max entries? */
bool conf_is_list(
    struct conf_in *in, const struct conf_key *k, const struct yaml_node *n);
/* A mapping of k->min to k->max names to something? */
bool conf_is_map(
    struct conf_in *in, const struct conf_key *k, const struct yaml_node *n);
/* A list of texts, none twice, each passed by k->check. */
bool conf_is_texts(
    struct conf_in *in, const struct conf_key *k, const struct yaml_node *n);
void conf_nomem(struct conf_in *in);

#endif
