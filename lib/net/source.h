/* SPDX-License-Identifier: ISC */
/*
 * Where peers come from, and how many of them are let in before they have said
 * who they are.  Pure but for memory.
 *
 * A source is an IPv4 address or the /64 of an IPv6 one, since whoever has one
 * address of a /64 has them all.
 */
#ifndef LIB_NET_SOURCE_H
#define LIB_NET_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/base/err.h"

#define SOURCE_TEXT 46 /* of an address, with NUL */

struct source {
	uint8_t b[9];	/* 4 or 6, and the address that counts */
};
/* Of an IPv4 or IPv6 address, mapped IPv4 as IPv4; all others are one. */
void source_of(const struct sockaddr *sa, struct source *out);
/* The address itself, in text, without port; "unknown" for other families. */
void source_text(const struct sockaddr *sa, char out[SOURCE_TEXT]);

/* How many of each source there are. */
struct sources;
int	 sources_new(struct sources **out) MUST_CHECK;
void	 sources_free(struct sources *s); /* NULL allowed */
unsigned sources_count(const struct sources *s, const struct source *which);
int	 sources_add(struct sources *s, const struct source *which) MUST_CHECK;
void	 sources_remove(struct sources *s, const struct source *which);

/*
 * May one more wait to authenticate, where waiting do and of_source of them are
 * from its source?  Above half of max it is a matter of chance, the more so the
 * fuller it is, so that a flood does not shut out all others; chance is random.
 */
bool source_admit(unsigned waiting, unsigned max, unsigned of_source,
    unsigned max_source, uint32_t chance);

/*
 * At most `most` of a source in each `span` milliseconds: for what is written
 * for each peer that knocks.  Sources that share a bucket share its count; each
 * bucket says how much it has left out when it lets one through again.
 */
#define RATE_BUCKETS 256
struct rate {
	unsigned most;
	int64_t	 span;
	struct {
		int64_t	 since;
		unsigned n, left_out;
	} v[RATE_BUCKETS];
};
bool rate_take(struct rate *r, const struct source *which, int64_t now_ms,
    unsigned *left_out);

#endif
