/* SPDX-License-Identifier: ISC */
/*
 * writ-master(8): what whoever runs the machine does.  Each subcommand is a file,
 * and a line of the table in main.c.
 */
#ifndef AGENT_MASTER_ADMIN_H
#define AGENT_MASTER_ADMIN_H

#include "lib/cli/cli.h"

extern const struct cli_command cmd_master_init, cmd_master_run,
    cmd_master_check, cmd_master_status, cmd_master_metrics;

#endif
