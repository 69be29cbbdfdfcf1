/* SPDX-License-Identifier: ISC */
/*
 * A header page, then slots of two numbers: a keyed 64-bit hash of (tag,
 * name), and the leaf's index plus 1, 0 in a free slot; open addressing,
 * linear, at most half full.  The k-th leaf of a listed tag is found under
 * (tag, k) in the same way.  Slots are filled before counts are raised, and a
 * slot's hash before its index, so a process that is killed in the middle
 * leaves an index that lacks the leaf or has part of it; adding it again is
 * harmless.  Space is allocated before it is mapped: a store never meets a
 * full disk.
 *
 * The hash has a random key, since names are chosen by whoever sends
 * statements, and a chain of ten thousand slots would be a way to stop us.
 */
#include "lib/ledger/index.h"

#include <sodium/crypto_shorthash_siphash24.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/pages.h"
#include "lib/base/str.h"
#include "lib/crypto/random.h"

#define MAGIC       "writ index 1\n"
#define PAGE        4096
#define SLOTS_FIRST 1024
#define SLOTS_MAX   (UINT64_C(1) << 32)
#define TAGS        32
#define BOOT_ID     "/proc/sys/kernel/random/boot_id"
#define BOOT_LEN    36

struct header {
	char magic[16];
	char boot[40];
	uint8_t key[16];
	uint64_t slots; /* a power of two */
	uint64_t used;
	uint64_t count;
	uint64_t settled;
	uint64_t last; /* of the leaf hash of leaf count - 1 */
	uint64_t listed;
	uint64_t n_listed[TAGS];
};

struct slot {
	uint64_t hash;
	uint64_t leaf; /* index + 1 */
};

struct list {
	uint64_t *v;
	size_t n, cap;
	bool loaded;
};

struct index {
	char *path; /* NULL: memory */
	bool read_only;
	uint32_t listed;
	char boot[40];
	struct header *h; /* the mapping */
	size_t len;
	struct list lists[TAGS];
};

static struct slot *
slots(struct header *h)
{
	return (struct slot *)(void *)((uint8_t *)h + PAGE);
}

static uint64_t
slot_hash(const struct header *h, uint8_t tag, bool list, const void *p,
    size_t n)
{
	uint8_t in[2 + HASH_LEN] = {tag, list};
	uint64_t out;

	memcpy(in + 2, p, n);
	(void)crypto_shorthash_siphash24((uint8_t *)&out, in, 2 + n, h->key);
	return out;
}

static uint64_t
list_hash(const struct header *h, uint8_t tag, uint64_t k)
{
	return slot_hash(h, tag, true, &k, sizeof(k));
}

/* The compiler must not move these stores past each other. */
static void
store(uint64_t *p, uint64_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static void
insert(struct header *h, uint64_t hash, uint64_t leaf)
{
	struct slot *s = slots(h);
	uint64_t i = hash & (h->slots - 1);

	for (; s[i].leaf != 0; i = (i + 1) & (h->slots - 1))
		if (s[i].hash == hash && s[i].leaf == leaf)
			return;
	store(&s[i].hash, hash);
	store(&s[i].leaf, leaf);
	store(&h->used, h->used + 1);
}

static void
unmap(struct index *x)
{
	if (x->h != NULL)
		(void)munmap(x->h, x->len);
	x->h = NULL;
}

static void
header_init(const struct index *x, struct header *h, uint64_t n_slots)
{
	memcpy(h->magic, MAGIC, sizeof(MAGIC));
	memcpy(h->boot, x->boot, sizeof(h->boot));
	random_bytes(h->key, sizeof(h->key));
	h->slots = n_slots;
	h->listed = x->listed;
}

/* A new file beside the old one, all of it allocated. */
static int
map_file(const char *tmp, size_t len, void **out, struct err *e)
{
	int fd, r;

	(void)unlink(tmp);
	fd =
	    open(tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(e, "write %s", tmp);
	if ((r = posix_fallocate(fd, 0, (off_t)len)) != 0) {
		errno = r;
		r = err_sys(e, "write %s, %zu bytes", tmp, len);
		goto out;
	}
	*out = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	r = *out == MAP_FAILED ? err_sys(e, "map %s", tmp) : 0;
out:
	if (r != 0)
		(void)unlink(tmp);
	(void)close(fd);
	return r;
}

static void
copy_slots(struct header *to, struct header *from)
{
	const struct slot *s = slots(from);

	for (uint64_t i = 0; i < from->slots; i++)
		if (s[i].leaf != 0)
			insert(to, s[i].hash, s[i].leaf);
	to->count = from->count;
	to->settled = from->settled;
	to->last = from->last;
	memcpy(to->n_listed, from->n_listed, sizeof(to->n_listed));
}

/* Take a table of n_slots into use, with what the old one has if keep. */
static int
replace(struct index *x, uint64_t n_slots, bool keep, struct err *e)
{
	size_t len = PAGE + (size_t)n_slots * sizeof(struct slot);
	char *tmp = NULL;
	void *p = MAP_FAILED;
	int r = 0;

	if (x->path == NULL || x->read_only) {
		p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return err_sys(e, "map %zu bytes", len);
	} else {
		if (path_joinf(&tmp, "%s.new", x->path) != 0)
			return err_nomem(e);
		if ((r = map_file(tmp, len, &p, e)) != 0)
			goto out;
	}
	header_init(x, p, n_slots);
	if (keep) {
		memcpy(((struct header *)p)->key, x->h->key, 16);
		copy_slots(p, x->h);
	}
	if (tmp != NULL && rename(tmp, x->path) != 0) {
		r = err_sys(e, "rename %s to %s", tmp, x->path);
		(void)munmap(p, len);
		(void)unlink(tmp);
		goto out;
	}
	unmap(x);
	x->h = p;
	x->len = len;
out:
	free(tmp);
	return r;
}

/* The index of this boot, whole, of these lists? */
static bool
header_ok(const struct index *x, const struct header *h, size_t len)
{
	if (memcmp(h->magic, MAGIC, sizeof(MAGIC)) != 0 ||
	    memcmp(h->boot, x->boot, sizeof(h->boot)) != 0 ||
	    h->boot[0] == '\0' || h->listed != x->listed)
		return false;
	for (size_t i = 0; i < TAGS; i++)
		if (h->n_listed[i] > h->count + 1)
			return false;
	return h->slots >= SLOTS_FIRST && h->slots <= SLOTS_MAX &&
	    (h->slots & (h->slots - 1)) == 0 && h->used <= h->slots / 2 &&
	    len == PAGE + h->slots * sizeof(struct slot);
}

static void
try_map(struct index *x)
{
	int share = x->read_only ? MAP_PRIVATE : MAP_SHARED;
	int fd = open(x->path,
	    (x->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	void *p;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > PAGE) {
		p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
		    share, fd, 0);
		if (p != MAP_FAILED && header_ok(x, p, (size_t)st.st_size)) {
			x->h = p;
			x->len = (size_t)st.st_size;
		} else if (p != MAP_FAILED) {
			(void)munmap(p, (size_t)st.st_size);
		}
	}
	(void)close(fd);
}

/* Without a boot id nothing is believed. */
static void
read_boot_id(struct index *x)
{
	int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (read(fd, x->boot, BOOT_LEN) != BOOT_LEN)
		x->boot[0] = '\0';
	(void)close(fd);
}

/* What is listed but not counted was added by a process that was killed. */
static void
trim_lists(struct index *x)
{
	const struct slot *s = slots(x->h);

	for (uint8_t tag = 0; tag < TAGS; tag++)
		while (x->h->n_listed[tag] > 0) {
			uint64_t k = x->h->n_listed[tag] - 1;
			uint64_t hash = list_hash(x->h, tag, k);
			uint64_t i = hash & (x->h->slots - 1);

			for (; s[i].leaf != 0; i = (i + 1) & (x->h->slots - 1))
				if (s[i].hash == hash)
					break;
			if (s[i].leaf != 0 && s[i].leaf <= x->h->count)
				break;
			x->h->n_listed[tag] = k;
		}
}

int
index_open(const char *path, uint32_t listed, bool read_only,
    struct index **out, struct err *e)
{
	struct index *x = calloc(1, sizeof(*x));
	int r = 0;

	if (x == NULL)
		return err_nomem(e);
	x->read_only = read_only;
	x->listed = listed;
	if (path != NULL && (x->path = str_dup(path)) == NULL) {
		r = err_nomem(e);
		goto out;
	}
	read_boot_id(x);
	if (path != NULL)
		try_map(x);
	if (x->h != NULL)
		trim_lists(x);
	else if ((r = replace(x, SLOTS_FIRST, false, e)) != 0)
		goto out;
	*out = x;
	x = NULL;
out:
	index_close(x);
	return r;
}

void
index_close(struct index *x)
{
	if (x == NULL)
		return;
	unmap(x);
	for (size_t i = 0; i < TAGS; i++)
		free(x->lists[i].v);
	free(x->path);
	free(x);
}

uint64_t
index_count(const struct index *x)
{
	return __atomic_load_n(&x->h->count, __ATOMIC_ACQUIRE);
}

uint64_t
index_settled(const struct index *x)
{
	return x->h->settled;
}

void
index_settle(struct index *x, uint64_t size)
{
	store(&x->h->settled, size);
}

static uint64_t
front(const struct hash *leaf)
{
	uint64_t v;

	memcpy(&v, leaf->b, sizeof(v));
	return v;
}

bool
index_last_is(const struct index *x, const struct hash *leaf)
{
	return x->h->last == front(leaf);
}

int
index_reset(struct index *x, struct err *e)
{
	for (size_t i = 0; i < TAGS; i++) {
		x->lists[i].n = 0;
		x->lists[i].loaded = false;
	}
	return replace(x, SLOTS_FIRST, false, e);
}

int
index_reserve(struct index *x, size_t n, struct err *e)
{
	uint64_t want = x->h->slots;
	int r;

	for (uint8_t tag = 0; tag < TAGS; tag++)
		if (x->lists[tag].loaded &&
		    vec_reserve(&x->lists[tag].v, x->lists[tag].n, n,
			&x->lists[tag].cap) != 0)
			return err_nomem(e);
	/* Two slots a leaf: its name, and its place in a list. */
	while (want / 2 < x->h->used + 2 * n)
		want *= 2;
	if (want > SLOTS_MAX)
		return err_set(e, ERR_LIMIT, "the index is full");
	if (want != x->h->slots && (r = replace(x, want, true, e)) != 0)
		return r;
	/* Where hashes will touch most pages, have all of them at once. */
	if (!x->read_only && n >= x->len / PAGE)
		pages_expect(x->h, x->len);
	return 0;
}

void
index_add_name(struct index *x, uint8_t tag, const struct hash *name)
{
	struct header *h = x->h;

	insert(h, slot_hash(h, tag, false, name->b, HASH_LEN), h->count + 1);
}

void
index_add(struct index *x, uint8_t tag, const struct hash *name,
    const struct hash *leaf)
{
	struct header *h = x->h;
	uint64_t index = h->count;

	insert(h, slot_hash(h, tag, false, name->b, HASH_LEN), index + 1);
	if (tag < TAGS && (x->listed >> tag & 1) != 0) {
		struct list *l = &x->lists[tag];

		insert(h, list_hash(h, tag, h->n_listed[tag]), index + 1);
		store(&h->n_listed[tag], h->n_listed[tag] + 1);
		if (l->loaded)
			l->v[l->n++] = index;
	}
	store(&h->last, front(leaf));
	store(&h->count, index + 1);
}

int
index_find(const struct index *x, uint8_t tag, const struct hash *name,
    int (*each)(void *ctx, uint64_t index), void *ctx)
{
	uint64_t hash = slot_hash(x->h, tag, false, name->b, HASH_LEN);
	uint64_t mask = x->h->slots - 1, n = 0;
	const struct slot *s = slots(x->h);
	int r;

	for (uint64_t i = hash & mask; n++ <= mask; i = (i + 1) & mask) {
		if (s[i].leaf == 0)
			break;
		if (s[i].hash == hash && (r = each(ctx, s[i].leaf - 1)) != 0)
			return r;
	}
	return 0;
}

/* The k-th leaf of a tag; UINT64_MAX when the table does not have it. */
static uint64_t
list_at(const struct index *x, uint8_t tag, uint64_t k)
{
	uint64_t hash = list_hash(x->h, tag, k);
	uint64_t mask = x->h->slots - 1, n = 0;
	const struct slot *s = slots(x->h);

	for (uint64_t i = hash & mask; n++ <= mask; i = (i + 1) & mask) {
		if (s[i].leaf == 0)
			break;
		if (s[i].hash == hash)
			return s[i].leaf - 1;
	}
	return UINT64_MAX;
}

int
index_listed(struct index *x, uint8_t tag, const uint64_t **out, size_t *n)
{
	struct list *l = &x->lists[tag % TAGS];

	if (!l->loaded) {
		uint64_t want = x->h->n_listed[tag % TAGS];

		if (vec_reserve(&l->v, l->n, (size_t)want, &l->cap) != 0)
			return ERR_NOMEM;
		for (l->n = 0; l->n < want; l->n++)
			l->v[l->n] = list_at(x, tag, l->n);
		l->loaded = true;
	}
	*out = l->v;
	*n = l->n;
	return 0;
}
