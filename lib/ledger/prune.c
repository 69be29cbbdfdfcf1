/* SPDX-License-Identifier: ISC */
/*
 * Partial tiles that nobody needs any longer, in a directory.  While a tile
 * is not full its older partial tiles stay, for whoever reads under an older
 * checkpoint.  After a crash those beyond what is whole for sure go as well:
 * they may be torn, and what is published now has the one that counts.  Best
 * effort: what stays behind is accounted for by whoever verifies the log.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/str.h"
#include "lib/ledger/ledger_impl.h"

/* Remove the partial tiles in the directory fd that are wider than above, but
 * for the one that is keep wide. */
static void
empty(int fd, unsigned above, unsigned keep)
{
	DIR *d = fdopendir(fd);
	struct dirent *ent;
	char name[16];

	if (d == NULL) {
		(void)close(fd);
		return;
	}
	(void)snprintf(name, sizeof(name), "%u", keep);
	while ((ent = readdir(d)) != NULL) {
		uint64_t width;

		if (parse_u64(ent->d_name, 1, TILE_WIDTH - 1, &width) == 0 &&
		    width > above && strcmp(ent->d_name, name) != 0)
			(void)unlinkat(dirfd(d), ent->d_name, 0);
	}
	(void)closedir(d);
}

static void
prune_tile(int home, const struct tile *t, unsigned above)
{
	struct tile full = *t;
	char path[TILE_PATH_MAX + 4];
	size_t n;
	int fd;

	full.width = TILE_WIDTH;
	tile_path(&full, path);
	n = strlen(path);
	(void)snprintf(path + n, sizeof(path) - n, ".p");
	fd =
	    openat(home, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	empty(fd, above, t->width);
	if (t->width == TILE_WIDTH)
		(void)unlinkat(home, path, AT_REMOVEDIR);
}

static void
prune_level(int home, unsigned level, uint64_t from, uint64_t to, bool torn)
{
	unsigned shift = level == TILE_ENTRIES ? 0 : 8 * level;
	uint64_t first = (from >> shift) / TILE_WIDTH;

	for (uint64_t i = first;; i++) {
		const struct tile t = {level, i, tile_width(level, i, to)};

		if (t.width == 0)
			break;
		if (t.width == TILE_WIDTH)
			prune_tile(home, &t, 0);
		else if (torn)
			prune_tile(home, &t, tile_width(level, i, from));
	}
}

void
ledger_prune(struct ledger *l, uint64_t from, uint64_t to, bool torn)
{
	int home = open(l->home_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (home < 0)
		return;
	prune_level(home, TILE_ENTRIES, from, to, torn);
	for (unsigned i = 0; i < tile_levels(to); i++)
		prune_level(home, i, from, to, torn);
	(void)close(home);
}
