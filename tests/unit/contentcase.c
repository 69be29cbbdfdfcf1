/* SPDX-License-Identifier: ISC */
#include "tests/unit/contentcase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "agent/master/content_impl.h"
#include "tests/unit/fixture.h"

struct content *
contentcase_new(struct policy *p)
{
	struct content *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	c->trust.have = true;
	c->trust.realm = *fixture_realm();
	c->trust.policy = p;
	return c;
}
