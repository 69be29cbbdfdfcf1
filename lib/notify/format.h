/* SPDX-License-Identifier: ISC */
/*
 * What goes out: the text of a notice for a chat and for a mail.
 *
 * Reason and ticket were typed by whoever asks and may be meant to deceive who
 * is told: they stand on lines of their own, marked as said by that person,
 * where no chat service reads markup and no mail program headers.  Pure.
 * Failure is the str's.
 */
#ifndef LIB_NOTIFY_FORMAT_H
#define LIB_NOTIFY_FORMAT_H

#include <stdint.h>

#include "lib/base/str.h"
#include "lib/notify/channels.h"
#include "lib/notify/notice.h"

/* {"text": ...} for these persons. */
void format_chat(const struct notice *n, const struct strs *to,
    struct str *out);

/*
 * A whole message (RFC 5322), lines ended by CR LF, its body quoted-printable.
 * address is valid; at is when, unique makes its Message-ID.
 */
void format_mail(const struct notice *n, const char *from, const char *address,
    int64_t at, const char *unique, struct str *out);

#endif
