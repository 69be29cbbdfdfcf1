/* SPDX-License-Identifier: ISC */
#include "tests/unit/krlcase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/str.h"
#include "lib/ssh/cert.h"
#include "tests/unit/sshdata.h"

bool
krlcase_revokes(const struct krl *k, const struct subject *s)
{
	struct cert c;
	bool is;

	cert_init(&c);
	c.ca = data_pubkey(s->ca);
	c.key = data_pubkey(s->key);
	c.key_id = str_dup(s->id);
	c.serial = s->serial;
	is = krl_revokes_cert(k, &c);
	cert_clear(&c);
	return is;
}

struct buf *
krlcase_encode(const struct krl *k)
{
	struct buf *b;

	assert_int_equal(buf_new(&b, KRL_MAX), 0);
	assert_int_equal(krl_encode(k, b), 0);
	return b;
}
