/* SPDX-License-Identifier: ISC */
/*
 * Small changes to YAML that a person wrote: comments and layout stay, and the
 * change is taken only when the file, read again, differs in that alone.
 */
#ifndef LIB_CONF_EDIT_H
#define LIB_CONF_EDIT_H

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

/*
 * path: keys from the top, NULL-terminated.  name is a word that YAML takes for
 * text as it stands.  The new file is appended to out.
 *
 * 0; EDIT_BY_HAND: it is laid out so that we cannot be sure (an anchor, an
 * escape, text before it on the line that is not ASCII): nothing was appended;
 * ERR_NOTFOUND: nothing is at path; ERR_PARSE (file:line:column), ERR_NOMEM.
 */
#define EDIT_BY_HAND 1
/* Put name at the end of the list at path. */
int yaml_add_last(const char *file, struct slice text, const char *const *path,
    const char *name, struct str *out, struct err *e) MUST_CHECK;
/* Move name, which is in the list at path, to its beginning. */
int yaml_move_first(const char *file, struct slice text,
    const char *const *path, const char *name, struct str *out,
    struct err *e) MUST_CHECK;
/* Make name the value of the key at path, which has another. */
int yaml_set_text(const char *file, struct slice text, const char *const *path,
    const char *name, struct str *out, struct err *e) MUST_CHECK;

#endif
