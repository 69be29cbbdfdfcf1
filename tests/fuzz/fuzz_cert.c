/* SPDX-License-Identifier: ISC */
/* A certificate: signed, to be signed, and its line. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/ssh/cert.h"
#include "lib/ssh/lint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What was read encodes to the bytes it was read from. */
static void
check_cert(const struct cert *c, struct slice blob)
{
	struct str s = STR_INIT;
	struct buf *b = NULL;
	struct err e = {0};

	if (buf_new(&b, CERT_MAX) != 0 || cert_encode_tbs(c, b) != 0 ||
	    !slice_equal(buf_slice(b), slice_of(blob.p, c->tbs_len)))
		abort();
	cert_print(&s, c);
	if (lint_cert(c, &e) != 0 && e.msg[0] == '\0')
		abort();
	str_clear(&s);
	buf_free(b);
}

static void
check_blob(struct slice blob)
{
	struct err e = {0};
	struct cert c;

	cert_init(&c);
	if (cert_parse_tbs(blob, &c, &e) == 0)
		check_cert(&c, blob);
	else if (e.msg[0] == '\0')
		abort();
	e = (struct err){0};
	if (cert_parse(blob, &c, &e) == 0) {
		check_cert(&c, blob);
		/* A good one may verify; a bad one is told why. */
		if (cert_verify(&c, blob, &e) != 0 && e.msg[0] == '\0')
			abort();
	}
	cert_clear(&c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf *b;
	struct err e;

	check_blob(slice_of(data, n));
	if (buf_new(&b, CERT_MAX) != 0)
		abort();
	if (cert_parse_line((const char *)data, n, b, &e) == 0)
		check_blob(buf_slice(b));
	buf_free(b);
	return 0;
}
