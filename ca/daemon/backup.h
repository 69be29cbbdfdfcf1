/* SPDX-License-Identifier: ISC */
/* What backup.c writes and restore.c takes. */
#ifndef CA_DAEMON_BACKUP_H
#define CA_DAEMON_BACKUP_H

#include <stdbool.h>

#define BACKUP_MAX       (64 * 1024 * 1024)
#define BACKUP_MARK      "writ-backup" /* the first file: says what this is */
#define BACKUP_MARK_LINE "writ backup 1\n"
#define BACKUP_PLACES    6

/* What a backup has, below DIR, and nothing else. */
struct backup_place {
	const char *path;
	bool directory;
	bool secret;
	bool needed;
};
extern const struct backup_place backup_places[BACKUP_PLACES];

#endif
