/* SPDX-License-Identifier: ISC */
/* What `--version` says and `make dist` names its file by. */
#ifndef LIB_CLI_VERSION_H
#define LIB_CLI_VERSION_H

#define WRIT_VERSION "0.1"

#endif
