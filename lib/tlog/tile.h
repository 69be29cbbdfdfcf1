/* SPDX-License-Identifier: ISC */
/*
 * Tiles (C2SP tlog-tiles): paths, which tiles a tree of a size has, entry
 * bundles.  Pure.
 */
#ifndef LIB_TLOG_TILE_H
#define LIB_TLOG_TILE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/crypto/hash.h"

#define TILE_WIDTH    256
#define TILE_ENTRIES  64	/* "level" of entry bundles in struct tile */
#define TILE_PATH_MAX 64

struct tile {
	unsigned level;		/* 0..63, or TILE_ENTRIES */
	uint64_t index;
	unsigned width;		/* 1..256; below 256: partial */
};

/* "tile/0/x001/x234/067.p/8", "tile/entries/000". */
void tile_path(const struct tile *t, char out[TILE_PATH_MAX]);
/* The inverse, canonical forms alone.  ERR_PARSE. */
int  tile_parse_path(const char *path, struct tile *out) MUST_CHECK;
/* How wide is tile `index` of `level` (or entries) in a tree of size leaves?
 * 0: there is none. */
unsigned tile_width(unsigned level, uint64_t index, uint64_t size);
/* Levels of tiles a tree of that size has (0 for an empty one). */
unsigned tile_levels(uint64_t size);

/* Append one entry: uint16 length and bytes.  ERR_LIMIT: above 65,535, or the
 * maximum of b; ERR_NOMEM.  On failure nothing was appended. */
int entries_put(struct buf *b, struct slice entry) MUST_CHECK;
/* The next entry off the front of a bundle.  ERR_PARSE. */
int entries_get(struct view *v, struct slice *out) MUST_CHECK;

#endif
