/* SPDX-License-Identifier: ISC */
/*
 * How much of a line a text takes on a terminal, in columns: two for a wide
 * character such as a Chinese one or an emoji, none for a mark that goes over
 * the one before it.
 *
 * As wcwidth(3) of the C library's C.UTF-8 has it, whatever the locale of the
 * user is.  What it does not know, and a byte that is no UTF-8, takes one; where
 * the library has no C.UTF-8, each character does.
 */
#ifndef LIB_CLI_WIDTH_H
#define LIB_CLI_WIDTH_H

#include <stddef.h>

/* Of the first n bytes, which hold no NUL. */
size_t width_of(const char *s, size_t n);
/* Bytes at the beginning of s that fit into that many columns, whole characters
 * with the marks over them; of all of it where that fits. */
size_t width_cut(const char *s, size_t columns);

#endif
