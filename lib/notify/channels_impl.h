/* SPDX-License-Identifier: ISC */
/* Inside lib/notify. */
#ifndef LIB_NOTIFY_CHANNELS_IMPL_H
#define LIB_NOTIFY_CHANNELS_IMPL_H

#include <stdbool.h>

/* Is its host this machine, by a name that no resolver is asked about? */
bool url_is_loopback(const char *url);

#endif
