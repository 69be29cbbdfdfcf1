/* SPDX-License-Identifier: ISC */
/*
 * writ-ca(8): what whoever runs the machine does.  Each subcommand is a file,
 * and a line of the table in main.c.
 */
#ifndef CA_DAEMON_ADMIN_H
#define CA_DAEMON_ADMIN_H

#include "lib/cli/cli.h"

extern const struct cli_command cmd_run, cmd_check, cmd_status, cmd_metrics,
    cmd_backup, cmd_restore, cmd_rebuild;

#endif
