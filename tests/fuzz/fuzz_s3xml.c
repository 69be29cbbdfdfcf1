/* SPDX-License-Identifier: ISC */
/* What an S3 server answers: a list of versions, or any leaf of a document. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/blob/s3.h"
#include "lib/blob/s3_xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int
each(void *ctx, const struct blob_info *info)
{
	size_t *sum = ctx;

	*sum += strlen(info->key) + strlen(info->version);
	if (strlen(info->key) > S3_XML_TEXT_MAX)
		abort();
	return *sum > 100000 ? 1 : 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct s3_page page = {0};
	char text[64] = "";
	size_t sum = 0;

	if (s3_page_read(slice_of(p, n), each, &sum, &page, NULL) == 0 &&
	    page.truncated && page.key_marker == NULL)
		abort();
	s3_page_clear(&page);
	if (s3_xml_find(slice_of(p, n), "Code", text, sizeof(text)) == 0 &&
	    strlen(text) >= sizeof(text))
		abort();
	return 0;
}
