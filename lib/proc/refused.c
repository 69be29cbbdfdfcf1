/* SPDX-License-Identifier: ISC */
#include "lib/proc/refused.h"

#include <stdbool.h>
#include <string.h>

int
refused_frame_encode(const struct err *why, struct buf *out)
{
	int r;

	if ((r = buf_put_u32(out, (uint32_t)-why->code)) != 0 ||
	    (r = buf_put_cstring(out, why->msg)) != 0)
		return r;
	return buf_put_cstring(out, why->hint);
}

static bool
is_code(uint32_t n)
{
	switch (n) {
#define X(name, value, text) case -(value):
		ERR_LIST(X)
#undef X
		return true;
	default:
		return false;
	}
}

int
refused_frame_parse(struct slice payload, struct err *why, struct err *e)
{
	struct view v = view_slice(payload);
	struct slice msg, hint;
	uint32_t code;

	if (view_get_u32(&v, &code) != 0 || view_get_string(&v, &msg) != 0 ||
	    view_get_string(&v, &hint) != 0 || view_end(&v) != 0 ||
	    !is_code(code))
		return err_set(e, ERR_PARSE, "frame of a refusal: malformed");
	memset(why, 0, sizeof(*why));
	(void)err_set(why, -(int)code, "%.*s", (int)msg.n, (const char *)msg.p);
	if (hint.n > 0)
		err_hint(why, "%.*s", (int)hint.n, (const char *)hint.p);
	return 0;
}
