/* SPDX-License-Identifier: ISC */
#include "lib/net/source.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define BUCKETS 1024

struct entry {
	struct source source;
	unsigned n;
	LIST_ENTRY(entry) link;
};

struct sources {
	LIST_HEAD(, entry) buckets[BUCKETS];
};

/* The IPv4 address of sa, also where it is written as an IPv6 one. */
static const uint8_t *
ipv4_of(const struct sockaddr *sa)
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;

	if (sa->sa_family == AF_INET)
		return (const uint8_t *)&in->sin_addr;
	if (sa->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		return in6->sin6_addr.s6_addr + 12;
	return NULL;
}

void
source_of(const struct sockaddr *sa, struct source *out)
{
	const struct sockaddr_in6 *in6 = (const void *)sa;
	const uint8_t *v4 = ipv4_of(sa);

	memset(out, 0, sizeof(*out));
	if (v4 != NULL) {
		out->b[0] = 4;
		memcpy(out->b + 1, v4, 4);
	} else if (sa->sa_family == AF_INET6) {
		out->b[0] = 6;
		memcpy(out->b + 1, in6->sin6_addr.s6_addr, 8);
	}
}

void
source_text(const struct sockaddr *sa, char out[SOURCE_TEXT])
{
	const struct sockaddr_in6 *in6 = (const void *)sa;
	const uint8_t *v4 = ipv4_of(sa);
	const char *s = NULL;

	if (v4 != NULL)
		s = inet_ntop(AF_INET, v4, out, SOURCE_TEXT);
	else if (sa->sa_family == AF_INET6)
		s = inet_ntop(AF_INET6, &in6->sin6_addr, out, SOURCE_TEXT);
	if (s == NULL)
		memcpy(out, "unknown", sizeof("unknown"));
}

/* FNV-1a.  Whoever has many addresses can fill a bucket, with as many entries
 * as may wait at once, which is few. */
static uint32_t
spread(const struct source *s)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < sizeof(s->b); i++)
		h = (h ^ s->b[i]) * 16777619u;
	return h ^ h >> 16;
}

static struct entry *
find(const struct sources *s, const struct source *which)
{
	struct entry *x;

	LIST_FOREACH (x, &s->buckets[spread(which) % BUCKETS], link)
		if (memcmp(x->source.b, which->b, sizeof(which->b)) == 0)
			return x;
	return NULL;
}

int
sources_new(struct sources **out)
{
	return (*out = calloc(1, sizeof(**out))) != NULL ? 0 : ERR_NOMEM;
}

void
sources_free(struct sources *s)
{
	struct entry *x;

	if (s == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while ((x = LIST_FIRST(&s->buckets[i])) != NULL) {
			LIST_REMOVE(x, link);
			free(x);
		}
	free(s);
}

unsigned
sources_count(const struct sources *s, const struct source *which)
{
	const struct entry *x = find(s, which);

	return x != NULL ? x->n : 0;
}

int
sources_add(struct sources *s, const struct source *which)
{
	struct entry *x = find(s, which);

	if (x == NULL) {
		if ((x = calloc(1, sizeof(*x))) == NULL)
			return ERR_NOMEM;
		x->source = *which;
		LIST_INSERT_HEAD(&s->buckets[spread(which) % BUCKETS], x, link);
	}
	x->n++;
	return 0;
}

void
sources_remove(struct sources *s, const struct source *which)
{
	struct entry *x = find(s, which);

	if (x == NULL || --x->n > 0)
		return;
	LIST_REMOVE(x, link);
	free(x);
}

bool
source_admit(unsigned waiting, unsigned max, unsigned of_source,
    unsigned max_source, uint32_t chance)
{
	unsigned half = max / 2;

	if (waiting >= max || of_source >= max_source)
		return false;
	if (waiting < half)
		return true;
	return chance % (max - half + 1) > waiting - half;
}

bool
rate_take(struct rate *r, const struct source *which, int64_t now_ms,
    unsigned *left_out)
{
	size_t i = spread(which) % RATE_BUCKETS;

	*left_out = 0;
	if (r->v[i].n == 0 || now_ms - r->v[i].since >= r->span) {
		*left_out = r->v[i].left_out;
		r->v[i].since = now_ms;
		r->v[i].n = 0;
		r->v[i].left_out = 0;
	}
	if (r->v[i].n >= r->most) {
		r->v[i].left_out++;
		return false;
	}
	r->v[i].n++;
	return true;
}
