/* SPDX-License-Identifier: ISC */
/*
 * Inside lib/blob: the little XML that S3 answers with.
 *
 * A strict pull reader of elements and text.  Attributes are passed over;
 * there are no comments, CDATA sections, processing instructions after the
 * first, document types or entities of one's own: an answer that has them is
 * refused.  Bytes outside ASCII pass as they are, since a foreign key may be
 * anything.  Nothing is allocated.
 */
#ifndef LIB_BLOB_S3_XML_H
#define LIB_BLOB_S3_XML_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

#define S3_XML_DEPTH    16
#define S3_XML_TEXT_MAX 4096 /* of one element, after decoding */

enum s3_xml_event {
	S3_XML_OPEN,  /* name */
	S3_XML_CLOSE, /* name, and text where it held no other element */
	S3_XML_END,   /* the one root element is closed, nothing follows */
};

struct s3_xml {
	struct view in;
	struct slice stack[S3_XML_DEPTH];
	int depth; /* open elements, that of name included */
	bool started;
	bool empty; /* <name/>: its close comes next */
	bool leaf;  /* no element inside the open one so far */
	/* What the last event was about; borrowed until the next. */
	struct slice name;
	char text[S3_XML_TEXT_MAX + 1];
	size_t text_len;
};

void s3_xml_init(struct s3_xml *x, struct slice doc);
/* ERR_PARSE: not of that form; ERR_LIMIT: too deep, too long a text. */
int s3_xml_next(struct s3_xml *x, enum s3_xml_event *out) MUST_CHECK;

/*
 * The text of the first leaf with this name, at any depth, into out (n bytes
 * with the NUL).  ERR_NOTFOUND, ERR_PARSE, ERR_LIMIT.  A document that is
 * malformed anywhere is ERR_PARSE.
 */
int s3_xml_find(
    struct slice doc, const char *name, char *out, size_t n) MUST_CHECK;
/* Does it begin with an element of this name?  The rest is not looked at. */
bool s3_xml_is(struct slice doc, const char *root);

#endif
